// Moving, zooming, pointing, choosing: what hands do on the map.
const tip = byId("tip");
const NEAR_PX = 10, MOVED_PX = 4, REST_MS = 140;
let due = 0, rest = 0;
let line = []; // the lasso, in pixels
let lassoing = false;
const touching = new Map(); // pointers that are down, with where they are
let pressed = null; // {x, y, moved} of the first pointer

// Draws at the next frame; while the map moves perhaps fewer dots, and all of them when it rests.
function draw(moving = false) {
  const some = moving && stride > 1;
  clearTimeout(rest);
  if (some) rest = setTimeout(draw, REST_MS);
  due ||= requestAnimationFrame(() => {
    due = 0;
    drawDots(some);
    drawOverlay(line, byId("names").checked, (index) => shown[index]);
  });
}

function resize() {
  const box = byId("stage").getBoundingClientRect();
  const kept = view.scale / view.fitted;
  Object.assign(view, { width: box.width, height: box.height });
  view.ratio = Math.min(devicePixelRatio || 1, 2);
  view.fitted = 0.47 * Math.min(box.width, box.height);
  view.scale = kept * view.fitted;
  for (const canvas of [dots, overlay]) {
    canvas.width = Math.round(box.width * view.ratio);
    canvas.height = Math.round(box.height * view.ratio);
  }
  draw();
}

function fit() {
  Object.assign(view, { x: 0, y: 0, scale: view.fitted });
  draw();
}

function zoom(factor, px = view.width / 2, py = view.height / 2) {
  const [x, y] = toPlace(px, py);
  view.scale = Math.min(4000 * view.fitted, Math.max(0.3 * view.fitted, view.scale * factor));
  view.x = x - (px - view.width / 2) / view.scale;
  view.y = y + (py - view.height / 2) / view.scale;
  draw(true);
}

// Shows one cluster: the map moves until its middle nine tenths fill half of the view.
function goTo(index) {
  const { x, y, reach } = clusters[index];
  const half = 0.3 * Math.min(view.width, view.height);
  Object.assign(view, { x, y, scale: Math.min(half / Math.max(reach, 1e-4), 60 * view.fitted) });
  if (!shown[index]) show([index], true);
  draw();
}

const at = (event) => {
  const box = dots.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

const under = ([px, py]) =>
  nearest(...toPlace(px, py), (NEAR_PX + radius()) / view.scale, (row) => states[row] > DIM);

function point(event) {
  const spot = at(event);
  const row = under(spot);
  dots.classList.toggle("over", row >= 0);
  tip.hidden = row < 0;
  if (row < 0) return;
  if (tip.dataset.row !== String(row)) {
    tip.dataset.row = row;
    tip.replaceChildren(card(row));
    tip.querySelector("img")?.addEventListener("load", () => placeTip(spot));
  }
  placeTip(spot);
}

function placeTip(spot) {
  const left = Math.min(spot[0] + 16, view.width - tip.offsetWidth - 8);
  const top = Math.min(spot[1] + 16, view.height - tip.offsetHeight - 8);
  tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

function down(event) {
  dots.setPointerCapture(event.pointerId);
  touching.set(event.pointerId, at(event));
  tip.hidden = true;
  if (touching.size > 1) { line = []; pressed = null; return; }
  const [x, y] = at(event);
  pressed = { x, y, moved: false, lasso: lassoing || event.shiftKey };
}

function move(event) {
  if (!touching.has(event.pointerId)) return point(event);
  const before = touching.get(event.pointerId);
  const now = at(event);
  if (touching.size === 2) pinch(event.pointerId, before, now);
  touching.set(event.pointerId, now);
  if (!pressed) return undefined;
  pressed.moved ||= Math.hypot(now[0] - pressed.x, now[1] - pressed.y) > MOVED_PX;
  if (pressed.lasso) {
    if (pressed.moved) line.push(now);
  } else if (pressed.moved) {
    dots.classList.add("moving");
    view.x -= (now[0] - before[0]) / view.scale;
    view.y += (now[1] - before[1]) / view.scale;
  }
  return draw(!pressed.lasso);
}

function pinch(id, before, now) {
  const [other] = [...touching].filter(([known]) => known !== id).map(([, place]) => place);
  const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
  zoom(apart(now) / Math.max(apart(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
}

function up(event) {
  touching.delete(event.pointerId);
  dots.classList.remove("moving");
  if (!pressed || touching.size) return;
  const further = event.shiftKey || event.ctrlKey || event.metaKey;
  if (!pressed.moved) {
    const row = under(at(event));
    if (row >= 0) select([row], further);
    else if (!further) select([]);
  } else if (pressed.lasso && line.length > 2) {
    const rows = enclosed(line.map((p) => toPlace(...p)), (row) => states[row] > DIM);
    line = [];
    setLasso(false);
    select(rows, event.ctrlKey || event.metaKey);
  }
  line = [];
  pressed = null;
  draw();
}

function setLasso(on) {
  lassoing = on;
  byId("lasso").setAttribute("aria-pressed", on);
  dots.classList.toggle("lasso", on);
}

dots.addEventListener("pointerdown", down);
dots.addEventListener("pointermove", move);
dots.addEventListener("pointerup", up);
dots.addEventListener("pointercancel", (event) => {
  touching.delete(event.pointerId);
  pressed = null;
  line = [];
  draw();
});
dots.addEventListener("pointerleave", () => { tip.hidden = true; });
dots.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  zoom(Math.exp(-event.deltaY * lines * 0.0016), ...at(event));
  point(event);
}, { passive: false });
dots.addEventListener("webglcontextlost", (event) => event.preventDefault());
dots.addEventListener("webglcontextrestored", () => { prepare(); refresh(); });
byId("fit").addEventListener("click", fit);
byId("closer").addEventListener("click", () => zoom(1.5));
byId("wider").addEventListener("click", () => zoom(1 / 1.5));
byId("lasso").addEventListener("click", () => setLasso(!lassoing));
addEventListener("resize", resize);
dark.addEventListener("change", () => { prepare(); fillLegend(); refresh(); });
addEventListener("keydown", (event) => {
  if (event.target.matches("input[type=search], textarea") || event.ctrlKey || event.metaKey) return;
  const wanted = {
    0: fit, "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5),
    l: () => setLasso(!lassoing), "/": () => byId("search").focus(),
    Escape: () => { setLasso(false); select([]); },
  }[event.key];
  if (wanted) {
    event.preventDefault();
    wanted();
  }
});

if (gl && wide) {
  prepare();
  fillLegend();
  refresh();
  resize();
  fit();
  measureSpeed();
  refresh();
} else {
  fillLegend();
  byId("hint").textContent = "This browser has no WebGL, which draws the map; switch it on or take another.";
}
// For the browser's console and for tests.
window.clusterMap = { view, toPixels, places, states, drawNow: drawDots, draw, gl, selected: chosenRows };
