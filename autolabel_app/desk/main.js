// The frame of the desk: which collection, which page, what is going on.

import * as api from "./api.js";
import { Audit } from "./audit.js";
import { Confirm } from "./confirm.js";
import { Doubts } from "./doubts.js";
import { Gallery } from "./gallery.js";
import { LabelMode } from "./label_mode.js";
import { Overview } from "./overview.js";
import { address, go, usePlace } from "./state.js";
import { html, render, useCallback, useEffect, useState } from "./vendor/htm-preact.js";
import { SOURCES, WORDS, whole } from "./words.js";

const PAGES = { gallery: Gallery, label: LabelMode, confirm: Confirm, audit: Audit, doubts: Doubts, overview: Overview };

function Desk() {
  const place = usePlace();
  const [collections, setCollections] = useState(/** @type {api.Collection[]|null} */ (null));
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    api.collections().then(
      ({ results, problems }) => {
        setCollections(results);
        setTrouble(problems.join("\n"));
      },
      (error) => setTrouble(error.message),
    );
  }, []);
  useEffect(() => {
    if (collections?.length && !place.collection) go({ collection: collections[0].collection_id });
  }, [collections, place.collection]);
  const current = collections?.find((one) => one.collection_id === place.collection);
  return html`
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    ${collections?.length === 0 && html`<p class="empty">${WORDS.noCollections}</p>`}
    ${collections && place.collection && !current && collections.length > 0 &&
    html`<p class="empty">No collection ${place.collection}. <a href="#/">All collections</a></p>`}
    ${current &&
    html`<${Opened} key=${current.collection_id} collections=${collections} place=${place} />`}
  `;
}

/** @param {{collections: api.Collection[], place: import("./state.js").Place}} props */
function Opened({ collections, place }) {
  const name = place.collection;
  const [collection, setCollection] = useState(/** @type {api.Collection|null} */ (null));
  const [activity, setActivity] = useState({ doing: "", trouble: "" });
  const [version, setVersion] = useState(0);
  const [messages, setMessages] = useState(/** @type {{id: number, text: string}[]} */ ([]));
  const tell = useCallback((/** @type {string} */ text) => {
    const id = Date.now() + Math.random();
    setMessages((shown) => [...shown.slice(-3), { id, text }]);
    setTimeout(() => setMessages((shown) => shown.filter((one) => one.id !== id)), 6000);
  }, []);
  useEffect(
    () =>
      api.watch(
        name,
        () => {
          setVersion((before) => before + 1);
          api.collection(name).then(setCollection, (error) => tell(error.message));
        },
        setActivity,
      ),
    [name],
  );
  const Page = PAGES[/** @type {keyof typeof PAGES} */ (place.page)] || Gallery;
  return html`
    <header>
      <a class="brand" href="#/${encodeURIComponent(name)}/gallery">autolabel</a>
      <select
        aria-label="Collection"
        onChange=${(/** @type {any} */ event) =>
          go({ collection: event.target.value, filter: [], sort: "" })}
      >
        ${collections.map((one) => html`<option selected=${one.collection_id === name}>${one.collection_id}</option>`)}
      </select>
      <nav>
        ${Object.keys(PAGES).map(
          (page) => html`<a
            href=${address({ page, filter: [], sort: "" })}
            aria-current=${page === place.page ? "page" : null}
            >${WORDS[/** @type {keyof typeof PAGES} */ (page)]}</a
          >`,
        )}
      </nav>
      ${collection && html`<${Coverage} collection=${collection} />`}
      <span class="activity" title=${activity.trouble || activity.doing}>
        ${activity.trouble ? `⚠ ${activity.trouble}` : activity.doing && `⟳ ${activity.doing}`}
      </span>
    </header>
    <main>
      ${collection
        ? html`<${Page} collection=${collection} place=${place} version=${version} tell=${tell} />`
        : html`<p class="empty">Loading …</p>`}
    </main>
    <div class="messages" role="status">
      ${messages.map((one) => html`<p key=${one.id}>${one.text}</p>`)}
    </div>
  `;
}

/** @param {{collection: api.Collection}} props */
function Coverage({ collection }) {
  const counts = collection.label_sources;
  const total = collection.document_count || 1;
  return html`<div class="coverage" aria-label="How documents are labelled">
    <div class="bar">
      ${SOURCES.map(
        (source) => html`<i
          class="source-${source}"
          style=${`width:${(100 * (counts[source] || 0)) / total}%`}
        ></i>`,
      )}
    </div>
    ${SOURCES.filter((source) => counts[source]).map(
      (source) => html`<a
        href=${address({
          page: "gallery",
          filter: [`label_source:eq:${source === "none" ? "null" : source}`],
          sort: "",
        })}
        ><i class="dot source-${source}"></i>${whole(counts[source])} ${source}</a
      >`,
    )}
  </div>`;
}

const root = document.getElementById("desk");
if (root) {
  root.textContent = "";
  render(html`<${Desk} />`, root);
}
