// The item map: where the candidate is and what is done, by shape as well as by colour.

import { html, useEffect, useRef } from "../core/vendor/preact-htm.js";
import { Icon, useExam } from "./pieces.js";
import { count } from "./state.js";

export function ItemMap({ onPick = () => {} }) {
  const { model, act, say } = useExam();
  const { marks, navigation, moving } = model.view;
  const free = navigation === "free";
  const pick = (position) => {
    onPick();
    act.show(position);
  };
  const list = useRef();
  const here = model.view.item?.position;
  useEffect(() => list.current.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [here]);
  return html`
    <nav class="map" aria-label=${say("mapTitle")}>
      <p class="map__count">${say("itemsOf", { done: count(marks).answered, all: marks.length })}</p>
      <ol class="map__list" ref=${list}>
        ${marks.map((one, position) => html`
          <li key=${position}>
            <${Place} one=${one} position=${position} free=${free} idle=${model.offline || Boolean(moving)} onPick=${pick} />
          </li>
        `)}
      </ol>
      ${!free && html`<p class="note">${say("mapLinear")}</p>`}
      ${free && model.offline && html`<p class="note">${say("offlineMoves")}</p>`}
      <details class="map__legend">
        <summary>${say("legend")}</summary>
        <ul class="map__signs">
          ${["current", "answered", free && "flagged", "locked", "expired"].filter(Boolean).map(
            (kind) => html`<li key=${kind}><span class=${`map__place map__place--${kind}`}><${Signs} kinds=${[kind]} /></span>${say(WORDS[kind])}</li>`,
          )}
        </ul>
      </details>
    </nav>
  `;
}

const WORDS = {
  current: "markCurrent",
  answered: "markAnswered",
  empty: "markEmpty",
  flagged: "markFlagged",
  locked: "markLocked",
  expired: "markExpired",
};
const SIGNS = { answered: "check", flagged: "flag", locked: "lock", expired: "clock" };

function kindsOf(one, current) {
  return [
    current && "current",
    one.answered ? "answered" : "empty",
    one.flagged && "flagged",
    one.expired ? "expired" : one.locked && "locked",
  ].filter(Boolean);
}

function Signs({ kinds }) {
  return html`<span class="map__icons">${kinds.filter((kind) => SIGNS[kind]).map((kind) => html`<${Icon} name=${SIGNS[kind]} key=${kind} />`)}</span>`;
}

function Place({ one, position, free, idle, onPick }) {
  const { model, say } = useExam();
  const current = model.view.item?.position === position;
  const kinds = kindsOf(one, current);
  const name = `map__place ${kinds.map((kind) => `map__place--${kind}`).join(" ")}`;
  const label = `${position + 1}: ${kinds.map((kind) => say(WORDS[kind])).join(", ")}`;
  const inside = html`<span aria-hidden="true">${position + 1}</span><${Signs} kinds=${kinds} />`;
  if (!free || one.locked) {
    return html`<span class=${name} aria-current=${current ? "step" : null}><span class="visually-hidden">${label}</span>${inside}</span>`;
  }
  return html`
    <button class=${name} type="button" aria-label=${label} aria-current=${current ? "step" : null}
      aria-disabled=${String(idle)} onClick=${() => !idle && onPick(position)}>
      ${inside}
    </button>
  `;
}
