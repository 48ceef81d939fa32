// The item on screen.

import { html, useEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { Banner, Icon, ItemClock, useExam } from "./pieces.js";
import { Large, Media, Text, mediaOf, picturesOf } from "./rich.js";
import { hasNextSection, neighbour, press } from "./state.js";

export function Item() {
  const { model } = useExam();
  const { item } = model.view;
  const heading = useRef();
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [item.position]);
  const frozen = Boolean(model.view.moving) || item.closed || model.timeUp;
  return html`<${Media.Provider} value=${mediaOf(item.media)}><${Sheet} item=${item} frozen=${frozen} heading=${heading} /><//>`;
}

/** An item as it is read and answered, here and wherever else it is shown as a candidate sees it. */
export function Sheet({ item, frozen, heading = null }) {
  const isCase = item.content.kind === "case";
  return html`
    <article class=${`item ${isCase ? "item--case" : ""}`} key=${item.position}>
      <${Head} item=${item} heading=${heading} />
      <${Expired} />
      ${isCase ? html`<${CaseBody} item=${item} frozen=${frozen} />` : html`<${PlainBody} item=${item} frozen=${frozen} />`}
    </article>
  `;
}

function Head({ item, heading }) {
  const { model, act, say } = useExam();
  const { marks, flags } = model.view;
  const flagged = Boolean(marks[item.position]?.flagged);
  return html`
    <header class="item__head">
      <h1 class="item__number" tabindex="-1" ref=${heading}>
        ${say("itemNumber", { number: item.position + 1, all: marks.length })}
      </h1>
      <${ItemClock} item=${item} />
      ${flags &&
      html`
        <button
          class="btn btn--secondary btn--small item__flag"
          type="button"
          aria-pressed=${String(flagged)}
          title=${say("flagHint")}
          onClick=${() => act.flag(!flagged)}
        >
          <${Icon} name="flag" /><span>${say("flag")}</span>
        </button>
      `}
    </header>
  `;
}

/** One banner for all that closed while nobody moved: they must not push the item off the screen. */
function Expired() {
  const { model, say } = useExam();
  const { expired, item, marks } = model.view;
  const past = expired.filter((position) => position !== item.position);
  if (past.length === 0) {
    return null;
  }
  const [first] = past;
  const text =
    past.length > 1
      ? say("expiredMany", { numbers: past.map((position) => position + 1).join(", ") })
      : say(marks[first].answered ? "expired" : "expiredEmpty", { number: first + 1 });
  return html`<${Banner} kind="info" key=${first}><p>${text}</p><//>`;
}

function PlainBody({ item, frozen }) {
  return html`
    <${Text} text=${item.content.stem} markup=${item.content.markup} block class="item__stem" />
    <${Stage} item=${item} number=${0} frozen=${frozen} />
    <${Moves} item=${item} isCase=${false} />
  `;
}

/** The scenario stays in view beside the actions; what a stage reveals joins it. */
function CaseBody({ item, frozen }) {
  const { say } = useExam();
  const { stages, stem, markup } = item.content;
  const place = useRef();
  const newest = useRef();
  const steps = useRef(item.stage);
  useEffect(() => {
    if (steps.current !== item.stage) {
      steps.current = item.stage;
      newest.current?.scrollIntoView({ block: "nearest" });
      place.current.scrollIntoView({ block: "start" });
      (newest.current ?? place.current).focus({ preventScroll: true });
    }
  }, [item.stage]);
  return html`
    <div class="case" tabindex="-1" ref=${place}>
      <section class="case__scenario" aria-labelledby="scenario" tabindex="0">
        <h2 id="scenario">${say("scenario")}</h2>
        <${Text} text=${stem} markup=${markup} block />
        ${stages.map(
          (stage, number) =>
            stage.reveal &&
            html`
              <div
                class=${`case__reveal ${number === item.stage ? "case__reveal--new" : ""}`}
                tabindex="-1"
                ref=${number === item.stage ? newest : null}
                key=${number}
              >
                <h3>${say("newData", { number: number + 1 })}</h3>
                <${Text} text=${stage.reveal} markup=${markup} block />
              </div>
            `,
        )}
      </section>
      <div class="case__work">
        ${stages.slice(0, item.stage).map((stage, number) => html`<${ClosedStage} item=${item} number=${number} key=${number} />`)}
        ${item.stage < stages.length && html`<${Stage} item=${item} number=${item.stage} frozen=${frozen} key=${item.stage} />`}
        <${Moves} item=${item} isCase=${true} />
      </div>
    </div>
  `;
}

function ClosedStage({ item, number }) {
  const { say } = useExam();
  const { markup } = item.content;
  const stage = item.content.stages[number];
  const chosen = item.answers[number].map((id) => stage.choices.find((choice) => choice.id === id)?.text ?? "");
  const List = stage.ordered ? "ol" : "ul";
  return html`
    <details class="case__closed">
      <summary><${Icon} name="lock" />${say("stepClosed", { number: number + 1 })}</summary>
      <div lang="ru"><${Text} text=${stage.prompt} markup=${markup} /></div>
      <${List} lang="ru">${chosen.map((text) => html`<li><${Text} text=${text} markup=${markup} /></li>`)}<//>
    </details>
  `;
}

function Stage({ item, number, frozen }) {
  const { act, say } = useExam();
  const stage = item.content.stages[number];
  const value = item.answers[number] ?? [];
  const many = stage.kind === "actions";
  const task = many ? (stage.ordered ? "chooseOrdered" : "chooseActions") : "chooseOne";
  const last = useRef(null);
  const choose = (id) => {
    last.current = id;
    act.respond(number, press(stage.kind, value, id));
  };
  return html`
    <fieldset class="stage" inert=${frozen} data-stage=${number}>
      <legend class="stage__legend">
        ${item.content.kind === "case" && html`<span class="eyebrow">${say("step", { number: number + 1 })}</span>`}
        ${stage.prompt && html`<span class="stage__prompt" lang="ru"><${Text} text=${stage.prompt} markup=${item.content.markup} /></span>`}
        <span class=${item.content.kind === "case" ? "note" : "visually-hidden"}>${say(task)}</span>
      </legend>
      ${stage.ordered && html`<p class="note">${say("orderedHint")}</p>`}
      <div class="choices">
        ${stage.choices.map(
          (choice, index) => html`
            <${Choice}
              key=${choice.id}
              choice=${choice}
              markup=${item.content.markup}
              name=${`item-${item.position}-${number}`}
              type=${many ? "checkbox" : "radio"}
              digit=${index + 1}
              chosen=${value.includes(choice.id)}
              order=${stage.ordered ? value.indexOf(choice.id) + 1 : 0}
              told=${many ? last.current === choice.id : value.includes(choice.id)}
              stage=${number}
              onChoose=${() => choose(choice.id)}
            />
          `,
        )}
      </div>
    </fieldset>
  `;
}

function Choice({ choice, markup, name, type, digit, chosen, order, told, stage, onChoose }) {
  const { model, say } = useExam();
  const [large, setLarge] = useState(null);
  return html`
    <label class="choice">
      <input class="choice__mark" type=${type} name=${name} value=${choice.id} checked=${chosen} onChange=${onChoose} />
      <span class="choice__text" lang="ru"><${Text} text=${choice.text} markup=${markup} /></span>
      <span class="choice__aside">
        ${order > 0 && html`<b class="choice__order"><span class="visually-hidden">${say("place", { number: order })}</span><span aria-hidden="true">${order}</span></b>`}
        ${told ? html`<${Saved} stage=${stage} />` : !order && model.keys && digit < 10 && html`<kbd aria-hidden="true">${digit}</kbd>`}
      </span>
    </label>
    ${picturesOf(choice.text, markup).map((picture) => html`
      <button class="btn btn--quiet btn--small" type="button" aria-haspopup="dialog" onClick=${() => setLarge(picture)} key=${picture.asset}>
        ${say("enlarge")}<span class="visually-hidden"> ${picture.alt}</span>
      </button>
    `)}
    ${large && html`<${Large} picture=${large} onClose=${() => setLarge(null)} />`}
  `;
}

/** Said where the eye is: beside the option just chosen. */
function Saved({ stage }) {
  const { model, say } = useExam();
  if (!model.view.waiting.has(stage)) {
    return html`<span class="saved saved--done"><${Icon} name="check" />${say("saved")}</span>`;
  }
  const here = (model.offline || model.stalled) && model.lasting && !model.view.unstored.has(stage);
  return html`<span class="saved">${say(here ? "savedHere" : "saving")}</span>`;
}

function Moves({ item, isCase }) {
  const { model, act, say } = useExam();
  const { view } = model;
  const linear = view.navigation === "linear";
  const busy = Boolean(view.moving) || item.closed || model.timeUp;
  const idle = model.offline || busy;
  const last = neighbour(view, item.position, 1) === null;
  const more = hasNextSection(view);
  const note = moveNote(model, item);
  const checks = view.explanations === "item" && !isCase;
  const answered = item.answers[0].length > 0;
  const button = (kind, text, work, icon = null, off = idle) => html`
    <button class=${`btn btn--${kind}`} type="button" aria-disabled=${String(off)} aria-describedby=${note ? "move-note" : null}
      onClick=${() => !off && work()}>
      ${text}${icon && html`<${Icon} name=${icon} />`}
    </button>
  `;
  return html`
    <footer class="item__moves">
      <div class="cluster">
        ${!linear && button("secondary", html`<${Icon} name="chevron-left" />${say("previous")}`, act.previous, null, idle || neighbour(view, item.position, -1) === null)}
        ${isCase && button("primary", say("finishStep"), act.askLock)}
        ${checks && button("primary", say("check"), act.check)}
        ${(!last || !linear) && !(checks && linear && answered) && button(isCase || checks ? "secondary" : "primary", say(isCase && linear ? "skipCase" : "next"), act.next, "chevron-right")}
        ${linear && last && button(isCase || checks ? "secondary" : "primary", say(more ? "sectionClose" : "finish"), act.askFinish)}
        ${!linear && button("quiet", say(more ? "reviewSection" : "review"), act.review)}
      </div>
      ${note && html`<p class="note" id="move-note" role="status">${say(note)}</p>`}
      ${model.stepEmpty && html`<${StepEmpty} />`}
      <${Doubt} item=${item} />
    </footer>
  `;
}

/** «This item seems wrong»: a mark with a comment, which goes to those who keep the bank. */
function Doubt({ item }) {
  const { model, act, say } = useExam();
  const said = Boolean(model.view.marks[item.position]?.questioned);
  return html`
    <p class="item__doubt">
      <button class="btn btn--quiet btn--small" type="button" aria-haspopup="dialog" onClick=${() => act.open("remark")}>
        <${Icon} name=${said ? "check" : "info"} />${say(said ? "remarkMade" : "remark")}
      </button>
    </p>
  `;
}

function StepEmpty() {
  const { say } = useExam();
  const place = useRef();
  useEffect(() => place.current.scrollIntoView({ block: "nearest" }), []);
  return html`
    <p class="field__error" role="alert" ref=${place}>
      <${Icon} name="circle-alert" /><span>${say("stepEmpty")}</span>
    </p>
  `;
}

function moveNote(model, item) {
  if (model.examOver) {
    return "examTimeUp";
  }
  if (model.timeUp || item.closed) {
    return model.offline ? "timeUpOffline" : "timeUp";
  }
  if (model.offline) {
    return model.view.moving ? "movingOffline" : "offlineMoves";
  }
  if (model.view.explanations === "item" && item.content.kind !== "case") {
    return "checkNote";
  }
  const last = neighbour(model.view, item.position, 1) === null;
  return model.view.navigation === "linear" && !last && item.content.kind !== "case" ? "nextLinear" : null;
}
