// Practice: what a locked item was about. The own answer, the right one, and why; no clock of an item runs meanwhile.

import { html, useEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { Banner, Icon, useExam } from "./pieces.js";
import { Media, Text, mediaOf } from "./rich.js";
import { typeset } from "./words.js";

/** In place of the item on screen, until the candidate goes on. */
export function Explanation() {
  const { model, act, say } = useExam();
  const { view } = model;
  const position = view.explained;
  const heading = useRef();
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [position]);
  const idle = model.offline || Boolean(view.moving);
  return html`
    <article class="item explanation" key=${position}>
      <header class="item__head">
        <h1 class="item__number" tabindex="-1" ref=${heading}>${say("explained", { number: position + 1, all: view.marks.length })}</h1>
      </header>
      ${view.marks[position]?.expired && html`<${Banner} kind="info"><p>${say("explainedExpired")}</p><//>`}
      <${Explained} position=${position} />
      <footer class="item__moves">
        <div class="cluster">
          <button class="btn btn--primary" type="button" aria-disabled=${String(idle)} aria-busy=${String(Boolean(view.moving))}
            aria-describedby="go-on-note" onClick=${() => !idle && act.goOn()}>
            ${say("next")}<${Icon} name="chevron-right" />
          </button>
        </div>
        <p class="note" id="go-on-note" role="status">${say(model.offline ? "offlineMoves" : "explainedClock")}</p>
      </footer>
    </article>
  `;
}

/** The explanation itself, fetched: it is nowhere on this device before its time. */
export function Explained({ position }) {
  const { model, say } = useExam();
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(false);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let here = true;
    setFound(null);
    setFailed(false);
    ask(`/exam/${model.data.sitting}/items/${position}/explanation`).then(
      (answer) => here && setFound(answer),
      () => here && setFailed(true),
    );
    return () => {
      here = false;
    };
  }, [position, round]);
  if (failed) {
    return html`
      <${Banner} kind="warn" role="alert">
        <p>${say("explainedFailed")}</p>
        <p><button class="btn btn--secondary btn--small" type="button" onClick=${() => setRound(round + 1)}>${say("tryAgain")}</button></p>
      <//>
    `;
  }
  if (found === null) {
    return html`<div class="skeleton" role="status"><span class="visually-hidden">${say("explainedLoading")}</span>
      ${[0, 1, 2].map((line) => html`<div class="skeleton__line" key=${line}></div>`)}</div>`;
  }
  const { content } = found;
  return html`
    <${Media.Provider} value=${mediaOf(found.media)}>
      <${Text} text=${content.stem} markup=${content.markup} block class="item__stem" />
      ${content.stages.map((stage, number) => html`<${StageKey} found=${found} number=${number} key=${number} />`)}
      <section class="explanation__why" aria-labelledby="why">
        <h2 id="why">${say("why")}</h2>
        <${Text} text=${found.explanation} markup=${content.markup} block />
        ${found.sources.length > 0 && html`
          <p class="note">${say("sources")}</p>
          <ul class="note" lang="ru">${found.sources.map((one) => html`<li>${typeset(one)}</li>`)}</ul>
        `}
        <p class="note" lang="ru">${typeset(`${found.requirement} ${found.requirement_title}`)}</p>
      </section>
    <//>
  `;
}

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  return answer.json();
}

function StageKey({ found, number }) {
  const { say } = useExam();
  const { content } = found;
  const stage = content.stages[number];
  const key = found.stages[number];
  const chosen = found.answers[number];
  const isCase = content.kind === "case";
  return html`
    <section class="explanation__stage">
      ${isCase && html`<h2 class="eyebrow">${say("step", { number: number + 1 })}</h2>`}
      ${stage.reveal && html`<${Text} text=${stage.reveal} markup=${content.markup} block />`}
      ${stage.prompt && html`<div class="stage__prompt" lang="ru"><${Text} text=${stage.prompt} markup=${content.markup} /></div>`}
      <p class="explanation__verdict" role="status">${say(verdict(stage, key, chosen))}</p>
      <ul class="explanation__options">
        ${stage.choices.map((choice) => html`<${Option} choice=${choice} stage=${stage} mine=${chosen.includes(choice.id)}
          stands=${key} markup=${content.markup} key=${choice.id} />`)}
      </ul>
    </section>
  `;
}

function Option({ choice, stage, mine, stands, markup }) {
  const { say } = useExam();
  const place = stands.right.indexOf(choice.id);
  const right = place >= 0;
  const harmful = stands.harmful.includes(choice.id);
  const many = stage.kind === "actions";
  const word = right ? (many ? "needed" : "right") : harmful ? "harmful" : mine ? (many ? "notNeeded" : "wrong") : null;
  const tone = right ? "ok" : harmful ? "danger" : "warn";
  return html`
    <li class=${`explanation__option ${right ? "explanation__option--right" : mine || harmful ? "explanation__option--wrong" : ""}`}>
      <span class="explanation__text" lang="ru"><${Text} text=${choice.text} markup=${markup} /></span>
      <span class="explanation__marks">
        ${stage.ordered && right && html`<span class="tag tag--neutral">${say("inOrder", { number: place + 1 })}</span>`}
        ${mine && html`<span class="tag tag--info">${say("mine")}</span>`}
        ${word && html`<span class=${`tag tag--${tone}`}>${say(word)}</span>`}
      </span>
    </li>
  `;
}

function verdict(stage, { right }, chosen) {
  if (!chosen.length) {
    return "verdictNone";
  }
  const all = right.length === chosen.length && right.every((id) => chosen.includes(id));
  if (all && (!stage.ordered || right.every((id, place) => chosen[place] === id))) {
    return "verdictRight";
  }
  return chosen.some((id) => right.includes(id)) ? "verdictPartly" : "verdictWrong";
}
