// What stands in place of an item: before the start, and when answers are looked over.

import { html } from "../core/vendor/preact-htm.js";
import { Countdown, Icon, Screen, useExam, useNow } from "./pieces.js";
import { Picture } from "./preview.js";
import { bounds, count, hasNextSection } from "./state.js";
import { spanText, timeText } from "./words.js";

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

const MINUTE = 60_000;

export function Start() {
  const { model, act, say } = useExam();
  const { data, view, camera, clock } = model;
  const needsCamera = model.watched && !camera.stream;
  const idle = model.offline || needsCamera || model.early || Boolean(view.moving);
  const rules = [
    view.explanations === "item" ? "rulePractice" : view.explanations === "end" && "rulePracticeEnd",
    "ruleItemClock",
    view.navigation === "linear" ? "ruleLinear" : "ruleFree",
    data.sections.length > 0 && "ruleSections",
    view.flags && "ruleFlags",
    view.breaksLeft > 0 && "ruleBreaks",
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
            ${view.breaksLeft > 0 && html`<dt>${say("startBreaks")}</dt><dd>${say("startBreak", { count: view.breaksLeft, span: spanText(view.breakLimit) })}</dd>`}
            <dt>${say("startCloses")}</dt><dd>${timeText(view.closesAt, clock.now(), data.zone)} (${data.zone_text})</dd>
          </dl>
          <${Shortened} />
          <${Sections} />
          <ul>${rules.map((rule) => html`<li key=${rule}>${say(rule, { count: view.breaksLeft })}</li>`)}</ul>
        </div>
        <div class="stack">
          ${model.watched && (camera.stream
            ? html`<${Picture} stream=${camera.stream} label=${say("cameraPreview")} />`
            : html`<div class="preview__off"><${Icon} name="camera-off" /><span>${say("cameraOff")}</span></div>`)}
          ${model.early && html`<${Countdown} until=${view.opensAt} sentence="opensIn" />`}
          <button class="btn btn--primary btn--wide" type="button" aria-disabled=${String(idle)} aria-busy=${String(Boolean(view.moving))}
            aria-describedby="start-note" onClick=${() => !idle && act.start()}>
            ${say("start")}
          </button>
          <p class="note" id="start-note" role="status">
            ${model.offline
              ? say("startNeedsLine")
              : model.early
                ? say("startEarly", { time: timeText(view.opensAt, clock.now(), data.zone) })
                : needsCamera
                  ? say("startNeedsCamera")
                  : ""}
          </p>
          ${model.watched && html`<p><a href=${`/exam/${data.sitting}?step=check`}>${say("repeatCheck")}</a></p>`}
        </div>
      </div>
    <//>
  `;
}

/** Whoever comes late has less time than the exam's limit: the window closes first. */
function Shortened() {
  const { model, say } = useExam();
  const { data, view } = model;
  const now = useNow();
  const left = view.closesAt - Math.max(now, view.opensAt);
  if (left >= data.exam_limit) {
    return null;
  }
  const span = spanText(Math.max(0, left < MINUTE ? left : Math.floor(left / MINUTE) * MINUTE));
  return html`<p class="start__late">${say("startLate", { span, time: timeText(view.closesAt, now, data.zone) })}</p>`;
}

function Sections() {
  const { model, say } = useExam();
  const { sections } = model.data;
  return sections.length > 0 && html`
    <section class="stack stack--tight">
      <h2 class="start__sections">${say("sections")}</h2>
      <ol>
        ${sections.map(({ title, count: items, limit }) => html`
          <li key=${title}>${title}: ${say("sectionItems", { count: items })}${limit !== null && `, ${spanText(limit)}`}</li>
        `)}
      </ol>
    </section>
  `;
}

export function Review() {
  const { model, act, say } = useExam();
  const { view } = model;
  const { marks } = view;
  const [first, end] = bounds(view);
  const totals = count(marks.slice(first, end));
  const idle = model.offline || Boolean(view.moving);
  const more = hasNextSection(view);
  const list = (title, isOne) => {
    const places = marks
      .map((one, position) => ({ ...one, position }))
      .slice(first, end)
      .filter((one) => !one.withdrawn && isOne(one));
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
    <${Screen} title=${say(more ? "reviewSectionTitle" : "reviewTitle")}>
      <p class="lead">${totals.unanswered ? say("reviewLeft", { count: totals.unanswered }) : say(view.section ? "reviewSectionAll" : "reviewAll")}</p>
      <p class="note">${say(more ? "reviewSectionClock" : "reviewClock")}</p>
      ${list(say("reviewEmpty"), (one) => !one.answered)}
      ${list(say("reviewMarked"), (one) => one.flagged)}
      <div class="cluster">
        <button class="btn btn--secondary" type="button" onClick=${act.leaveReview}>${say("backToItem")}</button>
        <button class="btn btn--primary" type="button" aria-disabled=${String(idle)} onClick=${() => !idle && act.askFinish()}>
          ${say(more ? "sectionClose" : "finish")}
        </button>
      </div>
      ${model.offline && html`<p class="note" role="status">${say(view.moving ? "movingOffline" : "offlineMoves")}</p>`}
    <//>
  `;
}
