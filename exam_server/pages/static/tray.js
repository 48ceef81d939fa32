// Notices: at the foot of the window, so that nothing a finger is about to press moves away.

import { html } from "../core/vendor/preact-htm.js";
import { Banner, useExam } from "./pieces.js";
import { timeText } from "./words.js";

export function Tray() {
  const { model, act, say } = useExam();
  const { camera, view } = model;
  return html`
    <div class="tray">
      ${view.unread.map((notice) => html`<${Unread} notice=${notice} key=${notice.id} />`)}
      ${!model.lasting && view.status === "running" && html`<${Banner} kind="warn" key="storage"><p>${say("storageOff")}</p><//>`}
      ${model.watched && (camera.trouble || camera.refusal) && html`
        <${Banner} kind="warn" key="camera">
          <p>${camera.trouble ? say(camera.trouble) : camera.refusal}</p>
          ${camera.trouble && html`<p><button class="btn btn--secondary btn--small" type="button" onClick=${act.openCamera}>${say("cameraAgain")}</button></p>`}
        <//>
      `}
      ${model.notices.map((notice) => html`
        <${Banner} kind=${notice.kind} key=${`told-${notice.id}`}>
          <p>${notice.text}</p>
          <p><button class="btn btn--quiet btn--small" type="button" onClick=${() => goOn(act.dismiss, notice.id)}>${say("understood")}</button></p>
        <//>
      `)}
    </div>
  `;
}

/** What the proctor says stays until the candidate has confirmed it, on every page that is opened. */
function Unread({ notice }) {
  const { model, act, say } = useExam();
  const warning = notice.kind === "warning";
  return html`
    <${Banner} kind=${warning ? "danger" : "info"} role=${warning ? "alert" : "status"}
      title=${say(warning ? "proctorWarns" : "proctor", { time: timeText(notice.at, model.clock.now(), model.data.zone) })}>
      <p class="tray__words" lang="ru">${notice.text}</p>
      <p><button class="btn btn--secondary btn--small" type="button" onClick=${() => goOn(act.read, notice.id)}>${say("markRead")}</button></p>
    <//>
  `;
}

/** The pressed button goes away: whoever uses keys goes on at the next one, or at the item. */
function goOn(work, id) {
  work(id);
  setTimeout(() => {
    if (document.activeElement === document.body) {
      (document.querySelector(".tray button") ?? document.querySelector("main h1"))?.focus({ preventScroll: true });
    }
  });
}
