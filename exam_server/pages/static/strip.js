// The line above the item: where the candidate is, whether everything is saved, and whom to call. It is always there,
// so that what it says of a lost connection moves nothing.

import { html } from "../core/vendor/preact-htm.js";
import { Icon, SectionClock, useExam } from "./pieces.js";
import { timeText } from "./words.js";

/** Only trouble is spoken: what changes with every answer and every second is there to be looked at. */
export function Strip() {
  const { model } = useExam();
  const trouble = troubleOf(model);
  return html`
    <div class=${`strip ${trouble ? "strip--warn" : ""}`}>
      <div class="strip__say" role="status">${trouble && html`<${Trouble} of=${trouble} />`}</div>
      ${!trouble && html`<${Place} />`}
      <${Calls} trouble=${trouble !== null} />
    </div>
  `;
}

/** What is wrong with the way to the server, as the key of its sentence; null when nothing is. */
function troubleOf(model) {
  if (model.link === "signin") {
    return "signin";
  }
  if (model.link === "down") {
    return model.lasting ? "offline" : "offlineMemory";
  }
  return model.stalled ? "stalled" : null;
}

function Trouble({ of }) {
  const { model, act, say } = useExam();
  const { data, unsent } = model;
  return html`
    <${Icon} name=${of === "signin" ? "log-out" : "wifi-off"} />
    <p>
      ${say(of)}${unsent > 0 && ` ${say("waiting", { count: unsent })}`}
      ${of === "signin" && html`${" "}<a href=${`/login?next=/exam/${data.sitting}`} onClick=${act.signIn}>${say("signinLink")}</a>`}
    </p>
  `;
}

function Place() {
  const { model, say } = useExam();
  const { view, data, clock } = model;
  const { section } = view;
  const told = [];
  if (section && view.status === "running") {
    const { title } = data.sections[section.number];
    const number = say("sectionOf", { number: section.number + 1, count: section.count });
    told.push(html`<span class="strip__section">${number}<span class="strip__title" lang="ru">. ${title}</span></span>`);
    if (section.deadline && !view.halt) {
      told.push(html`<${SectionClock} deadline=${section.deadline} limit=${data.sections[section.number].limit} />`);
    }
  }
  if (view.status === "running" && view.deadline === view.closesAt) {
    told.push(html`<span>${say("closesSoon", { time: timeText(view.closesAt, clock.now(), data.zone) })}</span>`);
  }
  if (model.byRequests) {
    told.push(html`<span class="strip__slow">${say("slowLine")}</span>`);
  } else if (view.status === "running" && !(view.halt && model.unsent)) {
    // (a pause sends nothing; what stands in place of the item says what is kept)
    told.push(html`<span class="strip__saved">${say(model.unsent ? "sending" : "allSaved", { count: model.unsent })}</span>`);
  }
  return html`<p class="strip__place">${told}</p>`;
}

/** A break and a person. */
function Calls({ trouble }) {
  const { model, act, say } = useExam();
  const { view, data } = model;
  const running = view.status === "running";
  const idle = model.offline || Boolean(view.moving) || model.timeUp;
  return html`
    <div class="strip__calls">
      ${running && view.breaksLeft > 0 && !view.halt && !trouble && html`
        <button class="btn btn--quiet btn--small" type="button" aria-haspopup="dialog" aria-disabled=${String(idle)}
          onClick=${() => !idle && act.open("break")}>
          <${Icon} name="pause" /><span class="strip__break">${say("break")}</span>
        </button>
      `}
      ${model.watched && html`
        <button class=${`btn btn--${view.help ? "secondary" : "quiet"} btn--small`} type="button" aria-haspopup="dialog"
          aria-disabled=${String(view.help)} onClick=${() => !view.help && act.open("help")}>
          <${Icon} name=${view.help ? "check" : "user"} />
          <span class="strip__long">${say(view.help ? "helpCalled" : "helpNeeded")}</span>
          <span class="strip__short" aria-hidden="true">${say(view.help ? "helpCalledShort" : "helpShort")}</span>
        </button>
      `}
    </div>
  `;
}
