// Requests to /v1. An answer that is no success becomes an Error with the detail of its problem.

/**
 * @typedef {{matched: boolean, confidence: number|null, source_document_id: string|null}} Match
 * @typedef {{document_id: string, key: string, label: string|null, label_source: string|null,
 *   taxonomy_match: Match, suggested_label: string|null, margin: number|null,
 *   reason: string|null, content_hash: string|null, next?: {why: string}}} Document
 * @typedef {{value: string|number|boolean|null, count: number}} ValueCount
 * @typedef {{field: string, values: ValueCount[], further_values: number}} Facet
 * @typedef {{collection_id: string, input: string, feature_uri: string, label_field: string,
 *   has_boxes: boolean, document_count: number, label_sources: Record<string, number>,
 *   labels?: string[]}} Collection
 * @typedef {{filter: string[], sort: string}} View
 */

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is `autolabel serve` still running?");
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail || `${response.status} ${response.statusText}`);
}

/** @param {string} collection */
const base = (collection) => `/v1/collections/${encodeURIComponent(collection)}`;

/** @param {View} view */
function parameters(view) {
  const query = new URLSearchParams();
  for (const text of view.filter) query.append("filter", text);
  if (view.sort) query.set("sort_by", view.sort);
  return query;
}

/** @returns {Promise<{results: Collection[], problems: string[]}>} */
export const collections = () => request("/v1/collections");

/** @param {string} collection @returns {Promise<Collection & {labels: string[]}>} */
export const collection = (collection) => request(base(collection));

/** @param {string} collection @returns {Promise<any>} */
export const status = (collection) => request(`${base(collection)}/status`);

/**
 * @param {string} collection
 * @param {View} view
 * @param {number} offset
 * @param {number} limit
 * @param {AbortSignal} [signal]
 * @returns {Promise<{results: Document[], pagination: {total: number}}>}
 */
export function documents(collection, view, offset, limit, signal) {
  const query = parameters(view);
  query.set("offset", String(offset));
  query.set("limit", String(limit));
  return request(`${base(collection)}/documents?${query}`, { signal });
}

/**
 * The documents to label next, each with the reason for it.
 * @param {string} collection
 * @param {number} limit
 * @returns {Promise<{results: Document[]}>}
 */
export const next = (collection, limit) => request(`${base(collection)}/next?limit=${limit}`);

/** @param {string} collection @param {string} id @returns {Promise<any>} */
export const document_ = (collection, id) => request(`${base(collection)}/documents/${id}`);

/**
 * @param {string} collection
 * @param {string[]} fields
 * @param {View} view
 * @returns {Promise<Facet[]>}
 */
export function facets(collection, fields, view) {
  const query = parameters({ ...view, sort: "" });
  for (const field of fields) query.append("field", field);
  return request(`${base(collection)}/facets?${query}`);
}

/**
 * @param {string} collection
 * @param {{document_id: string, label: string|null}[]} labels
 * @returns {Promise<{labelled: number, withdrawn: number, warnings: string[], notes: string[]}>}
 */
export const label = (collection, labels) => post(`${base(collection)}/labels`, { labels });

/** @param {string} path @param {object} body */
const post = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/**
 * @typedef {{state: string, text: string, verdicts: number, wrong: number, needed: number|null}} Certificate
 * @typedef {{key: string, document_id: string, content_hash: string, label: string,
 *   confidence: number}} Draw
 */

/** @param {string} collection @returns {Promise<{certificates: Certificate[]}>} */
export const certification = (collection) => request(`${base(collection)}/certification`);

/**
 * @param {string} collection
 * @param {number} limit
 * @returns {Promise<{results: Draw[], certificates: Certificate[]}>}
 */
export const draws = (collection, limit) =>
  post(`${base(collection)}/certification/draws`, { limit });

/**
 * @param {string} collection
 * @param {{key: string, label: string, verdict: string, correct_label: string|null}} verdict
 * @returns {Promise<{certificates: Certificate[]}>}
 */
export const judge = (collection, verdict) =>
  post(`${base(collection)}/audits`, { verdicts: [verdict] });

/** @param {string} collection @returns {Promise<{labelled: number}>} */
export const giveCorrections = (collection) =>
  post(`${base(collection)}/certification/corrections`, {});

/**
 * @typedef {{document_id: string, key: string, content_hash: string, label: string,
 *   similarity: number, near_duplicate: boolean}} Neighbour
 * @typedef {{document_id: string, key: string, content_hash: string, label: string, doubt: number,
 *   proposed_label: string|null, proposed_probability: number, probability_by_others: number|null,
 *   proposed_probability_by_others: number|null, neighbours: Neighbour[],
 *   annotations: {annotator: string, label: string, origin: string, recorded_at: string}[]}} Doubt
 * @typedef {{references: number, contradicted: number, doubted: number, settled: number,
 *   doubts: Doubt[]}} DoubtReport
 */

/**
 * @param {string} collection
 * @param {number} limit
 * @param {string} because
 * @returns {Promise<DoubtReport>}
 */
export const doubts = (collection, limit, because) =>
  request(`${base(collection)}/doubts?limit=${limit}${because && `&because=${because}`}`);

/**
 * @param {string} collection
 * @param {string} id
 * @param {{decision: string, label: string|null}} settled
 * @returns {Promise<{warnings: string[], notes: string[]}>}
 */
export const settleDoubt = (collection, id, settled) =>
  post(`${base(collection)}/doubts/${id}`, settled);

/**
 * The address of a thumbnail; its content hash lets the browser keep it.
 * @param {string} collection
 * @param {{document_id: string, content_hash?: string|null}} document
 * @param {96|192|384|1024} side
 */
export function thumbnail(collection, document, side) {
  const content = document.content_hash ? `&content=${document.content_hash}` : "";
  return `${base(collection)}/documents/${document.document_id}/thumbnail?side=${side}${content}`;
}

/** @param {string} collection @param {string} id @returns {Promise<string>} */
export async function text(collection, id) {
  const response = await fetch(`${base(collection)}/documents/${id}/content`);
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.text();
}

/**
 * @param {string} collection
 * @param {(counts: any) => void} changed
 * @param {(activity: {doing: string, trouble: string}) => void} activity
 * @returns {() => void} ends the stream
 */
export function watch(collection, changed, activity) {
  const stream = new EventSource(`${base(collection)}/events`);
  stream.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  stream.addEventListener("activity", (event) => activity(JSON.parse(event.data)));
  return () => stream.close();
}
