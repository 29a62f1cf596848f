// The dots, drawn by the graphics card: one call a frame, however many there are.
const HIDDEN = 0, DIM = 1, PLAIN = 2, CHOSEN = 3;
const dots = document.getElementById("dots");
const gl = dots.getContext("webgl", { antialias: false, premultipliedAlpha: true });
const states = new Uint8Array(count).fill(PLAIN);
const view = { x: 0, y: 0, scale: 1, width: 1, height: 1, ratio: 1, fitted: 1 };

const VERTEX = `
attribute vec2 place; attribute float size; attribute vec3 colour; attribute float state;
uniform vec2 centre, scale; uniform float radius;
varying vec4 paint; varying float pixels, ring;
void main() {
  float shown = state < 0.5 ? 0.0 : 1.0;
  ring = step(2.5, state);
  gl_Position = vec4(mix(vec2(9.0), (place - centre) * scale, shown), 0.0, 1.0);
  pixels = 2.0 * radius * size * (1.0 + 0.5 * ring) + 1.0 + 3.0 * ring;
  gl_PointSize = pixels;
  paint = vec4(colour, state < 1.5 ? 0.13 : 0.88);
}`;
const FRAGMENT = `
precision mediump float;
uniform vec3 ink;
varying vec4 paint; varying float pixels, ring;
void main() {
  float away = length(gl_PointCoord - 0.5) * pixels;
  float edge = clamp(0.5 * pixels - away, 0.0, 1.0);
  float rim = ring * clamp(away - 0.5 * pixels + 3.0, 0.0, 1.0);
  float alpha = edge * max(paint.a, ring);
  gl_FragColor = vec4(mix(paint.rgb, ink, rim) * alpha, alpha);
}`;

function built(kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}

const PATIENCE_MS = 20; // a frame that takes longer is drawn with fewer dots while the map moves
let buffers, uniforms;
let drawn = 0, fewer = 0; // how many dots are drawn, and how many while the map moves
let stride = 1;

function prepare() {
  const program = gl.createProgram();
  gl.attachShader(program, built(gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, built(gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  uniforms = {};
  for (const name of ["centre", "scale", "radius", "ink"]) {
    uniforms[name] = gl.getUniformLocation(program, name);
  }
  buffers = {};
  attribute(program, "place", 2, gl.FLOAT, places);
  attribute(program, "size", 1, gl.FLOAT, scales || new Float32Array(count).fill(1));
  attribute(program, "colour", 3, gl.UNSIGNED_BYTE, colours(), true);
  attribute(program, "state", 1, gl.UNSIGNED_BYTE, states);
  buffers.order = gl.createBuffer();
  buffers.fewer = gl.createBuffer();
}

function attribute(program, name, parts, kind, values, share = false) {
  const at = gl.getAttribLocation(program, name);
  buffers[name] = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
  gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(at);
  gl.vertexAttribPointer(at, parts, kind, share, 0, 0);
}

function colours() {
  const values = new Uint8Array(3 * count);
  const paints = [NOISE, ...clusters].map(paintOf);
  for (let row = 0; row < count; row++) {
    values.set(paints[assigned[row] + 1], 3 * row);
  }
  return values;
}

// Noise lies behind the clusters, large dots behind small ones, what is chosen in front of all.
const depths = new Float32Array(count);
for (let row = 0; row < count; row++) {
  depths[row] = (assigned[row] < 0 ? 0 : 10) - (scales ? scales[row] : 1);
}
const byDepth = Uint32Array.from(depths.keys()).sort((a, b) => depths[a] - depths[b] || a - b);
const wide = gl && gl.getExtension("OES_element_index_uint");

function sendStates() {
  const order = new Uint32Array(count);
  drawn = 0;
  for (const wanted of [DIM, PLAIN, CHOSEN]) {
    for (const row of byDepth) if (states[row] === wanted) order[drawn++] = row;
  }
  gl.bindBuffer(gl.ARRAY_BUFFER, buffers.state);
  gl.bufferData(gl.ARRAY_BUFFER, states, gl.DYNAMIC_DRAW);
  const some = order.subarray(0, drawn).filter((row, i) => i % stride === 0 || states[row] === CHOSEN);
  fewer = some.length;
  for (const [name, rows] of [["order", order.subarray(0, drawn)], ["fewer", some]]) {
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, rows, gl.DYNAMIC_DRAW);
  }
}

// Graphics without a card may need long for many dots: finds out how long, once.
function measureSpeed() {
  const pixel = new Uint8Array(4);
  let took = 0;
  for (let turn = 0; turn < 2; turn++) {
    const started = performance.now();
    drawDots();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    took = performance.now() - started;
  }
  stride = Math.max(1, Math.ceil(took / PATIENCE_MS));
}

// Dots grow with the zoom, but slower, so that crowds come apart.
function radius() {
  const wide_ = Math.min(view.width, view.height) / 640;
  const base = Math.min(5, Math.max(1.5, (105 * wide_) / Math.sqrt(Math.max(count, 1))));
  return Math.min(14, base * (view.scale / view.fitted) ** 0.4);
}

function drawDots(moving = false) {
  gl.viewport(0, 0, dots.width, dots.height);
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT);
  gl.uniform2f(uniforms.centre, view.x, view.y);
  gl.uniform2f(uniforms.scale, (2 * view.scale) / view.width, (2 * view.scale) / view.height);
  gl.uniform1f(uniforms.radius, radius() * view.ratio);
  gl.uniform3f(uniforms.ink, ...(dark.matches ? [1, 1, 1] : [0.09, 0.1, 0.12]));
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, moving ? buffers.fewer : buffers.order);
  gl.drawElements(gl.POINTS, moving ? fewer : drawn, gl.UNSIGNED_INT, 0);
}

const toPixels = (x, y) => [
  view.width / 2 + (x - view.x) * view.scale, view.height / 2 - (y - view.y) * view.scale,
];
const toPlace = (px, py) => [
  view.x + (px - view.width / 2) / view.scale, view.y - (py - view.height / 2) / view.scale,
];
