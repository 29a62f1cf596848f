// Labels that something contradicts: the document beside its nearest references, and a decision.

import * as api from "./api.js";
import { Picture } from "./picture.js";
import { useKeys } from "./state.js";
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { LabelInput, keysOf } from "./vocabulary.js";
import { WORDS, decimal, share, whole } from "./words.js";

const LISTED = 50;

/** @param {api.Doubt} one */
function grounds(one) {
  const probable = share(one.proposed_probability);
  if (one.probability_by_others == null) return probable;
  const others = [one.proposed_probability_by_others, one.probability_by_others].map(share);
  return `${probable}; by the references alone ${one.proposed_label} ${others[0]}, ${one.label} ${others[1]}`;
}

/** @param {api.DoubtReport} report */
const summary = (report) =>
  `${whole(report.contradicted)} of ${whole(report.references)} labels are contradicted, ` +
  `${whole(report.doubted)} of them more probably wrong than right; ${whole(report.settled)} were ` +
  "decided about before. What you decide comes back only with new evidence.";

/**
 * @param {{collection: api.Collection & {labels: string[]}, tell: (text: string) => void}} props
 */
export function Doubts({ collection, tell }) {
  const name = collection.collection_id;
  const [report, setReport] = useState(/** @type {api.DoubtReport|null} */ (null));
  const [left, setLeft] = useState(/** @type {api.Doubt[]} */ ([]));
  const [because, setBecause] = useState("");
  const [naming, setNaming] = useState(false);
  const [trouble, setTrouble] = useState("");
  const asked = useRef("");
  asked.current = because;
  const load = () => {
    setReport(null);
    api.doubts(name, LISTED, because).then(
      (found) => {
        if (asked.current !== because) return;  // another choice was made meanwhile
        setReport(found);
        setLeft(found.doubts);
        setTrouble("");
      },
      (error) => setTrouble(error.message),
    );
  };
  useEffect(load, [name, because]);
  const current = left[0];
  const settle = (/** @type {string} */ decision, /** @type {string|null} */ label = null) => {
    if (!current) return;
    const rest = left.slice(1);
    setLeft(rest);
    api.settleDoubt(name, current.document_id, { decision, label }).then(
      (settled) => {
        for (const text of [...settled.warnings, ...settled.notes]) tell(text);
        if (!rest.length) load();
      },
      (error) => {
        tell(error.message);
        // Back to the front, unless another one was settled meanwhile and has gone.
        setLeft((now) => [current, ...now.filter((one) => one !== current)]);
      },
    );
  };
  const skip = () => setLeft([...left.slice(1), ...left.slice(0, 1)]);
  const others = collection.labels.filter((label) => label !== current?.label);
  useKeys((event) => {
    if (!current) return;
    const named = keysOf(others).get(event.key);
    if (named !== undefined) settle("change", named);
    else if (event.key === "Enter" && current.proposed_label) settle("change", current.proposed_label);
    else if (event.key === "k") settle("keep");
    else if (event.key === "w") settle("withdraw");
    else if (event.key === "s") skip();
    else if (event.key === "/") setNaming(true);
    else return;
    event.preventDefault();
  });
  if (collection.has_boxes) return html`<p class="empty">${WORDS.boxes}</p>`;
  if (trouble) return html`<p class="empty">${trouble}</p>`;
  return html`<div class="label-mode doubts">
    <section class="stage">
      ${current
        ? html`<div class="shown">
              <${Picture} key=${current.document_id} collection=${collection} document=${current} side=${1024} />
            </div>
            <p class="key">${current.key}</p>
            <h2>The references that are most like it</h2>
            <div class="evidence">
              ${current.neighbours.map(
                (one) => html`<figure
                  key=${one.document_id}
                  class=${one.label === current.label ? "agrees" : "contradicts"}
                  title=${one.key}
                >
                  <${Picture} collection=${collection} document=${one} side=${192} />
                  <figcaption>
                    <b>${one.label}</b>
                    <small>${one.near_duplicate ? "near-duplicate" : decimal(one.similarity)}</small>
                  </figcaption>
                </figure>`,
              )}
            </div>`
        : html`<p class="empty">${report ? WORDS.noDoubts : "Comparing each label with the others …"}</p>`}
    </section>
    <aside>
      <select
        aria-label="What contradicts"
        onChange=${(/** @type {any} */ event) => setBecause(event.target.value)}
      >
        <option value="">All doubts</option>
        <option value="people">People disagree</option>
        <option value="near_duplicates">Near-duplicates differ</option>
        <option value="references">Other references disagree</option>
      </select>
      ${current &&
      html`<h2>Is this ${current.label}?</h2>
        <p>Wrong with a probability of ${share(current.doubt)}.</p>
        ${current.proposed_label &&
        html`<button class="proposal" onClick=${() => settle("change", current.proposed_label)}>
          <kbd>Enter</kbd> Change to ${current.proposed_label}
          <small>${grounds(current)}</small>
        </button>`}
        <div class="actions">
          <button onClick=${() => settle("keep")}><kbd>K</kbd> Keep</button>
          <button onClick=${() => settle("withdraw")}><kbd>W</kbd> Withdraw</button>
          <button onClick=${skip}><kbd>S</kbd> Skip</button>
        </div>
        <ul class="annotations">
          ${current.annotations.map(
            (one) => html`<li><b>${one.label}</b> ${one.annotator}
              <small>${one.origin}, ${one.recorded_at.slice(0, 10)}</small></li>`,
          )}
        </ul>
        <p class="hint">Another label:</p>
        <${LabelInput}
          labels=${others}
          focused=${naming}
          choose=${(/** @type {string} */ label) => settle("change", label)}
          leave=${() => setNaming(false)}
        />`}
      ${report &&
      html`<p class="hint">${summary(report)}</p>`}
    </aside>
  </div>`;
}
