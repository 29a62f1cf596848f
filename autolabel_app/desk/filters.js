// What is shown: filters as chips with a line to add one, the order, and facets with counts.

import * as api from "./api.js";
import { go } from "./state.js";
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { whole } from "./words.js";

const ORDERS = [
  ["", "by key"],
  ["-confidence", "most confident first"],
  ["confidence", "least confident first"],
  ["margin", "smallest margin first"],
  ["label", "by label"],
];

/** @param {string|number|boolean|null} value */
const inFilter = (value) => (value == null ? "null" : typeof value === "string" ? JSON.stringify(value) : String(value));

/** @param {{view: api.View}} props */
export function Filters({ view }) {
  const [typed, setTyped] = useState("");
  const add = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (typed.trim()) go({ filter: [...view.filter, typed.trim()] });
    setTyped("");
  };
  return html`<form class="filters" onSubmit=${add}>
    ${view.filter.map(
      (text) => html`<button
        type="button"
        class="chip"
        title="Remove this filter"
        onClick=${() => go({ filter: view.filter.filter((other) => other !== text) })}
      >
        ${text} ×
      </button>`,
    )}
    <input
      type="search"
      aria-label="Add a filter"
      placeholder="Filter, as confidence:lt:0.8 or key:contains:shoe"
      value=${typed}
      onInput=${(/** @type {any} */ event) => setTyped(event.target.value)}
    />
    <select
      aria-label="Order"
      onChange=${(/** @type {any} */ event) => go({ sort: event.target.value })}
    >
      ${ORDERS.map(([value, text]) => html`<option value=${value} selected=${value === view.sort}>${text}</option>`)}
    </select>
  </form>`;
}

/**
 * @param {{collection: api.Collection, view: api.View, version: number,
 *   tell: (text: string) => void}} props
 */
export function Facets({ collection, view, version, tell }) {
  const [facets, setFacets] = useState(/** @type {api.Facet[]} */ ([]));
  const fields = ["label_source", "label", "suggested_label", "reason"];
  useEffect(() => {
    let wanted = true;
    api.facets(collection.collection_id, fields, view).then(
      (found) => wanted && setFacets(found),
      (error) => wanted && tell(error.message),
    );
    return () => {
      wanted = false;
    };
  }, [collection.collection_id, JSON.stringify(view.filter), version]);
  const toggle = (/** @type {string} */ text) =>
    go({
      filter: view.filter.includes(text)
        ? view.filter.filter((other) => other !== text)
        : [...view.filter, text],
    });
  return html`${facets
    .filter(({ values }) => values.some(({ value }) => value != null))
    .map(
      ({ field, values, further_values }) => html`<details open key=${field}>
        <summary>${field.replace("_", " ")}</summary>
        <ul class="facet">
          ${values.map(({ value, count }) => {
            const text = `${field}:eq:${inFilter(value)}`;
            return html`<li>
              <button aria-pressed=${view.filter.includes(text)} onClick=${() => toggle(text)}>
                ${field === "label_source" && html`<i class=${`dot source-${value || "none"}`}></i>`}
                <span>${value == null ? "none" : String(value)}</span><small>${whole(count)}</small>
              </button>
            </li>`;
          })}
          ${further_values > 0 && html`<li class="hint">${whole(further_values)} further values</li>`}
        </ul>
      </details>`,
    )}`;
}
