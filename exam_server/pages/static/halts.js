// What stands in place of an item while the clocks stand, or between two sections.

import { html } from "../core/vendor/preact-htm.js";
import { clockText } from "./clock.js";
import { Button, Countdown, Quote, Screen, useExam } from "./pieces.js";
import { examLeft, isBetween } from "./state.js";
import { spanText, timeText } from "./words.js";

/** The screen for it, or null when an item may be on screen. */
export function haltOf(view) {
  if (view.status !== "running") {
    return null;
  }
  if (view.halt) {
    return view.halt.until === undefined ? Paused : OnBreak;
  }
  return isBetween(view) ? Between : null;
}

function Kept() {
  const { model, say } = useExam();
  return html`<p>${model.unsent ? say("keptHere", { count: model.unsent }) : say("keptAll")}</p>`;
}

function Paused() {
  const { model, say } = useExam();
  const { view, data, clock } = model;
  return html`
    <${Screen} title=${say("pausedTitle")} icon="pause">
      <p class="lead">${say("pausedLead", { left: clockText(examLeft(view, 0)) })}</p>
      ${view.halt.text && html`<${Quote} from=${say("pausedReason")} text=${view.halt.text} />`}
      <ul>
        <li>${say(model.watched ? "pausedStay" : "pausedWait")}</li>
        <li>${say("pausedAfter")}</li>
        <li>${say("pausedCloses", { time: timeText(view.closesAt, clock.now(), data.zone) })}</li>
      </ul>
      <${Kept} />
    <//>
  `;
}

function OnBreak() {
  const { model, act, say } = useExam();
  const { view } = model;
  const idle = model.offline || Boolean(view.moving);
  return html`
    <${Screen} title=${say("breakTitle")} icon="pause">
      <p class="lead">${say("breakLead", { left: clockText(examLeft(view, 0)) })}</p>
      <${Countdown} until=${view.halt.until} sentence="breakLeft" />
      <p>${say("breakAfter")}</p>
      <${Kept} />
      <div class="cluster">
        <${Button} kind="primary" off=${idle} onPress=${act.endBreak}>${say("breakEnd")}<//>
      </div>
      ${model.offline && html`<p class="note" role="status">${say("offlineBreak")}</p>`}
    <//>
  `;
}

function Between() {
  const { model, act, say } = useExam();
  const { view, data } = model;
  const { number, count, items } = view.section;
  const idle = model.offline || Boolean(view.moving) || model.timeUp;
  const { title, limit } = data.sections[number];
  return html`
    <${Screen} title=${say("sectionDone", { number })} icon="circle-check">
      <p class="lead">${say("sectionNext", { number: number + 1, count, title })}</p>
      <dl class="kv">
        <dt>${say("startItems")}</dt><dd>${items}</dd>
        ${limit !== null && html`<dt>${say("sectionLimit")}</dt><dd>${spanText(limit)}</dd>`}
      </dl>
      <p class="note">${say("sectionClock")}</p>
      <div class="cluster">
        <${Button} kind="primary" off=${idle} onPress=${act.beginSection}>${say("sectionBegin", { number: number + 1 })}<//>
        ${view.breaksLeft > 0 && html`
          <${Button} kind="secondary" off=${idle} onPress=${() => act.open("break")} aria-haspopup="dialog">${say("breakTake")}<//>
        `}
      </div>
      ${model.offline && html`<p class="note" role="status">${say("offlineSection")}</p>`}
    <//>
  `;
}
