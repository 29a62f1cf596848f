// What people read, in one place.

export const WORDS = {
  gallery: "Gallery",
  label: "Label",
  confirm: "Confirm",
  audit: "Audit",
  doubts: "Doubts",
  overview: "Overview",
  noCollections: "No collection is declared. `autolabel init FOLDER` makes a project.",
  noDocuments: "No document matches. Remove a filter, or run `autolabel sweep` after new uploads.",
  queueDone: "Nothing waits in this queue.",
  boxes: "The documents of this collection are boxes; judge them with `autolabel annotate`.",
  noTarget:
    "Nothing to certify: declare `confidence_threshold: {target_precision: 0.95, delta: 0.1}` under " +
    "`taxonomy` in the YAML. Your verdicts then certify which labels keep that word.",
  nothingToJudge: "No further verdict can certify more for now.",
  noDoubts: "Nothing contradicts a label that has not been decided about.",
  nothingToConfirm: "No label to confirm: there are no auto-labels yet.",
};

export const NEXT = "next";

export const QUEUES = [
  { id: NEXT, name: "Most useful first", filter: [], sort: "" },
  { id: "unlabelled", name: "No label yet", filter: ["label_source:in:null,suggested", "reason:eq:null"], sort: "-confidence" },
  { id: "unsure", name: "Least sure", filter: ["label_source:eq:auto"], sort: "margin" },
  { id: "all", name: "By key", filter: ["label_source:ne:human", "reason:eq:null"], sort: "" },
];

export const SOURCES = /** @type {const} */ (["human", "promoted", "auto", "suggested", "none"]);

/** @param {number|null|undefined} value */
export const decimal = (value) => (value == null ? "–" : value.toFixed(3));

/** @param {number|null|undefined} value */
export const share = (value) => (value == null ? "–" : `${(100 * value).toFixed(1)} %`);

/** @param {number} value */
export const whole = (value) => value.toLocaleString("en");
