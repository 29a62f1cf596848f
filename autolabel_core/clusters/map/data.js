// What the page holds: documents (keys, texts, places, clusters) and clusters.
const page = JSON.parse(document.getElementById("data").textContent);

function decoded(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

const places = decoded(page.places, Float32Array); // x, y of each document, from -1 to 1
const scales = page.scales ? decoded(page.scales, Float32Array) : null; // size of each dot
const cosines = page.cosines ? decoded(page.cosines, Float32Array) : null;
const assigned = decoded(page.assigned, Int32Array); // index into clusters, -1 is noise
const clusters = page.clusters; // {id, name, summary, colour, size, x, y}
const keys = page.keys;
const texts = page.texts;
const count = keys.length;
const NOISE = { name: "noise", colour: page.noise_colour };
const NOISE_ON_DARK = [74, 81, 89];
const dark = matchMedia("(prefers-color-scheme: dark)");

const clusterOf = (row) => (assigned[row] < 0 ? NOISE : clusters[assigned[row]]);

// The red, green and blue of a cluster; on dark paper lighter, and noise darker.
function paintOf(cluster) {
  const number = parseInt(cluster.colour.slice(1), 16);
  const paint = [number >> 16, (number >> 8) & 255, number & 255];
  if (!dark.matches) return paint;
  return cluster === NOISE ? NOISE_ON_DARK : paint.map((part) => Math.round(part + 0.24 * (255 - part)));
}

function thumbnailOf(row) {
  if (page.thumbnails) return page.thumbnails[row];
  return page.folder && page.has_thumbnail[row] === "1"
    ? `${page.folder}/${String(row).padStart(6, "0")}.jpg` : null;
}

// Documents by squares of the map, so that the nearest one is found among few.
const SQUARES = Math.max(1, Math.ceil(Math.sqrt(count / 4)));
const squareOf = (v) => Math.min(SQUARES - 1, Math.max(0, Math.floor(((v + 1) / 2) * SQUARES)));
const starts = new Uint32Array(SQUARES * SQUARES + 1);
const inSquares = new Uint32Array(count);
{
  const own = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    own[row] = squareOf(places[2 * row + 1]) * SQUARES + squareOf(places[2 * row]);
    starts[own[row] + 1]++;
  }
  for (let i = 0; i < starts.length - 1; i++) starts[i + 1] += starts[i];
  const next = starts.slice();
  for (let row = 0; row < count; row++) inSquares[next[own[row]]++] = row;
}

// Calls visit(row) for each document of the squares that a box touches.
function eachWithin(left, low, right, high, visit) {
  for (let y = squareOf(low); y <= squareOf(high); y++) {
    const first = y * SQUARES;
    for (let i = starts[first + squareOf(left)]; i < starts[first + squareOf(right) + 1]; i++) {
      visit(inSquares[i]);
    }
  }
}

// The nearest document within a distance for which allowed(row) holds; -1 where there is none.
function nearest(x, y, far, allowed) {
  let best = -1;
  let least = far * far;
  eachWithin(x - far, y - far, x + far, y + far, (row) => {
    const square = (places[2 * row] - x) ** 2 + (places[2 * row + 1] - y) ** 2;
    if (square <= least && allowed(row)) [best, least] = [row, square];
  });
  return best;
}

// The documents inside a closed line of [x, y], ascending.
function enclosed(line, allowed) {
  const xs = line.map((point) => point[0]);
  const ys = line.map((point) => point[1]);
  const rows = [];
  eachWithin(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (row) => {
    if (allowed(row) && inside(line, places[2 * row], places[2 * row + 1])) rows.push(row);
  });
  return rows.sort((a, b) => a - b);
}

function inside(line, x, y) {
  let within = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [xi, yi] = line[i];
    const [xj, yj] = line[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}
