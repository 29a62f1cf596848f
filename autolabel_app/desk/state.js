// The place in the desk, kept in the address so that it can be bookmarked, shared and gone back to.

import { useEffect, useLayoutEffect, useState } from "./vendor/htm-preact.js";

/**
 * @typedef {{collection: string, page: string, filter: string[], sort: string}} Place
 */

/** @returns {Place} */
function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [collection = "", page = "gallery"] = path.split("/").map(decodeURIComponent);
  const parameters = new URLSearchParams(query || "");
  return { collection, page, filter: parameters.getAll("filter"), sort: parameters.get("sort") || "" };
}

/** @param {Partial<Place>} changes */
export function go(changes) {
  location.hash = address(changes);
}

/** @param {Partial<Place>} changes */
export function address(changes) {
  const place = { ...read(), ...changes };
  const query = new URLSearchParams();
  for (const text of place.filter) query.append("filter", text);
  if (place.sort) query.set("sort", place.sort);
  const asked = query.toString();
  return `#/${encodeURIComponent(place.collection)}/${place.page}${asked ? `?${asked}` : ""}`;
}

/** @returns {Place} */
export function usePlace() {
  const [place, setPlace] = useState(read());
  useEffect(() => {
    const changed = () => setPlace(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return place;
}

/**
 * Calls a function on keys, except while somebody types.
 * @param {(event: KeyboardEvent) => void} act
 */
export function useKeys(act) {
  // Before the next key, so that two keys in quick succession never mean the same document.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)) return;
      act(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}
