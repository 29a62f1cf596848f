// A grid of one proposed label: click the wrong ones, Enter confirms the rest.

import * as api from "./api.js";
import { Picture } from "./picture.js";
import { useKeys } from "./state.js";
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { WORDS, decimal, whole } from "./words.js";

const GRID = 40;

/**
 * @param {{collection: api.Collection & {labels: string[]}, version: number,
 *   tell: (text: string) => void}} props
 */
export function Confirm({ collection, version, tell }) {
  const name = collection.collection_id;
  const [counts, setCounts] = useState(/** @type {api.ValueCount[]|null} */ (null));
  const [label, setLabel] = useState("");
  const [grid, setGrid] = useState(/** @type {api.Document[]} */ ([]));
  const [wrong, setWrong] = useState(/** @type {Set<string>} */ (new Set()));
  const [settled, setSettled] = useState(/** @type {Set<string>} */ (new Set()));
  const auto = { filter: ["label_source:eq:auto"], sort: "" };
  useEffect(() => {
    api.facets(name, ["label"], auto).then(
      ([facet]) => {
        setCounts(facet.values);
        setLabel((before) => before || String(facet.values[0]?.value ?? ""));
      },
      (error) => tell(error.message),
    );
  }, [name, version]);
  useEffect(() => {
    if (!label) return;
    const view = { filter: [...auto.filter, `label:eq:${JSON.stringify(label)}`], sort: "margin" };
    let wanted = true;
    api.documents(name, view, 0, Math.min(1000, GRID + settled.size)).then(
      ({ results }) => {
        if (!wanted) return;
        setGrid(results.filter((one) => !settled.has(one.document_id)).slice(0, GRID));
        setWrong(new Set());
      },
      (error) => wanted && tell(error.message),
    );
    return () => {
      wanted = false;
    };
  }, [name, label, settled]);
  const toggle = (/** @type {string} */ id) => {
    const next = new Set(wrong);
    if (!next.delete(id)) next.add(id);
    setWrong(next);
  };
  const confirm = () => {
    const right = grid.filter((one) => !wrong.has(one.document_id));
    if (!grid.length) return;
    const given = right.map((one) => ({ document_id: one.document_id, label }));
    const recorded = given.length ? api.label(name, given) : Promise.resolve(null);
    recorded.then(
      () => {
        tell(`${right.length} confirmed as ${label}${wrong.size ? `, ${wrong.size} left for review` : ""}`);
        setSettled(new Set([...settled, ...grid.map((one) => one.document_id)]));
      },
      (error) => tell(error.message),
    );
  };
  useKeys((event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    confirm();
  });
  if (collection.has_boxes) return html`<p class="empty">${WORDS.boxes}</p>`;
  if (counts?.length === 0) return html`<p class="empty">${WORDS.nothingToConfirm}</p>`;
  return html`<div class="confirm">
    <div class="toolbar">
      <select
        aria-label="Label to confirm"
        onChange=${(/** @type {any} */ event) => {
          setLabel(event.target.value);
          setSettled(new Set());
        }}
      >
        ${counts?.map(({ value, count }) => html`<option value=${value} selected=${value === label}>
            ${value} (${whole(count)})
          </option>`)}
      </select>
      <span class="hint">Are these all ${label}? The least sure come first. Click the wrong ones.</span>
      <button class="primary" onClick=${confirm} disabled=${!grid.length}>
        <kbd>Enter</kbd> Confirm ${grid.length - wrong.size}
      </button>
    </div>
    <div class="grid">
      ${grid.map(
        (one) => html`<button
          key=${one.document_id}
          class="tile"
          aria-pressed=${wrong.has(one.document_id)}
          title=${one.key}
          onClick=${() => toggle(one.document_id)}
        >
          <${Picture} collection=${collection} document=${one} side=${192} />
          <small>${decimal(one.taxonomy_match.confidence)}</small>
        </button>`,
      )}
      ${label && !grid.length && html`<p class="empty">${WORDS.queueDone}</p>`}
    </div>
  </div>`;
}
