// What stands in place of an item: before the start, after the end, and when the exam is elsewhere.

import { html, useEffect, useRef } from "../core/vendor/preact-htm.js";
import { Banner, Icon, useExam } from "./pieces.js";
import { Picture } from "./preview.js";
import { count } from "./state.js";
import { spanText } from "./words.js";

function Screen({ title, children, icon, wide = false }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  return html`
    <section class=${`screen stack ${wide ? "screen--wide" : ""}`}>
      ${icon && html`<span class="screen__icon"><${Icon} name=${icon} /></span>`}
      <h1 tabindex="-1" ref=${heading}>${title}</h1>
      ${children}
    </section>
  `;
}

export function Loading() {
  const { model, say } = useExam();
  return html`
    <div class="item" role="status">
      <span class="visually-hidden">${say("loading")}</span>
      <div class="skeleton">
        <div class="skeleton__line skeleton__line--title"></div>
        ${[0, 1, 2].map((line) => html`<div class="skeleton__line" key=${line}></div>`)}
      </div>
      <div class="choices">${[0, 1, 2, 3].map((row) => html`<div class="skeleton__row" key=${row}></div>`)}</div>
      ${model.slow && html`<p class="note">${say("loadingLong")}</p>`}
    </div>
  `;
}

export function Start() {
  const { model, act, say } = useExam();
  const { data, view, camera } = model;
  const needsCamera = model.watched && !camera.stream;
  const idle = model.offline || needsCamera || Boolean(view.moving);
  const rules = [
    "ruleItemClock",
    view.navigation === "linear" ? "ruleLinear" : "ruleFree",
    view.flags && "ruleFlags",
    "ruleOffline",
    model.watched && "ruleCamera",
  ].filter(Boolean);
  return html`
    <${Screen} title=${data.title} wide>
      <p class="lead">${data.speciality}. ${say("startLead")}</p>
      <div class="start">
        <div class="stack">
          <dl class="kv">
            <dt>${say("startItems")}</dt><dd>${data.items}</dd>
            <dt>${say("startLimit")}</dt><dd>${spanText(data.exam_limit)}</dd>
            <dt>${say("startCloses")}</dt><dd>${data.closes_text}</dd>
          </dl>
          <ul>${rules.map((rule) => html`<li key=${rule}>${say(rule)}</li>`)}</ul>
        </div>
        <div class="stack">
          ${model.watched && (camera.stream
            ? html`<${Picture} stream=${camera.stream} label=${say("cameraPreview")} />`
            : html`<div class="preview__off"><${Icon} name="camera-off" /><span>${say("cameraOff")}</span></div>`)}
          <button class="btn btn--primary btn--wide" type="button" aria-disabled=${String(idle)} aria-busy=${String(Boolean(view.moving))}
            aria-describedby="start-note" onClick=${() => !idle && act.start()}>
            ${say("start")}
          </button>
          <p class="note" id="start-note" role="status">
            ${model.offline ? say("startNeedsLine") : needsCamera ? say("startNeedsCamera") : ""}
          </p>
          <p><a href=${`/exam/${data.sitting}?step=check`}>${say("repeatCheck")}</a></p>
        </div>
      </div>
    <//>
  `;
}

export function Review() {
  const { model, act, say } = useExam();
  const { marks } = model.view;
  const totals = count(marks);
  const idle = model.offline || Boolean(model.view.moving);
  const list = (title, isOne) => {
    const places = marks.map((one, position) => ({ ...one, position })).filter(isOne);
    return places.length > 0 && html`
      <section class="stack stack--tight">
        <h2>${title}</h2>
        <ul class="review__list">
          ${places.map(({ position, locked }) => html`
            <li key=${position}>
              ${locked
                ? html`<span class="map__place map__place--locked">${position + 1}<span class="map__icons"><${Icon} name="lock" /></span><span class="visually-hidden">${say("markLocked")}</span></span>`
                : html`<button class="map__place" type="button" aria-disabled=${String(idle)} onClick=${() => !idle && act.show(position)}
                    aria-label=${say("itemNumber", { number: position + 1, all: marks.length })}>${position + 1}</button>`}
            </li>
          `)}
        </ul>
      </section>
    `;
  };
  return html`
    <${Screen} title=${say("reviewTitle")}>
      <p class="lead">${totals.unanswered ? say("reviewLeft", { count: totals.unanswered }) : say("reviewAll")}</p>
      <p class="note">${say("reviewClock")}</p>
      ${list(say("reviewEmpty"), (one) => !one.answered)}
      ${list(say("reviewMarked"), (one) => one.flagged)}
      <div class="cluster">
        <button class="btn btn--secondary" type="button" onClick=${act.leaveReview}>${say("backToItem")}</button>
        <button class="btn btn--primary" type="button" aria-disabled=${String(idle)} onClick=${() => !idle && act.askFinish()}>
          ${say("finish")}
        </button>
      </div>
      ${model.offline && html`<p class="note" role="status">${say(model.view.moving ? "movingOffline" : "offlineMoves")}</p>`}
    <//>
  `;
}

const ENDINGS = {
  submitted: "endedSubmitted",
  completed: "endedCompleted",
  exam_time: "endedExamTime",
  item_time: "endedItemTime",
  window_closed: "endedWindowClosed",
  proctor: "endedProctor",
  not_started: "endedNotStarted",
  window_cancelled: "endedWindowCancelled",
};

export function Ended() {
  const { model, say } = useExam();
  return html`
    <${Screen} title=${say("endedTitle")} icon="clipboard-check">
      <p class="lead">${say(ENDINGS[model.view.ended] ?? "endedSubmitted")}</p>
      ${model.unsent > 0 && html`<${Banner} kind="info"><p>${say("endedUnsent", { count: model.unsent })}</p><//>`}
      <div class="cluster">
        <a class="btn btn--primary" href=${`/cabinet/results/${model.data.sitting}`}>${say("results")}</a>
      </div>
    <//>
  `;
}

export function Taken() {
  const { act, say } = useExam();
  return html`
    <${Screen} title=${say("takenTitle")} icon="monitor">
      <p class="lead">${say("takenText")}</p>
      <div class="cluster">
        <button class="btn btn--primary" type="button" onClick=${act.restart}>${say("takeBack")}</button>
      </div>
    <//>
  `;
}

export function Absent() {
  const { say } = useExam();
  return html`
    <${Screen} title=${say("absentTitle")} icon="search">
      <p class="lead">${say("absentText")}</p>
      <div class="cluster"><a class="btn btn--primary" href="/cabinet">${say("cabinet")}</a></div>
    <//>
  `;
}

export function Refused() {
  const { model, say } = useExam();
  return html`
    <${Screen} title=${say("refusedTitle")} icon="circle-alert">
      <p class="lead">${say(model.reason === "too_many_devices" ? "tooManyDevices" : "refusedText")}</p>
      <div class="cluster"><a class="btn btn--primary" href="/cabinet">${say("cabinet")}</a></div>
    <//>
  `;
}
