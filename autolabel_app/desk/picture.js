// What a document shows: its picture, the begin of its text, or why there is neither.

import * as api from "./api.js";
import { html, useEffect, useState } from "./vendor/htm-preact.js";

const texts = new Map();
const MOST_TEXTS = 2000;

/**
 * @param {{collection: api.Collection, document: {document_id: string, key: string,
 *   content_hash?: string|null, reason?: string|null}, side: 96|192|384|1024}} props
 */
export function Picture({ collection, document, side }) {
  if (document.reason) return html`<p class="reason">${document.reason}</p>`;
  if (collection.input === "text") return html`<${Text} collection=${collection} document=${document} />`;
  return html`<img
    src=${api.thumbnail(collection.collection_id, document, side)}
    alt=${document.key}
    loading="lazy"
    decoding="async"
    draggable=${false}
  />`;
}

/** @param {{collection: api.Collection, document: {document_id: string, content_hash?: string|null}}} props */
function Text({ collection, document }) {
  const place = document.content_hash || document.document_id;
  const [text, setText] = useState(texts.get(place) || "");
  useEffect(() => {
    if (texts.has(place)) {
      setText(texts.get(place));
      return;
    }
    let wanted = true;
    api.text(collection.collection_id, document.document_id).then(
      (found) => {
        if (texts.size > MOST_TEXTS) texts.clear();
        texts.set(place, found);
        if (wanted) setText(found);
      },
      (error) => wanted && setText(error.message),
    );
    return () => {
      wanted = false;
    };
  }, [place]);
  return html`<div class="text">${text}</div>`;
}
