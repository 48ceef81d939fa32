// The item map: where the candidate is and what is done, by shape as well as by colour.

import { html, useEffect, useRef } from "../core/vendor/preact-htm.js";
import { Icon, useExam } from "./pieces.js";
import { count } from "./state.js";

export function ItemMap({ onPick = () => {} }) {
  const { model, act, say } = useExam();
  const { view } = model;
  const { marks, navigation, moving, section } = view;
  const free = navigation === "free";
  const totals = count(marks);
  const pick = (position) => {
    onPick();
    act.show(position);
  };
  const list = useRef();
  const here = view.item?.position;
  useEffect(() => list.current.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [here]);
  const idle = model.offline || Boolean(moving) || Boolean(view.halt);
  return html`
    <nav class="map" aria-label=${say("mapTitle")}>
      <p class="map__count">${say("itemsOf", { done: totals.answered, all: totals.all })}</p>
      <div class="map__sections" ref=${list}>
        ${partsOf(model).map(({ title, first, end, ahead }) => html`
          <section class="map__section" key=${first}>
            ${title && html`<h2 class="map__title" lang="ru">${title}</h2>`}
            <ol class="map__list" start=${first + 1}>
              ${marks.slice(first, end).map((one, offset) => html`
                <li key=${offset}>
                  <${Place} one=${one} position=${first + offset} free=${free} ahead=${ahead} idle=${idle} onPick=${pick} />
                </li>
              `)}
            </ol>
          </section>
        `)}
      </div>
      ${!free && html`<p class="note">${say("mapLinear")}</p>`}
      ${free && model.offline && html`<p class="note">${say("offlineMoves")}</p>`}
      <details class="map__legend">
        <summary>${say("legend")}</summary>
        <ul class="map__signs">
          ${LEGEND.filter((kind) => isUsed(kind, { free, section, marks })).map(
            (kind) => html`<li key=${kind}><span class=${`map__place map__place--${kind}`}><${Signs} kinds=${[kind]} /></span>${say(WORDS[kind])}</li>`,
          )}
        </ul>
      </details>
    </nav>
  `;
}

/** The form by sections; one without a title where it is one whole. */
function partsOf({ view, data }) {
  if (view.section === null) {
    return [{ title: "", first: 0, end: view.marks.length, ahead: false }];
  }
  let end = 0;
  return data.sections.map(({ title, count: items }, number) => {
    const first = end;
    end += items;
    return { title, first, end, ahead: number > view.section.number || (number === view.section.number && !view.section.begun) };
  });
}

const LEGEND = ["current", "answered", "flagged", "questioned", "locked", "expired", "ahead", "withdrawn"];

/** Signs that this exam can never show would only be more to read. */
function isUsed(kind, { free, section, marks }) {
  switch (kind) {
    case "flagged":
      return free;
    case "ahead":
      return section !== null;
    case "questioned":
    case "withdrawn":
      return marks.some((one) => one[kind]);
    default:
      return true;
  }
}

const WORDS = {
  current: "markCurrent",
  answered: "markAnswered",
  empty: "markEmpty",
  flagged: "markFlagged",
  locked: "markLocked",
  expired: "markExpired",
  withdrawn: "markWithdrawn",
  questioned: "markQuestioned",
  ahead: "markAhead",
};
const SIGNS = { answered: "check", flagged: "flag", questioned: "info", locked: "lock", expired: "clock", withdrawn: "minus" };

function kindsOf(one, current, ahead) {
  if (one.withdrawn) {
    return ["withdrawn"];
  }
  if (ahead) {
    return ["ahead"];
  }
  return [
    current && "current",
    one.answered ? "answered" : "empty",
    one.flagged && "flagged",
    one.questioned && "questioned",
    one.expired ? "expired" : one.locked && "locked",
  ].filter(Boolean);
}

function Signs({ kinds }) {
  return html`<span class="map__icons">${kinds.filter((kind) => SIGNS[kind]).map((kind) => html`<${Icon} name=${SIGNS[kind]} key=${kind} />`)}</span>`;
}

function Place({ one, position, free, ahead, idle, onPick }) {
  const { model, say } = useExam();
  const current = model.view.item?.position === position;
  const kinds = kindsOf(one, current, ahead);
  const name = `map__place ${kinds.map((kind) => `map__place--${kind}`).join(" ")}`;
  const label = `${position + 1}: ${kinds.map((kind) => say(WORDS[kind])).join(", ")}`;
  const inside = html`<span aria-hidden="true">${position + 1}</span><${Signs} kinds=${kinds} />`;
  if (!free || ahead || one.locked) {
    return html`<span class=${name} aria-current=${current ? "step" : null}><span class="visually-hidden">${label}</span>${inside}</span>`;
  }
  return html`
    <button class=${name} type="button" aria-label=${label} aria-current=${current ? "step" : null}
      aria-disabled=${String(idle)} onClick=${() => !idle && onPick(position)}>
      ${inside}
    </button>
  `;
}
