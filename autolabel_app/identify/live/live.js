// The page: ask the server about frames, draw what it says, keep the lists.

import * as deck from "./deck.js";
import { original, row, usd } from "./rows.js";
import { health, identify, Refused, showReference, topPrices, useKey } from "./server.js";
import { frame, sizeOf, source, stop, useFile, useWebcam } from "./source.js";
import { Tracks } from "./tracks.js";

const PAUSE_MS = 120;
const PAUSE_AFTER_TROUBLE_MS = 1500;
const REFRESH_MS = 30000;
const TOP = 10;

const at = (id) => document.getElementById(id);
const canvas = at("frame");
const tracks = new Tracks();
const rows = new Map();
let turn = 0;

function trouble(error) {
  at("trouble").textContent = error ? error.message : "";
  at("trouble").hidden = !error;
  if (error instanceof Refused && error.status === 401) at("key-form").hidden = false;
}

async function begin(open) {
  turn += 1;
  tracks.clear();
  trouble(null);
  try {
    await open();
  } catch (error) {
    stop();
    trouble(error);
  }
  at("hint").hidden = Boolean(source.media);
  at("stop").disabled = !source.media;
  if (source.media) ask(turn);
  else blank();
  showTracks();
}

async function ask(mine) {
  while (mine === turn && source.media) {
    let pause = PAUSE_MS;
    try {
      const answer = await identify(await frame(source.media));
      if (mine !== turn) return;
      trouble(null);
      taken(answer);
      if (source.still) return;
    } catch (error) {
      trouble(error);
      pause = PAUSE_AFTER_TROUBLE_MS;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

function taken(answer) {
  const news = tracks.update(answer.masks, performance.now());
  if (news.length) at("status").textContent = `Seen: ${news.map((t) => t.mask.name).join(", ")}`;
  else if (!tracks.all.length) at("status").textContent = "";
  showTracks();
}

function showTracks() {
  at("no-tracks").hidden = tracks.all.length > 0;
  const names = tracks.all.map((track) => track.mask.label).join(", ");
  canvas.setAttribute("aria-label", names || (source.media ? "Nothing known" : "No picture yet"));
  const alive = new Set(tracks.all.map((track) => track.id));
  for (const [id, made] of rows) {
    if (alive.has(id)) continue;
    made.li.remove();
    rows.delete(id);
  }
  tracks.all.forEach(showTrack);
}

function showTrack(track) {
  if (!rows.has(track.id)) rows.set(track.id, newRow(track));
  const { li, img, name, detail, dear, native, button } = rows.get(track.id);
  const { mask } = track;
  const margin = mask.margin === null ? "only one name" : `margin ${mask.margin.toFixed(2)}`;
  li.classList.toggle("unsure", !mask.confident);
  li.classList.toggle("gone", !tracks.inView(track));
  showReference(img, mask.ref_filename);
  const texts = [
    [name, mask.confident ? mask.name : `${mask.name}?`],
    [detail, [mask.rarity, `score ${mask.score.toFixed(2)}`, margin].filter(Boolean).join(" · ")],
    [dear, usd(mask.price?.usd_median)],
    [native, original(mask.price)],
  ];
  for (const [element, text] of texts) if (element.textContent !== text) element.textContent = text;
  button.setAttribute("aria-label", `Add ${mask.name} to deck`);
}

function newRow(track) {
  const made = row();
  made.li.className = "track";
  made.button = Object.assign(document.createElement("button"), { type: "button" });
  made.button.textContent = "+ Add to Deck";
  made.button.addEventListener("click", () => {
    deck.add(track.mask);
    deck.replay(made.button, "flash");
    at("status").textContent = `${track.mask.name} is in the deck.`;
  });
  made.li.append(made.button);
  at("tracks").append(made.li);
  return made;
}

function blank() {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

function draw() {
  const { media } = source;
  if (media) {
    const [width, height] = sizeOf(media);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    pen.drawImage(media, 0, 0, width, height);
    const unit = Math.max(1, width / Math.max(canvas.clientWidth, 1));
    for (const track of tracks.all) {
      pen.globalAlpha = tracks.inView(track) ? 1 : 0.35;
      drawBox(pen, track, width, height, unit);
    }
    pen.globalAlpha = 1;
  }
  requestAnimationFrame(draw);
}

function drawBox(pen, { box, mask }, width, height, unit) {
  const [x, y] = [box.x1 * width, box.y1 * height];
  const colour = mask.confident ? "#10b981" : "#f5c451";
  pen.lineWidth = 3 * unit;
  pen.strokeStyle = colour;
  pen.setLineDash(mask.confident ? [] : [8 * unit, 6 * unit]);
  const across = (box.x2 - box.x1) * width;
  pen.strokeRect(x, y, across, (box.y2 - box.y1) * height);
  pen.font = `600 ${15 * unit}px system-ui, sans-serif`;
  const text = shortened(pen, mask.label, Math.max(across, 90 * unit) - 12 * unit);
  const wide = pen.measureText(text).width + 12 * unit;
  const [left, tall] = [Math.max(0, Math.min(x, width - wide)), 24 * unit];
  const top = y >= tall ? y - tall : y;
  pen.fillStyle = colour;
  pen.fillRect(left, top, wide, tall);
  pen.fillStyle = "#04150e";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 6 * unit, top + tall / 2);
}

// Long names end in dots, so that those of neighbours do not cover each other.
function shortened(pen, text, most) {
  if (pen.measureText(text).width <= most) return text;
  let end = text.length - 1;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > most) end -= 1;
  return `${text.slice(0, end).replace(/[\s(]+$/, "")}…`;
}

async function refresh() {
  try {
    const said = await health();
    const unmeasured = said.thresholds_measured ? "" : " (not measured for this encoder)";
    at("served").textContent =
      `${said.index_size} references of ${said.labels} names · score from ` +
      `${said.min_score.toFixed(2)}, margin from ${said.min_margin.toFixed(2)}${unmeasured}`;
    if (said.has_prices) showTop(await topPrices(TOP));
  } catch (error) {
    trouble(error);
  }
}

function showTop(told) {
  at("top").replaceChildren(...told.cards.map((card) => {
    const made = row();
    showReference(made.img, card.ref_filename);
    made.name.textContent = card.name;
    made.detail.textContent = [card.rarity, original(card)].filter(Boolean).join(" · ");
    made.li.append(made.dear);
    made.dear.textContent = usd(card.usd_median) || "–";
    return made.li;
  }));
  const used = new Set(told.cards.map((card) => card.currency).filter((name) => name !== "USD"));
  const rates = [...used].map((name) =>
    told.usd_rates[name] ? `1 ${name} = ${Number(told.usd_rates[name].toPrecision(4))} USD`
      : `no rate for ${name}`);
  const known = [told.rates_date, told.rates_from].filter(Boolean).join(", ");
  const dated = [told.site, told.scraped_at.slice(0, 10), ...rates, rates.length ? known : ""];
  at("rates").textContent = dated.filter(Boolean).join(" · ");
  at("rates-page").hidden = !told.rates_page;
  if (!told.rates_page) return;
  at("rates-page").href = told.rates_page;
  at("rates-page").textContent = `Rates by ${new URL(told.rates_page).hostname}`;
}

at("webcam").addEventListener("click", () => begin(useWebcam));
at("stop").addEventListener("click", () => begin(async () => stop()));
at("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) begin(() => useFile(file));
  target.value = "";
});
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  at("drop").addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", over);
    const file = name === "drop" ? event.dataTransfer.files[0] : undefined;
    if (file) begin(() => useFile(file));
  });
}
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(at("key").value);
  at("key-form").hidden = true;
  trouble(null);
  refresh();
  if (source.media) ask(++turn);
});

deck.render();
refresh();
setInterval(refresh, REFRESH_MS);
draw();
