// The state of a collection in numbers, and what to do next.

import * as api from "./api.js";
import { address } from "./state.js";
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { whole } from "./words.js";

/** @param {number|null|undefined} share */
const percent = (share) => (share == null ? "–" : `${(100 * share).toFixed(1)} %`);

/**
 * @param {{collection: api.Collection, version: number, tell: (text: string) => void}} props
 */
export function Overview({ collection, version, tell }) {
  const [status, setStatus] = useState(/** @type {any} */ (null));
  useEffect(() => {
    api.status(collection.collection_id).then(setStatus, (error) => tell(error.message));
  }, [collection.collection_id, version]);
  if (!status) return html`<p class="empty">Loading …</p>`;
  const loo = status.leave_one_out;
  const figures = [
    ["Objects", whole(status.objects), []],
    ["Quarantined", whole(status.quarantined), ["reason:exists"]],
    ["Human labels", whole(status.human), ["label_source:eq:human"]],
    ["Auto-labels", whole(status.auto), ["label_source:eq:auto"]],
    ["Coverage of the rest", percent(status.coverage), ["label_source:eq:auto"]],
    ["Waiting for review", whole(status.review_queue), ["label:eq:null", "reason:eq:null"]],
    ["Leave-one-out agreement", `${percent(loo.agreement)}`, ["label_source:eq:human"]],
  ];
  const labels = Object.entries(status.distribution_rolled_up).sort(
    (a, b) => Number(b[1]) - Number(a[1]),
  );
  const most = Math.max(1, ...labels.map(([, count]) => Number(count)));
  const advice = [...status.advice].sort((a, b) => Number(a.passed) - Number(b.passed));
  return html`<div class="overview">
    <section class="figures">
      ${figures.map(
        ([name, value, filter]) => html`<a href=${address({ page: "gallery", filter, sort: "" })}>
          <b>${value}</b><span>${name}</span>
        </a>`,
      )}
    </section>
    <section>
      <h2>What to do next</h2>
      <ul class="advice">
        ${advice.map(
          (one) => html`<li class=${one.passed ? "passed" : "look"}>
            <b>${one.passed ? "ok" : "look"}</b> ${one.text}
          </li>`,
        )}
      </ul>
    </section>
    <section>
      <h2>Labels</h2>
      <table>
        <thead>
          <tr><th>label</th><th>documents</th><th></th><th>references</th></tr>
        </thead>
        <tbody>
          ${labels.map(
            ([name, count]) => html`<tr>
              <td>
                <a href=${address({ page: "gallery", filter: [`label:under:${name}`], sort: "" })}>${name}</a>
              </td>
              <td>${whole(Number(count))}</td>
              <td><i class="share" style=${`width:${(160 * Number(count)) / most}px`}></i></td>
              <td>${whole(status.references[name] || 0)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p class="hint">Vectors: ${status.feature_uri}. Taxonomy version ${status.taxonomy_version}.</p>
    </section>
  </div>`;
}
