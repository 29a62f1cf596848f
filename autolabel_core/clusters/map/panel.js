// Beside the map: legend, search, selection. Texts enter the page as texts, never as markup.
const byId = (id) => document.getElementById(id);
const shown = clusters.map(() => true);
const number = (value) => value.toLocaleString("en");
let matching = null; // Uint8Array of documents that the search finds, null without a search
let selected = new Set();

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function dotOf(cluster) {
  const dot = element("span", "dot");
  dot.style.background = `rgb(${paintOf(cluster).join(" ")})`;
  return dot;
}

// A document as a card: its thumbnail, key, text and cluster.
function card(row) {
  const made = element("div", "card");
  const address = thumbnailOf(row);
  if (address) {
    const image = element("img");
    image.alt = "";
    image.addEventListener("error", () => image.remove());
    image.src = address;
    made.append(image);
  }
  made.append(element("div", "key", keys[row]));
  if (texts[row]) made.append(element("p", "text", texts[row]));
  const of = element("div", "of");
  const near = cosines && assigned[row] >= 0 ? `, ${cosines[row].toFixed(3)} to the centroid` : "";
  of.append(dotOf(clusterOf(row)), element("span", "", clusterOf(row).name + near));
  made.append(of);
  return made;
}

function fillLegend() {
  byId("title").textContent = page.title;
  const noise = count - clusters.reduce((sum, cluster) => sum + cluster.size, 0);
  const words = [`${number(count)} documents`, `${number(clusters.length)} clusters`];
  byId("counts").textContent = `${words.join(", ")}, ${number(noise)} noise` +
    (scales ? "; larger dots lie higher" : "");
  byId("clusters").replaceChildren(...bySize.map(legendRow));
}

function legendRow(index) {
  const cluster = clusters[index];
  const row = element("li");
  row.dataset.index = index;
  const box = element("input");
  box.type = "checkbox";
  box.checked = shown[index];
  box.setAttribute("aria-label", `Show ${cluster.name}`);
  box.addEventListener("change", () => show([index], box.checked));
  const name = element("button", "name", cluster.name);
  name.title = [cluster.name, cluster.id, cluster.summary].filter(Boolean).join("\n");
  name.addEventListener("click", () => goTo(index));
  row.append(box, dotOf(cluster), name, element("span", "size", number(cluster.size)));
  return row;
}

function show(indices, on) {
  for (const index of indices) shown[index] = on;
  for (const row of byId("clusters").children) {
    const on_ = shown[row.dataset.index];
    row.classList.toggle("off", !on_);
    row.querySelector("input").checked = on_;
  }
  refresh();
}

function search(words) {
  const wanted = words.trim().toLowerCase();
  const named = clusters.map((c) => `${c.name} ${c.id}`.toLowerCase().includes(wanted));
  matching = wanted ? new Uint8Array(count) : null;
  let found = 0;
  for (let row = 0; matching && row < count; row++) {
    const own = assigned[row] >= 0 && named[assigned[row]];
    const hit = own || `${keys[row]}\n${texts[row]}`.toLowerCase().includes(wanted);
    if (hit) found += matching[row] = 1;
  }
  const holding = new Set();
  for (let row = 0; matching && row < count; row++) if (matching[row]) holding.add(assigned[row]);
  for (const row of byId("clusters").children) {
    row.hidden = Boolean(matching) && !named[row.dataset.index] && !holding.has(+row.dataset.index);
  }
  byId("found").textContent = matching ? `${number(found)} documents found` : "";
  refresh();
}

function isVisible(row) {
  return assigned[row] < 0 ? byId("noise").checked : shown[assigned[row]];
}

function refresh() {
  for (let row = 0; row < count; row++) {
    if (!isVisible(row)) states[row] = HIDDEN;
    else if (selected.has(row)) states[row] = CHOSEN;
    else states[row] = matching && !matching[row] ? DIM : PLAIN;
  }
  sendStates();
  draw();
}

function select(rows, further = false) {
  if (further && rows.length === 1 && selected.has(rows[0])) selected.delete(rows[0]);
  else selected = new Set(further ? [...selected, ...rows] : rows);
  const chosen = chosenRows();
  byId("selection").hidden = !chosen.length;
  byId("selected").textContent = `${number(chosen.length)} selected`;
  byId("keys").value = chosen.map((row) => keys[row]).join("\n");
  byId("detail").replaceChildren(...(chosen.length === 1 ? [card(chosen[0])] : []));
  refresh();
}

const chosenRows = () => [...selected].sort((a, b) => a - b);
const quoted = (key) => `'${key.replaceAll("'", "'\\''")}'`;

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = byId("keys");
    const before = area.value;
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.value = before;
  }
  const said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = said; }, 1200);
}

byId("copy").addEventListener("click", (e) => copy(byId("keys").value, e.currentTarget));
byId("copy-exclude").addEventListener("click", (e) => {
  copy(chosenRows().map((row) => `--exclude ${quoted(keys[row])}`).join(" "), e.currentTarget);
});
byId("clear").addEventListener("click", () => select([]));
byId("show-all").addEventListener("click", () => show(clusters.keys(), true));
byId("show-none").addEventListener("click", () => show(clusters.keys(), false));
byId("noise").addEventListener("change", refresh);
byId("names").addEventListener("change", () => draw());
let waiting = 0;
byId("search").addEventListener("input", (e) => {
  const words = e.currentTarget.value;
  clearTimeout(waiting);
  waiting = setTimeout(() => search(words), 120);
});
