// Notices: at the foot of the window, so that nothing a finger is about to press moves away.

import { html, useRef } from "../core/vendor/preact-htm.js";
import { Banner, Icon, useExam } from "./pieces.js";
import { pickNotice } from "./state.js";
import { timeText } from "./words.js";

export function Tray() {
  const { model, act, say } = useExam();
  const { camera, view } = model;
  return html`
    <div class="tray">
      <${Unread} />
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

/**
 * What the proctor says stays until the candidate has confirmed it, on every page that is opened. One at a time, so that
 * the item stays in sight. The places that are spoken are always there, and each word is put into one of them once.
 */
function Unread() {
  const { model, act, say } = useExam();
  const { view } = model;
  const shown = useRef(null);
  const notice = pickNotice(view.unread, shown.current);
  shown.current = notice?.id ?? null;
  const others = view.unread.filter((one) => one !== notice);
  const warning = notice?.kind === "warning";
  const words = notice && html`
    <div class="tray__said" key=${notice.id}>
      <p class="banner__title">${say(warning ? "proctorWarns" : "proctor", { time: timeText(notice.at, model.clock.now(), model.data.zone) })}</p>
      <p class="tray__words" lang="ru">${notice.text}</p>
    </div>
  `;
  const more = others.some((one) => one.kind === "warning") ? "moreWarnings" : "moreNotices";
  // The second click of a double one would confirm what nobody has read.
  const read = (event) => event.detail < 2 && goOn(act.read, notice.id);
  return html`
    <div class=${notice ? `banner banner--${warning ? "danger" : "info"}` : "tray__empty"}>
      ${notice && html`<${Icon} name=${warning ? "circle-alert" : "info"} />`}
      <div class="banner__body">
        <div class="tray__place" role="alert">${warning && words}</div>
        <div class="tray__place" role="status">${!warning && words}</div>
        <div class="tray__act">
          ${notice && html`<button class="btn btn--secondary btn--small" type="button" onClick=${read}>${say("markRead")}</button>`}
          <p class="tray__more" role="status">${others.length > 0 && say(more, { count: others.length })}</p>
        </div>
      </div>
    </div>
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
