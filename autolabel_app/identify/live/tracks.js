// Things that stay the same from frame to frame: a place, and the name that was sure last.

const SAME_PLACE = 0.3;
const KEPT_MS = 2000;
const FRAMES_TO_RENAME = 2;
const TREMBLES = 0.02;

export class Tracks {
  constructor() {
    this.all = [];
    this.next = 1;
    this.now = 0;
  }

  clear() {
    this.all = [];
  }

  // Take in what one frame showed; returns the tracks that have just become sure.
  update(masks, now) {
    this.now = now;
    const free = new Set(this.all);
    const news = [];
    for (const mask of masks) {
      const track = this.#nearest(mask, free) ?? this.#begin(mask);
      free.delete(track);
      if (this.#see(track, mask, now)) news.push(track);
    }
    this.all = this.all.filter((track) => now - track.seen <= KEPT_MS);
    return news;
  }

  inView(track) {
    return track.seen === this.now;
  }

  #nearest(mask, free) {
    let best = null;
    let most = SAME_PLACE;
    for (const track of free) {
      const named = track.mask.ref_filename === mask.ref_filename ? 0.5 : 0;
      const near = overlap(track.box, mask.bbox_norm);
      if (near > 0 && near + named > most) [best, most] = [track, near + named];
    }
    return best;
  }

  #begin(mask) {
    const track = { id: this.next++, mask, box: { ...mask.bbox_norm }, seen: 0, other: 0, told: "" };
    this.all.push(track);
    return track;
  }

  #see(track, mask, now) {
    track.seen = now;
    for (const side of ["x1", "y1", "x2", "y2"]) {
      const moved = mask.bbox_norm[side] - track.box[side];
      track.box[side] += Math.abs(moved) > TREMBLES ? moved : moved / 2;
    }
    const same = track.mask.name === mask.name;
    track.other = same ? 0 : track.other + (mask.confident ? 1 : 0);
    const renamed = !same && (!track.mask.confident || track.other >= FRAMES_TO_RENAME);
    if (renamed || (same && (mask.confident || !track.mask.confident))) track.mask = mask;
    const news = track.mask.confident && track.told !== track.mask.name;
    if (news) track.told = track.mask.name;
    return news;
  }
}

function overlap(a, b) {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  if (width <= 0 || height <= 0) return 0;
  const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);
  return (width * height) / (area(a) + area(b) - width * height);
}
