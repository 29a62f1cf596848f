// Choosing a label: a digit for the first ten, type-ahead for any other, a new one with a warning.

import { html, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";

const SHOWN = 12;

/**
 * The digit that chooses each label: a label that is a digit has its own, others the next free one.
 * @param {string[]} labels
 * @returns {Map<string, string>} labels by digit
 */
export function keysOf(labels) {
  const keys = new Map(labels.filter((label) => /^[0-9]$/.test(label)).map((label) => [label, label]));
  const free = [..."1234567890"].filter((digit) => !keys.has(digit));
  for (const label of labels) {
    if (free.length && !/^[0-9]$/.test(label)) keys.set(String(free.shift()), label);
  }
  return keys;
}

/**
 * The labels that contain what was typed, those that begin with it first.
 * @param {string[]} labels
 * @param {string} typed
 */
export function matching(labels, typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return labels;
  const place = (/** @type {string} */ label) => label.toLowerCase().indexOf(wanted);
  return labels
    .filter((label) => place(label) >= 0)
    .sort((a, b) => place(a) - place(b) || a.length - b.length || (a < b ? -1 : 1));
}

/**
 * @param {{labels: string[], focused: boolean, choose: (label: string) => void,
 *   leave: () => void}} props
 */
export function LabelInput({ labels, focused, choose, leave }) {
  const [typed, setTyped] = useState("");
  const [row, setRow] = useState(0);
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  // Before the next key: what is typed quickly after `/` belongs into the field.
  useLayoutEffect(() => {
    if (focused) input.current?.focus();
    else input.current?.blur();
  }, [focused]);
  const keys = new Map([...keysOf(labels)].map(([key, label]) => [label, key]));
  const found = matching(labels, typed).slice(0, SHOWN);
  const name = typed.trim();
  const isNew = Boolean(name) && !labels.includes(name);
  const options = isNew ? [...found, name] : found;
  const take = (/** @type {string} */ label) => {
    setTyped("");
    setRow(0);
    leave();
    choose(label);
  };
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowDown") setRow(Math.min(row + 1, options.length - 1));
    else if (event.key === "ArrowUp") setRow(Math.max(row - 1, 0));
    else if (event.key === "Enter" && options[row]) take(options[row]);
    else if (event.key === "Escape") {
      setTyped("");
      leave();
    } else return;
    event.preventDefault();
  };
  return html`<div class="vocabulary">
    <input
      ref=${input}
      type="text"
      role="combobox"
      aria-expanded="true"
      aria-controls="labels"
      aria-label="Label"
      placeholder="Label …  (/)"
      autocomplete="off"
      spellcheck="false"
      value=${typed}
      onInput=${(/** @type {any} */ event) => {
        setTyped(event.target.value);
        setRow(0);
      }}
      onKeyDown=${pressed}
    />
    <ul id="labels" role="listbox">
      ${options.map(
        (label, index) => html`<li
          role="option"
          aria-selected=${index === row && Boolean(typed)}
          onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()}
          onClick=${() => take(label)}
        >
          ${!typed && keys.has(label) && html`<kbd>${keys.get(label)}</kbd>`} ${label}
          ${isNew && index === options.length - 1 && html`<em>new label</em>`}
        </li>`,
      )}
    </ul>
    ${labels.length > SHOWN && !typed && html`<p class="hint">${labels.length} labels; type to find</p>`}
  </div>`;
}
