// The deck: things that a person keeps, in this browser alone.

import { showReference } from "./server.js";
import { original, row, usd } from "./rows.js";

const STORED = "autolabel-deck";
const COLUMNS = ["name", "rarity", "code", "count", "usd", "median", "currency", "ref_filename"];
const list = document.getElementById("cards");
const panel = document.getElementById("deck");

let cards = stored();

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(found) ? found.filter((card) => card && card.name && card.count > 0) : [];
  } catch {
    return [];
  }
}

function changed() {
  localStorage.setItem(STORED, JSON.stringify(cards));
  render();
}

export function add(mask) {
  const known = cards.find((card) => card.ref_filename === mask.ref_filename);
  const price = mask.price ?? {};
  const said = {
    name: mask.name, rarity: mask.rarity, ref_filename: mask.ref_filename, code: price.code ?? "",
    usd: price.usd_median ?? null, median: price.median ?? null, currency: price.currency ?? "",
  };
  if (known) Object.assign(known, said, { count: known.count + 1 });
  else cards.push({ ...said, count: 1 });
  changed();
  replay(panel, "pulse");
}

export function replay(element, name) {
  element.classList.remove(name);
  void element.offsetWidth;
  element.classList.add(name);
  element.addEventListener("animationend", () => element.classList.remove(name), { once: true });
}

export function render() {
  list.replaceChildren(...cards.map(shown));
  const total = cards.reduce((sum, card) => sum + (card.usd ?? 0) * card.count, 0);
  const count = cards.reduce((sum, card) => sum + card.count, 0);
  const unpriced = cards.reduce((sum, card) => sum + (card.usd === null ? card.count : 0), 0);
  document.getElementById("total").textContent = usd(total);
  const without = unpriced ? `, ${unpriced} without a price` : "";
  document.getElementById("deck-size").textContent = `${count} in the deck${without}`;
  document.getElementById("clear").disabled = document.getElementById("export").disabled = !count;
}

function shown(card) {
  const made = row();
  showReference(made.img, card.ref_filename);
  made.name.textContent = card.count > 1 ? `${card.name} × ${card.count}` : card.name;
  const price = original(card);
  made.detail.textContent = [card.rarity, usd(card.usd), price].filter(Boolean).join(" · ");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove ${card.name}`);
  button.addEventListener("click", () => remove(card));
  made.li.append(button);
  return made.li;
}

function remove(card) {
  const place = cards.indexOf(card);
  card.count -= 1;
  if (!card.count) cards.splice(place, 1);
  changed();
  const buttons = list.querySelectorAll("button");
  (buttons[Math.min(place, buttons.length - 1)] ?? document.getElementById("deck-title")).focus();
}

// A cell that begins like a formula is quoted, because spreadsheets would run it.
function cell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function csv() {
  const lines = cards.map((card) => COLUMNS.map((column) => cell(card[column])).join(","));
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

document.getElementById("clear").addEventListener("click", () => {
  if (!confirm("Clear the deck?")) return;
  cards = [];
  changed();
});
document.getElementById("export").addEventListener("click", () => {
  const url = URL.createObjectURL(new Blob(["\ufeff", csv()], { type: "text/csv" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: "deck.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
});
window.addEventListener("storage", (event) => {
  if (event.key !== STORED) return;
  cards = stored();
  render();
});
