// The frame around everything: top line, map, what is on screen, notices, windows.

import { html } from "../core/vendor/preact-htm.js";
import { Absent, Ended, Refused, Taken } from "./endings.js";
import { Explanation } from "./explanation.js";
import { haltOf } from "./halts.js";
import { Item } from "./item.js";
import { ItemMap } from "./map.js";
import { Exam, ExamClock, Icon, useExam } from "./pieces.js";
import { Preview } from "./preview.js";
import { Loading, Review, Start } from "./screens.js";
import { count } from "./state.js";
import { Strip } from "./strip.js";
import { Tray } from "./tray.js";
import { Windows } from "./windows.js";

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
  const place = running ? docked(model) : null;
  return html`
    <div class=${`exam exam--${running ? "running" : "quiet"} ${place === "right" ? "exam--right" : ""}`}>
      <${TopLine} running=${running} />
      ${running && model.room !== "phone" && html`
        <aside class="exam-side" aria-label=${say("items")}>
          <${ItemMap} />
          ${place === "side" && html`<${Preview} docks=${docks(model)} />`}
        </aside>
      `}
      <main class="exam-main" id="main">
        <${Strip} />
        ${place === "top" && html`<${Preview} docks=${docks(model)} />`}
        <${OnScreen} />
      </main>
      ${place === "right" && html`<aside class="exam-right" aria-label=${say("camera")}><${Preview} docks=${docks(model)} /></aside>`}
      <${Tray} />
    </div>
    <${Windows} />
  `;
}

function OnScreen() {
  const { model } = useExam();
  const { view } = model;
  const Halt = haltOf(view);
  if (view.status === "ready") {
    return html`<${Start} />`;
  }
  if (view.status === "running" && view.explained !== null && !view.halt && model.read !== view.explained) {
    return html`<${Explanation} />`;
  }
  if (Halt) {
    return html`<${Halt} />`;
  }
  if (view.status === "running" && model.reviewing) {
    return html`<${Review} />`;
  }
  return view.item ? html`<${Item} key=${view.item.position} />` : html`<${Loading} />`;
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
          aria-label=${say("itemsShort", { done: totals.answered, all: totals.all })}>
          <${Icon} name="grid" />${totals.answered}/${totals.all}
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
  const word = !model.offline ? (model.byRequests ? "slowOnline" : "online") : model.link === "connecting" ? "connecting" : "noLine";
  return html`
    <span class=${`connection connection--${word}`} role="status">
      <${Icon} name=${model.offline ? "wifi-off" : "wifi"} />
      <span class="top__word">${say(word)}</span>
    </span>
  `;
}
