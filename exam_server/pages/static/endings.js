// What stands in place of the exam: after its end, and when it goes on elsewhere or can't.

import { html } from "../core/vendor/preact-htm.js";
import { Explained } from "./explanation.js";
import { Banner, Quote, Screen, useExam } from "./pieces.js";

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

/** What comes next; after any other end the result does. */
const NEXT = { proctor: "nextCommission", not_started: "nextBooking", window_cancelled: "nextBooking" };

export function Ended() {
  const { model, say } = useExam();
  const { ended, reason } = model.view;
  const undone = ended === "window_cancelled" || ended === "not_started";
  return html`
    <${Screen} title=${say(undone ? "undoneTitle" : "endedTitle")} icon=${undone ? "calendar" : "clipboard-check"}>
      <p class="lead">${say(ENDINGS[ended] ?? "endedSubmitted")}</p>
      ${reason && html`<${Quote} from=${say(ended === "proctor" ? "reasonProctor" : "reasonStaff")} text=${reason} />`}
      <p>${say(NEXT[ended] ?? "nextResult")}</p>
      ${model.unsent > 0 && html`<${Banner} kind="info"><p>${say("endedUnsent", { count: model.unsent })}</p><//>`}
      <div class="cluster">
        ${undone
          ? html`<a class="btn btn--primary" href="/cabinet">${say("cabinet")}</a>`
          : html`<a class="btn btn--primary" href=${`/cabinet/results/${model.data.sitting}`}>${say("results")}</a>`}
      </div>
      ${model.view.explained !== null && html`
        <section class="item explanation">
          <h2>${say("lastExplained")}</h2>
          <${Explained} position=${model.view.explained} />
        </section>
      `}
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
