// Judging labels that were drawn at random, until what they certify is enough.

import * as api from "./api.js";
import { Picture } from "./picture.js";
import { useKeys } from "./state.js";
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { LabelInput, keysOf } from "./vocabulary.js";
import { WORDS } from "./words.js";

const DRAWN = 25;

/**
 * @param {{collection: api.Collection & {labels: string[]}, tell: (text: string) => void}} props
 */
export function Audit({ collection, tell }) {
  const name = collection.collection_id;
  const [certificates, setCertificates] = useState(/** @type {api.Certificate[]|null} */ (null));
  const [draws, setDraws] = useState(/** @type {api.Draw[]|null} */ (null));
  // Also what is judged, and still on its way to the server, is not asked again.
  const settled = useRef(/** @type {Set<string>} */ (new Set()));
  const [naming, setNaming] = useState(false);
  useEffect(() => {
    api.certification(name).then(
      (found) => setCertificates(found.certificates),
      (error) => tell(error.message),
    );
  }, [name]);
  const draw = () =>
    api.draws(name, Math.min(1000, DRAWN + settled.current.size)).then(
      (found) => {
        setDraws(found.results.filter((one) => !settled.current.has(one.key)).slice(0, DRAWN));
        setCertificates(found.certificates);
      },
      (error) => tell(error.message),
    );
  const current = draws?.[0];
  const next = () => {
    if (current) settled.current.add(current.key);
    const rest = (draws || []).slice(1);
    setDraws(rest);
    return rest;
  };
  const judge = (/** @type {string} */ verdict, /** @type {string|null} */ correct = null) => {
    if (!current) return;
    const { key, label } = current;
    const rest = next();
    api.judge(name, { key, label, verdict, correct_label: correct }).then(
      (found) => {
        setCertificates(found.certificates);
        if (!rest.length) draw();
      },
      (error) => {
        tell(error.message);
        settled.current.delete(key);
        setDraws([current, ...rest]);
      },
    );
  };
  const skip = () => {
    if (!current) return;
    if (!next().length) draw();
  };
  const others = collection.labels.filter((label) => label !== current?.label);
  useKeys((event) => {
    if (!current) return;
    const named = keysOf(others).get(event.key);
    if (named !== undefined) judge("wrong", named);
    else if (event.key === "y") judge("right");
    else if (event.key === "n") judge("wrong");
    else if (event.key === "s") skip();
    else if (event.key === "/") setNaming(true);
    else return;
    event.preventDefault();
  });
  if (certificates?.length === 0) return html`<p class="empty">${WORDS.noTarget}</p>`;
  return html`<div class="label-mode">
    <section class="stage">
      ${current
        ? html`<div class="shown">
              <${Picture}
                key=${current.document_id}
                collection=${collection}
                document=${current}
                side=${1024}
              />
            </div>
            <p class="key">${current.key}</p>`
        : html`<div class="empty">
            ${draws ? html`<p>${WORDS.nothingToJudge}</p>` : ""}
            <button class="primary" onClick=${draw}>${draws ? "Look again" : "Begin"}</button>
          </div>`}
    </section>
    <aside>
      ${certificates?.map((one) => html`<p class=${`certificate ${one.state}`}>${one.text}</p>`)}
      ${current &&
      html`<h2>Is this ${current.label}?</h2>
        <div class="actions">
          <button onClick=${() => judge("right")}><kbd>Y</kbd> Right</button>
          <button onClick=${() => judge("wrong")}><kbd>N</kbd> Wrong</button>
          <button onClick=${skip}><kbd>S</kbd> Skip</button>
        </div>
        <p class="hint">Wrong, and what is right:</p>
        <${LabelInput}
          labels=${others}
          focused=${naming}
          choose=${(/** @type {string} */ label) => judge("wrong", label)}
          leave=${() => setNaming(false)}
        />`}
      <p class="hint">
        What you call wrong is kept, and changes nothing until you give it: it would change the rule
        that you judge.
      </p>
      <button
        onClick=${() =>
          api.giveCorrections(name).then(
            ({ labelled }) => tell(`${labelled} corrections are labels now`),
            (error) => tell(error.message),
          )}
      >
        Give the corrections as labels
      </button>
    </aside>
  </div>`;
}
