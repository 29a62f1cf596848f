// Over the dots: the clusters' names, each near its cluster and on no other, and the lasso.
const overlay = document.getElementById("overlay");
const pen = overlay.getContext("2d");
const NAME_WIDTH = 220;
const SMALL_PX = 15; // a cluster no larger than its name has it above
const shortened = new Map();

function short(name) {
  if (!shortened.has(name)) {
    let text = name;
    while (text.length > 4 && pen.measureText(text).width > NAME_WIDTH) {
      text = `${text.slice(0, -2).trimEnd().replace(/…$/, "")}…`;
    }
    shortened.set(name, [text, pen.measureText(text).width]);
  }
  return shortened.get(name);
}

function drawOverlay(line, withNames, isShown) {
  const style = getComputedStyle(document.documentElement);
  pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  pen.clearRect(0, 0, view.width, view.height);
  pen.font = "600 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  if (withNames) drawNames(style, isShown);
  if (line.length > 1) drawLasso(line, style);
}

function drawNames(style, isShown) {
  const taken = [];
  pen.lineWidth = 4;
  pen.strokeStyle = style.getPropertyValue("--halo");
  pen.fillStyle = style.getPropertyValue("--ink");
  for (const index of bySize) {
    if (!isShown(index)) continue;
    const [x, y] = toPixels(clusters[index].x, clusters[index].y);
    if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
    const [text, width] = short(clusters[index].name);
    const above = clusters[index].reach * view.scale < SMALL_PX ? -SMALL_PX : 0;
    for (const dy of [above, -20, 20, -38, 38]) {
      const box = [x - width / 2 - 4, y + dy - 10, x + width / 2 + 4, y + dy + 10];
      if (taken.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) {
        continue;
      }
      taken.push(box);
      pen.strokeText(text, x, y + dy);
      pen.fillText(text, x, y + dy);
      break;
    }
  }
}

function drawLasso(line, style) {
  pen.beginPath();
  line.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.lineWidth = 1.5;
  pen.strokeStyle = pen.fillStyle = style.getPropertyValue("--accent");
  pen.setLineDash([6, 4]);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 0.1;
  pen.fill();
  pen.globalAlpha = 1;
}

const bySize = clusters.map((_, i) => i).sort((a, b) => clusters[b].size - clusters[a].size || a - b);
