// Talking to the server: the key if it wants one, pictures of references, errors as sentences.

const KEY = "autolabel-key";
const pictures = new Map();

export class Refused extends Error {
  constructor(status, said) {
    super(said);
    this.status = status;
  }
}

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
  pictures.clear();
}

async function call(path, options = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { "X-API-Key": key } : {};
  const answer = await fetch(`../${path}`, { ...options, headers });
  if (!answer.ok) {
    const said = await answer.json().then((body) => body.detail, () => answer.statusText);
    throw new Refused(answer.status, typeof said === "string" ? said : JSON.stringify(said));
  }
  return answer;
}

export const health = async () => (await call("health")).json();
export const topPrices = async (n) => (await call(`api/top-prices?n=${n}`)).json();

export async function identify(blob) {
  const form = new FormData();
  form.append("image", blob, "frame.jpg");
  form.append("query", "live");
  return (await call("api/falcon", { method: "POST", body: form })).json();
}

// Pictures are fetched, not linked, because an <img> cannot send the key.
export function showReference(img, filename) {
  if (img.dataset.filename === filename) return;
  img.dataset.filename = filename;
  if (!pictures.has(filename)) {
    const path = `refs/${encodeURIComponent(filename)}`;
    const url = call(path).then((answer) => answer.blob()).then(URL.createObjectURL);
    url.catch(() => pictures.delete(filename));
    pictures.set(filename, url);
  }
  pictures.get(filename).then((url) => {
    if (img.dataset.filename === filename) img.src = url;
  }, () => img.removeAttribute("src"));
}
