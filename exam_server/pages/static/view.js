// The frame around everything: top line, map, notices, windows.

import { html } from "../core/vendor/preact-htm.js";
import { Item } from "./item.js";
import { ItemMap } from "./map.js";
import { Banner, Dialog, Exam, ExamClock, Icon, Question, useExam } from "./pieces.js";
import { Preview } from "./preview.js";
import { Absent, Ended, Loading, Refused, Review, Start, Taken } from "./screens.js";
import { count } from "./state.js";

export function Page({ model, act, say }) {
  return html`
    <${Exam.Provider} value=${{ model, act, say }}>
      <${Frame} />
      <div class="visually-hidden" role="status" aria-live="polite">${model.announcement}</div>
    <//>
  `;
}

const INSTEAD = { taken: Taken, absent: Absent, refused: Refused, unreadable: Refused };

function Frame() {
  const { model, say } = useExam();
  const { view } = model;
  const Instead = view.status === "ended" ? Ended : INSTEAD[model.link];
  if (Instead) {
    return html`<main class="exam-alone" id="main"><${Instead} /></main>`;
  }
  const running = view.status === "running";
  const shown = running && !model.reviewing && view.item;
  return html`
    <div class=${`exam exam--${running ? "running" : "quiet"} ${running && docked(model) === "right" ? "exam--right" : ""}`}>
      <${TopLine} running=${running} />
      ${running && model.room !== "phone" && html`
        <aside class="exam-side" aria-label=${say("items")}>
          <${ItemMap} />
          ${docked(model) === "side" && html`<${Preview} docks=${docks(model)} />`}
        </aside>
      `}
      <main class="exam-main" id="main">
        ${running && docked(model) === "top" && html`<${Preview} docks=${docks(model)} />`}
        ${view.status === "loading" && html`<${Loading} />`}
        ${view.status === "ready" && html`<${Start} />`}
        ${running && model.reviewing && html`<${Review} />`}
        ${shown && html`<${Item} key=${view.item.position} />`}
        ${running && !model.reviewing && !view.item && html`<${Loading} />`}
      </main>
      ${running && docked(model) === "right" && html`<aside class="exam-right" aria-label=${say("camera")}><${Preview} docks=${docks(model)} /></aside>`}
      <${Tray} />
    </div>
    <${Windows} />
  `;
}

const DOCKS = { phone: ["top"], wide: ["side", "top"], broad: ["side", "right", "top"] };
const docks = (model) => DOCKS[model.room];
const docked = (model) => (model.dock === "hidden" || docks(model).includes(model.dock) ? model.dock : docks(model)[0]);

function TopLine({ running }) {
  const { model, act, say } = useExam();
  const { data, view } = model;
  const totals = count(view.marks);
  return html`
    <header class="top">
      ${running && model.room === "phone" && html`
        <button class="btn btn--secondary btn--small top__map" type="button" aria-haspopup="dialog" onClick=${() => act.open("map")}
          aria-label=${say("itemsShort", { done: totals.answered, all: view.marks.length })}>
          <${Icon} name="grid" />${totals.answered}/${view.marks.length}
        </button>
      `}
      <div class="top__who">
        <span class="top__person">${data.candidate}</span>
        <span class="top__title">${data.title}</span>
      </div>
      <div class="top__state">
        ${running && model.watched && model.dock === "hidden" && html`
          <button class="btn btn--quiet btn--small" type="button" aria-label=${say("cameraShow")} onClick=${() => act.setDock("side")}>
            <${Icon} name=${model.camera.stream ? "camera" : "camera-off"} />
          </button>
        `}
        ${running && html`
          <button class="btn btn--quiet btn--small top__keys" type="button" aria-haspopup="dialog" onClick=${() => act.open("keys")}>
            <${Icon} name="help-circle" /><span class="top__word">${say("help")}</span>
          </button>
        `}
        <${Connection} />
        ${running && html`<${ExamClock} />`}
      </div>
    </header>
  `;
}

function Connection() {
  const { model, say } = useExam();
  const word = !model.offline ? "online" : model.link === "connecting" ? "connecting" : "noLine";
  return html`
    <span class=${`connection connection--${word}`} role="status">
      <${Icon} name=${model.offline ? "wifi-off" : "wifi"} />
      <span class="top__word">${say(word)}</span>
    </span>
  `;
}

/** Notices stay at the foot of the window, so that nothing a finger is about to press moves away. */
function Tray() {
  const { model, act, say } = useExam();
  const { camera, data } = model;
  const banners = [];
  if (model.link === "signin") {
    banners.push(html`
      <${Banner} kind="warn" role="alert" key="signin">
        <p>${say("signin")}</p>
        <p><a href=${`/login?next=/exam/${data.sitting}`}>${say("signinLink")}</a></p>
      <//>
    `);
  } else if (model.link === "down") {
    banners.push(html`<${Banner} kind="warn" key="offline"><p>${say(model.lasting ? "offline" : "offlineMemory")}</p><//>`);
  } else if (model.stalled) {
    banners.push(html`<${Banner} kind="warn" key="stalled"><p>${say("stalled")}</p><//>`);
  }
  if (!model.lasting && model.view.status === "running") {
    banners.push(html`<${Banner} kind="warn" key="storage"><p>${say("storageOff")}</p><//>`);
  }
  if (model.watched && (camera.trouble || camera.refusal)) {
    banners.push(html`
      <${Banner} kind="warn" key="camera">
        <p>${camera.trouble ? say(camera.trouble) : camera.refusal}</p>
        ${camera.trouble && html`<p><button class="btn btn--secondary btn--small" type="button" onClick=${act.openCamera}>${say("cameraAgain")}</button></p>`}
      <//>
    `);
  }
  for (const notice of model.notices) {
    banners.push(html`
      <${Banner} kind=${notice.kind} title=${notice.title} role=${notice.title ? "alert" : "status"} key=${notice.id}>
        <p>${notice.text}</p>
        <p><button class="btn btn--quiet btn--small" type="button" onClick=${() => act.dismiss(notice.id)}>${say("understood")}</button></p>
      <//>
    `);
  }
  return html`<div class="tray">${banners}</div>`;
}

function Windows() {
  const { model, act, say } = useExam();
  const { dialog, view } = model;
  if (view.status !== "running" || !dialog) {
    return null;
  }
  const totals = count(view.marks);
  const left = totals.unanswered ? `${say("reviewLeft", { count: totals.unanswered })} ` : "";
  switch (dialog) {
    case "map":
      return html`<${Dialog} drawer title=${say("mapTitle")} onClose=${act.close}><${ItemMap} onPick=${act.close} /><//>`;
    case "keys":
      return html`<${Keys} />`;
    case "lock":
      return html`<${Question} title=${say("finishStepAsk", { number: view.item.stage + 1 })} text=${say("finishStepText")}
        yes=${say("finishStep")} no=${say("keepOn")} onYes=${act.lock} onNo=${act.close} />`;
    case "leave":
      return html`<${Question} title=${say("leaveEmptyAsk")} text=${say("leaveEmptyText")}
        yes=${say("goOn")} no=${say("stay")} onYes=${act.leave} onNo=${act.close} />`;
    case "skip":
      return html`<${Question} title=${say("skipCase")} text=${say("leaveCaseText")}
        yes=${say("goOn")} no=${say("stay")} onYes=${act.leave} onNo=${act.close} />`;
    case "finish":
      return html`<${Question} title=${say("finishAsk")} text=${left + say("finishText")} danger=${totals.unanswered > 0}
        yes=${say("finish")} no=${say("notYet")} onYes=${act.submit} onNo=${act.close} />`;
    default:
      return null;
  }
}

function Keys() {
  const { model, act, say } = useExam();
  const rows = [
    ["1–9", "keyDigits"],
    ["↑ ↓", "keyArrows"],
    ["Enter", "keyEnter"],
    model.view.flags && ["F", "keyFlag"],
  ].filter(Boolean);
  return html`
    <${Dialog} title=${say("keysTitle")} onClose=${act.close}>
      <dl class="keys">${rows.map(([key, word]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd>${say(word)}</dd>`)}</dl>
      <label class="choice">
        <input class="choice__mark" type="checkbox" checked=${model.keys} onChange=${(event) => act.setKeys(event.target.checked)} />
        <span class="choice__text">${say("keysOn")}</span>
      </label>
    <//>
  `;
}
