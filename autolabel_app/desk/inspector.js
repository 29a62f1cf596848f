// One document in full: picture, decision, the reference that caused it, what people said.

import * as api from "./api.js";
import { Picture } from "./picture.js";
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { decimal } from "./words.js";

/**
 * @param {{collection: api.Collection, document: api.Document, leave: () => void}} props
 */
export function Inspector({ collection, document, leave }) {
  const [full, setFull] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    setFull(null);
    setTrouble("");
    api.document_(collection.collection_id, document.document_id).then(setFull, (error) =>
      setTrouble(error.message),
    );
  }, [document.document_id]);
  const explanation = full?.explanation;
  return html`<aside class="inspector" aria-label="Document">
    <button class="close" onClick=${leave} title="Escape">×</button>
    <h2>${document.key}</h2>
    <${Picture} collection=${collection} document=${document} side=${384} />
    <dl>
      <dt>Label</dt>
      <dd>
        <i class=${`dot source-${document.label_source || "none"}`}></i>
        ${document.label ?? "none"} ${document.label_source && html`<small>${document.label_source}</small>`}
      </dd>
      ${!document.label && document.suggested_label &&
      html`<dt>Suggested</dt><dd>${document.suggested_label}</dd>`}
      <dt>Confidence</dt>
      <dd>${decimal(document.taxonomy_match.confidence)}</dd>
      <dt>Margin</dt>
      <dd>${decimal(document.margin)}</dd>
    </dl>
    ${trouble && html`<p class="trouble">${trouble}</p>`}
    ${explanation?.decision?.outcome && html`<p>${explanation.decision.outcome}</p>`}
    ${explanation?.because &&
    html`<h3>Nearest reference</h3>
      <${Reference} collection=${collection} because=${explanation.because} />`}
    ${explanation?.annotations?.length > 0 &&
    html`<h3>What people said</h3>
      <ul class="annotations">
        ${explanation.annotations.map(
          (/** @type {any} */ one) => html`<li>
            <b>${one.label ?? "withdrawn"}</b> ${one.annotator}
            <small>${one.recorded_at.slice(0, 16).replace("T", " ")} UTC, ${one.origin}</small>
            ${one.reason && html`<em>${one.reason}</em>`}
          </li>`,
        )}
      </ul>`}
  </aside>`;
}

/** @param {{collection: api.Collection, because: any}} props */
export function Reference({ collection, because }) {
  const document = because.document;
  if (!document) return html`<p>${because.key}</p>`;
  // A reference may lie in another collection than the document that it labels.
  const place = { ...collection, collection_id: because.collection };
  return html`<figure class="reference">
    <${Picture} collection=${place} document=${document} side=${192} />
    <figcaption>${document.label} <small>${because.key}</small></figcaption>
  </figure>`;
}
