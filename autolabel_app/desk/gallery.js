// All documents as tiles: filters with counts, virtual scrolling, selection, labels for many at once.

import * as api from "./api.js";
import { Facets, Filters } from "./filters.js";
import { Inspector } from "./inspector.js";
import { useKeys } from "./state.js";
import { Picture } from "./picture.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { LabelInput, keysOf } from "./vocabulary.js";
import { WORDS, decimal, whole } from "./words.js";

const PAGE = 120;
const GAP = 8;
const CAPTION = 40;
const AHEAD_ROWS = 3;

/**
 * Pages of documents by their number, fetched as they come into sight.
 * @param {string} collection
 * @param {api.View} view
 * @param {number} version  what changes when the documents may have changed
 * @param {(text: string) => void} tell
 */
function usePages(collection, view, version, tell) {
  const asked = JSON.stringify([collection, view]);
  const [total, setTotal] = useState(/** @type {number|null} */ (null));
  const [, redraw] = useState(0);
  const pages = useRef(/** @type {Map<number, api.Document[]|null>} */ (new Map()));
  const stale = useRef(/** @type {Set<number>} */ (new Set()));
  const abort = useRef(new AbortController());
  useMemo(() => {
    abort.current.abort();
    abort.current = new AbortController();
    pages.current = new Map();
  }, [asked]);
  useMemo(() => {
    stale.current = new Set(pages.current.keys());
  }, [version]);
  const fetchPage = (/** @type {number} */ page) => {
    const known = pages.current;
    if (known.has(page) && !stale.current.has(page)) return;
    stale.current.delete(page);
    if (!known.has(page)) known.set(page, null);
    api.documents(collection, view, page * PAGE, PAGE, abort.current.signal).then(
      ({ results, pagination }) => {
        known.set(page, results);
        setTotal(pagination.total);
        redraw((before) => before + 1);
      },
      (error) => {
        if (error.name === "AbortError") return;
        known.delete(page);
        setTotal((before) => before ?? 0);
        tell(error.message);
      },
    );
  };
  useEffect(() => setTotal(null), [asked]);
  // Also where nothing is in sight yet: the first page tells how many there are now.
  useEffect(() => fetchPage(0), [asked, version]);
  return {
    total,
    at: (/** @type {number} */ index) => {
      fetchPage(Math.floor(index / PAGE));
      return pages.current.get(Math.floor(index / PAGE))?.[index % PAGE] || null;
    },
  };
}

/**
 * @param {{collection: api.Collection & {labels: string[]}, place: import("./state.js").Place,
 *   version: number, tell: (text: string) => void}} props
 */
export function Gallery({ collection, place, version, tell }) {
  const name = collection.collection_id;
  const view = { filter: place.filter, sort: place.sort };
  const pages = usePages(name, view, version, tell);
  const [tile, setTile] = useState(Number(localStorage.getItem("tile")) || 144);
  const [selected, setSelected] = useState(/** @type {Map<string, api.Document>} */ (new Map()));
  const [last, setLast] = useState(0);
  const [opened, setOpened] = useState(/** @type {api.Document|null} */ (null));
  const [naming, setNaming] = useState(false);
  const frame = useRef(/** @type {HTMLElement|null} */ (null));
  const [area, setArea] = useState({ top: 0, width: 800, height: 600 });
  const measure = () => {
    const box = frame.current;
    if (box) setArea({ top: box.scrollTop, width: box.clientWidth, height: box.clientHeight });
  };
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    if (frame.current) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    setSelected(new Map());
    if (frame.current) frame.current.scrollTop = 0;
  }, [JSON.stringify(view)]);

  const columns = Math.max(1, Math.floor((area.width - GAP) / (tile + GAP)));
  const rowHeight = tile + CAPTION + GAP;
  const total = pages.total ?? 0;
  const first = Math.max(0, Math.floor(area.top / rowHeight) - AHEAD_ROWS);
  const end = Math.ceil((area.top + area.height) / rowHeight) + AHEAD_ROWS;
  const shown = [];
  for (let index = first * columns; index < Math.min(total, end * columns); index += 1) {
    shown.push({ index, document: pages.at(index) });
  }

  const click = (/** @type {MouseEvent} */ event, /** @type {number} */ index) => {
    const document = pages.at(index);
    if (!document) return;
    const next = new Map(event.shiftKey || event.ctrlKey || event.metaKey ? selected : []);
    if (event.shiftKey) {
      for (let i = Math.min(last, index); i <= Math.max(last, index); i += 1) {
        const one = pages.at(i);
        if (one) next.set(one.document_id, one);
      }
    } else if (next.has(document.document_id)) next.delete(document.document_id);
    else next.set(document.document_id, document);
    setLast(index);
    setSelected(next);
    setOpened(next.size === 1 ? [...next.values()][0] : null);
  };
  const label = (/** @type {string|null} */ wanted) => {
    const labels = [...selected.keys()].map((id) => ({ document_id: id, label: wanted }));
    api.label(name, labels).then(
      (report) => {
        tell(`${report.labelled} labelled, ${report.withdrawn} withdrawn`);
        for (const warning of [...report.warnings, ...report.notes]) tell(warning);
        setSelected(new Map());
        setOpened(null);
      },
      (error) => tell(error.message),
    );
  };
  useKeys((event) => {
    const named = keysOf(collection.labels).get(event.key);
    if (event.key === "Escape") {
      setSelected(new Map());
      setOpened(null);
    } else if (!selected.size) return;
    else if (event.key === "/") setNaming(true);
    else if (named !== undefined) label(named);
    else if (event.key === "Backspace") label(null);
    else return;
    event.preventDefault();
  });

  return html`<div class="gallery">
    <aside><${Facets} collection=${collection} view=${view} version=${version} tell=${tell} /></aside>
    <section>
      <div class="toolbar">
        <${Filters} view=${view} />
        <span class="count">${pages.total == null ? "…" : `${whole(total)} documents`}</span>
        <input
          type="range"
          aria-label="Size of the tiles"
          min="80"
          max="320"
          value=${tile}
          onInput=${(/** @type {any} */ event) => {
            setTile(Number(event.target.value));
            localStorage.setItem("tile", event.target.value);
          }}
        />
      </div>
      <div class="tiles" ref=${frame} onScroll=${measure} tabindex="0" aria-label="Documents">
        ${pages.total === 0 && html`<p class="empty">${WORDS.noDocuments}</p>`}
        <div style=${`height:${Math.ceil(total / columns) * rowHeight}px`}>
          ${shown.map(
            ({ index, document }) => html`<figure
              key=${index}
              class=${document && selected.has(document.document_id) ? "selected" : ""}
              style=${`width:${tile}px;height:${tile + CAPTION}px;left:${
                GAP + (index % columns) * (tile + GAP)
              }px;top:${Math.floor(index / columns) * rowHeight}px`}
              onClick=${(/** @type {MouseEvent} */ event) => click(event, index)}
              onDblClick=${() => setOpened(document)}
              title=${document?.key}
            >
              ${document && html`<${Tile} collection=${collection} document=${document} />`}
            </figure>`,
          )}
        </div>
      </div>
      ${selected.size > 0 &&
      html`<div class="selection">
        <b>${selected.size} selected</b>
        <${LabelInput}
          labels=${collection.labels}
          focused=${naming}
          choose=${label}
          leave=${() => setNaming(false)}
        />
        <button onClick=${() => label(null)} title="Backspace">Withdraw my labels</button>
        <button onClick=${() => setSelected(new Map())} title="Escape">Clear</button>
      </div>`}
    </section>
    ${opened &&
    html`<${Inspector} collection=${collection} document=${opened} leave=${() => setOpened(null)} />`}
  </div>`;
}

/** @param {{collection: api.Collection, document: api.Document}} props */
function Tile({ collection, document }) {
  const { label, label_source: source, suggested_label: suggested, taxonomy_match: match } = document;
  return html`
    <${Picture}
      key=${document.document_id}
      collection=${collection}
      document=${document}
      side=${192}
    />
    <figcaption>
      <i class=${`dot source-${source || "none"}`}></i>
      <span>${label ?? (suggested ? `${suggested}?` : document.reason ? "cannot be read" : "no label")}</span>
      ${source !== "human" && match.confidence != null && html`<small>${decimal(match.confidence)}</small>`}
    </figcaption>
  `;
}
