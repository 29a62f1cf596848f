// One document at a time, by keys: accept the proposal, choose another label, skip, undo.

import * as api from "./api.js";
import { Reference } from "./inspector.js";
import { Picture } from "./picture.js";
import { useKeys } from "./state.js";
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { LabelInput, keysOf } from "./vocabulary.js";
import { NEXT, QUEUES, WORDS, decimal, whole } from "./words.js";

const PAGE = 60;
const REFILL = 15;
// What is most useful changes with each label: few are fetched at once.
const USEFUL_PAGE = 20;
const USEFUL_REFILL = 5;
const PRELOADED = 6;

/**
 * @param {{collection: api.Collection & {labels: string[]}, place: import("./state.js").Place,
 *   version: number, tell: (text: string) => void}} props
 */
export function LabelMode({ collection, place, tell }) {
  const name = collection.collection_id;
  const [chosen, setChosen] = useState(QUEUES[0].id);
  const queue = QUEUES.find((one) => one.id === chosen) || QUEUES[0];
  const view = place.filter.length ? { filter: place.filter, sort: place.sort } : queue;
  const asksNext = !collection.has_boxes && !place.filter.length && chosen === NEXT;
  const asked = JSON.stringify([asksNext, view.filter, view.sort]);
  const [waiting, setWaiting] = useState(/** @type {api.Document[]|null} */ (null));
  const [total, setTotal] = useState(/** @type {number|null} */ (null));
  const [naming, setNaming] = useState(!collection.labels.length);
  const [done, setDone] = useState(/** @type {{document: api.Document, label: string}[]} */ ([]));
  const seen = useRef(/** @type {Set<string>} */ (new Set()));
  const filling = useRef("");

  const fill = (/** @type {boolean} */ anew) => {
    if (filling.current === asked && !anew) return;
    filling.current = asked;
    // What was labelled leaves the queue only when a sweep has seen it: skip over what was seen.
    const most = Math.min(1000, (asksNext ? USEFUL_PAGE : PAGE) + seen.current.size);
    const listed = asksNext
      ? api.next(name, most).then(({ results }) => ({ results, pagination: null }))
      : api.documents(name, view, 0, most);
    listed.then(
      ({ results, pagination }) => {
        if (filling.current !== asked) return;  // another queue was chosen meanwhile
        filling.current = "";
        const fresh = results.filter((one) => !seen.current.has(one.document_id));
        for (const one of fresh) seen.current.add(one.document_id);
        setTotal(pagination ? pagination.total : null);
        setWaiting((before) => (anew ? fresh : [...(before || []), ...fresh]));
      },
      (error) => {
        filling.current = "";
        setWaiting((before) => before || []);
        tell(error.message);
      },
    );
  };
  useEffect(() => {
    seen.current = new Set();
    setWaiting(null);
    fill(true);
  }, [name, asked]);
  const document = waiting?.[0];
  // A new label can be chosen again before a sweep has seen it.
  const labels = [...new Set([...collection.labels, ...done.map((one) => one.label)])].sort();
  useEffect(() => {
    if (waiting && waiting.length < (asksNext ? USEFUL_REFILL : REFILL)) fill(false);
    for (const one of waiting?.slice(1, PRELOADED) || []) {
      if (collection.input !== "text") new Image().src = api.thumbnail(name, one, 1024);
    }
  }, [document?.document_id]);

  const advance = () => setWaiting((before) => (before || []).slice(1));
  const give = (/** @type {string} */ label) => {
    if (!document) return;
    setDone((before) => [...before.slice(-99), { document, label }]);
    advance();
    api.label(name, [{ document_id: document.document_id, label }]).then(
      (report) => [...report.warnings, ...report.notes].forEach(tell),
      (error) => {
        tell(error.message);
        setDone((before) => before.filter((one) => one.document !== document));
        setWaiting((before) => [document, ...(before || [])]);
      },
    );
  };
  const undo = () => {
    const last = done[done.length - 1];
    if (!last) return;
    setDone((before) => before.slice(0, -1));
    setWaiting((before) => [last.document, ...(before || [])]);
    // A label that a person gave before comes back; otherwise there is none of a person again.
    const { document_id, label, label_source: source } = last.document;
    const before = source === "human" ? label : null;
    api.label(name, [{ document_id, label: before }]).catch((error) => tell(error.message));
  };
  const proposal = document?.label ?? document?.suggested_label;
  useKeys((event) => {
    const named = keysOf(labels).get(event.key);
    if (event.key === "Enter" && proposal) give(proposal);
    else if (named !== undefined) give(named);
    else if (event.key === "s" || event.key === "ArrowRight") advance();
    else if (event.key === "u" || event.key === "z") undo();
    else if (event.key === "/") setNaming(true);
    else return;
    event.preventDefault();
  });
  if (collection.has_boxes) return html`<p class="empty">${WORDS.boxes}</p>`;
  return html`<div class="label-mode">
    <section class="stage">
      <div class="toolbar">
        ${place.filter.length
          ? html`<span class="hint">${place.filter.join("  ")}</span>`
          : html`<select
              aria-label="Queue"
              onChange=${(/** @type {any} */ event) => setChosen(event.target.value)}
            >
              ${QUEUES.map((one) => html`<option value=${one.id} selected=${one.id === chosen}>${one.name}</option>`)}
            </select>`}
        <span class="count">${total !== null && `${whole(total)} in the queue, `}${whole(done.length)} labelled here</span>
      </div>
      ${waiting && !document && html`<p class="empty">${WORDS.queueDone}</p>`}
      ${document &&
      html`<div class="shown">
          <!-- Keyed, so that no picture stays until the next one is there. -->
          <${Picture}
            key=${document.document_id}
            collection=${collection}
            document=${document}
            side=${1024}
          />
        </div>
        <p class="key">${document.key}</p>
        ${document.next && html`<p class="hint">${document.next.why}</p>`}`}
    </section>
    <aside>
      ${proposal &&
      html`<button class="proposal" onClick=${() => give(proposal)}>
          <kbd>Enter</kbd> ${proposal}
          <small>confidence ${decimal(document?.taxonomy_match.confidence)}, margin ${decimal(document?.margin)}</small>
        </button>
        <${NearestReference} collection=${collection} document=${document} />`}
      <${LabelInput}
        labels=${labels}
        focused=${naming}
        choose=${give}
        leave=${() => setNaming(false)}
      />
      <div class="actions">
        <button onClick=${advance} disabled=${!document}><kbd>S</kbd> Skip</button>
        <button onClick=${undo} disabled=${!done.length}><kbd>U</kbd> Undo</button>
      </div>
      <ol class="done" reversed>
        ${done
          .slice(-8)
          .reverse()
          .map(
            ({ document: one, label }) => html`<li key=${one.document_id}>
              <${Picture} collection=${collection} document=${one} side=${96} /> ${label}
            </li>`,
          )}
      </ol>
    </aside>
  </div>`;
}

/** @param {{collection: api.Collection, document: api.Document|undefined}} props */
function NearestReference({ collection, document }) {
  const [because, setBecause] = useState(/** @type {any} */ (null));
  useEffect(() => {
    setBecause(null);
    if (!document) return;
    let wanted = true;
    api.document_(collection.collection_id, document.document_id).then(
      (full) => wanted && setBecause(full.explanation.because),
      () => wanted && setBecause(null),
    );
    return () => {
      wanted = false;
    };
  }, [document?.document_id]);
  if (!because) return null;
  return html`<p class="hint">Nearest reference</p>
    <${Reference} collection=${collection} because=${because} />`;
}
