// A line of a list: picture, name, detail; and money as people read it.

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

export const usd = (amount) => (amount === null || amount === undefined ? "" : dollars.format(amount));

export function original(price) {
  if (!price || !price.currency || price.median === null || price.median === undefined) return "";
  if (price.currency === "USD") return "";
  try {
    const told = { style: "currency", currency: price.currency, maximumFractionDigits: 2 };
    return new Intl.NumberFormat("en-US", { ...told, minimumFractionDigits: 0 }).format(price.median);
  } catch {
    return `${price.median} ${price.currency}`;
  }
}

export function row() {
  const li = document.createElement("li");
  const img = Object.assign(document.createElement("img"), { alt: "" });
  const text = document.createElement("div");
  const [name, detail, dear, native] = ["name", "quiet", "usd", "quiet"].map((kind) =>
    Object.assign(document.createElement("div"), { className: kind }));
  text.append(name, detail, dear, native);
  li.append(img, text);
  return { li, img, name, detail, dear, native };
}
