// What stands around the form and the preview: banners, the bar with what can be done, windows.

import { html } from "../core/vendor/preact-htm.js";
import { Exam, Banner, Dialog, Icon, Question } from "../exam_server/pieces.js";
import { timeText } from "../exam_server/words.js";
import { Overtaken } from "./editor_difference.js";
import { Editor, Form, useEditor } from "./editor_form.js";
import { Preview } from "./editor_preview.js";

export function Page({ model, act, say, examSay }) {
  // Dialogs, banners and icons are those of the exam's pages: they ask for the same few things.
  return html`
    <${Exam.Provider} value=${{ model, act, say }}>
      <${Editor.Provider} value=${{ model, act, say }}>
        <div class="editor stack" data-pane=${model.pane}>
          <${News} />
          <div class="editor__panes" role="group" aria-label=${say("panes")}>
            <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(model.pane === "form")} onClick=${() => act.show("form")}>${say("form")}</button>
            <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(model.pane === "preview")} onClick=${() => act.show("preview")}>${say("preview")}</button>
          </div>
          <div class="editor__sides" inert=${model.elsewhere}>
            <${Form} />
            <section class="editor__preview" aria-labelledby="preview-title">
              <div class="editor__preview-head"><h2 id="preview-title">${say("previewTitle")}</h2><p class="note">${say("previewHint")}</p></div>
              <${Preview} draft=${model.draft} data=${model.data} examSay=${examSay} say=${say} />
            </section>
          </div>
          <${Bar} />
        </div>
        <${Windows} />
      <//>
    <//>
  `;
}

function News() {
  const { model, act, say } = useEditor();
  const { data, keeper, resumed, problem } = model;
  const at = (moment) => timeText(moment, data.now, data.zone);
  const whole = data.comments.filter((one) => one.field === "" && one.version === data.latest);
  return html`
    ${model.elsewhere && html`
      <${Banner} kind="warn" role="alert" title=${say("elsewhere")}><p>${say("elsewhereText")}</p>
        <p><button class="btn btn--secondary btn--small" type="button" onClick=${() => location.reload()}>${say("continueHere")}</button></p><//>
    `}
    ${model.overtaken && html`<${Overtaken} />`}
    ${resumed && !model.overtaken && html`
      <${Banner} kind="info" title=${say("resumed", { time: at(resumed.at) })}>
        <p>${say("resumedText")}</p>
        <div class="cluster">
          <button class="btn btn--primary btn--small" type="button" onClick=${act.continueCopy}>${say("continue")}</button>
          <button class="btn btn--secondary btn--small" type="button" onClick=${() => act.open({ what: "discard" })}>${say("discard")}</button>
        </div>
      <//>
    `}
    ${whole.length > 0 && !model.saved && html`
      <${Banner} kind="info" title=${say("ofTheWhole")}>${whole.map((one) => html`<p key=${one.words}>${one.words}</p>`)}<//>
    `}
    ${keeper.state === "offline" && html`<${Banner} kind="warn" title=${say("noLine")}><p>${say(keeper.lasting ? "keptHere" : "keptNowhere")}</p><//>`}
    ${keeper.state === "refused" && html`
      <${Banner} kind="danger" role="alert" title=${say(keeper.problem.status === 401 || keeper.problem.status === 403 ? "signedOut" : "copyRefused")}>
        <p>${keeper.problem.status === 401 || keeper.problem.status === 403 ? say("signedOutText") : keeper.problem.detail}</p><//>
    `}
    ${problem && html`
      <${Banner} kind="danger" role="alert" title=${problem.title}>${problem.text && html`<p>${problem.text}</p>`}
        ${problem.reload && html`<p><button class="btn btn--secondary btn--small" type="button" onClick=${() => location.reload()}>${say("reload")}</button></p>`}<//>
    `}
    ${model.saved && html`
      <${Banner} kind=${model.saved.refusal ? "warn" : "ok"} title=${say(model.saved.state === "review" ? "sentTitle" : "savedTitle", { version: model.saved.version })}>
        ${model.saved.refusal && html`<p>${say("notSent")} ${model.saved.refusal}</p>`}
        <p><a href=${`/staff/bank/${encodeURIComponent(data.item)}?version=${model.saved.version}`}>${say("toItem")}</a> · <a href="/staff/bank/new">${say("nextItem")}</a></p>
      <//>
    `}
  `;
}

function Bar() {
  const { model, act, say } = useEditor();
  const { unready, saving } = model;
  const inReview = model.data.state === "review" && model.keeper.state === "idle" && !model.resumed;
  return html`
    <div class="editor__bar">
      <${Status} />
      <div class="cluster">
        ${unready > 0 && model.all && html`<button class="btn btn--quiet btn--small" type="button" onClick=${() => act.open({ what: "faults" })}>${say("faultCount", { count: unready })}</button>`}
        <button class="btn btn--quiet btn--small" type="button" aria-haspopup="dialog" aria-label=${say("keys")} title=${say("keys")} onClick=${() => act.open({ what: "keys" })}>?</button>
        <button class="btn btn--secondary" type="button" aria-busy=${saving ? "true" : null} aria-keyshortcuts="Control+S" onClick=${() => act.save(false)}><span>${say("save")}<span class="editor__long">${say("saveMore")}</span></span></button>
        <button class="btn btn--primary" type="button" aria-disabled=${String(inReview)} aria-keyshortcuts="Control+Enter" onClick=${() => inReview || act.save(true)}>
          <${Icon} name="send" /><span class="editor__long">${say("saveAndSend")}</span><span class="editor__short">${say("sendShort")}</span>
        </button>
      </div>
    </div>
  `;
}

function Status() {
  const { model, say } = useEditor();
  const { keeper, data } = model;
  const words = {
    typed: () => say("keeping"),
    sending: () => say("keeping"),
    offline: () => say(keeper.lasting ? "keptHereShort" : "noLine"),
    refused: () => say("notKept"),
    idle: () => (model.saved && !keeper.savedAt ? say(model.saved.state === "review" ? "sentTitle" : "savedTitle", { version: model.saved.version }) : keeper.savedAt ? say("kept", { time: timeText(keeper.savedAt, Math.max(data.now, keeper.savedAt), data.zone) }) : say(data.latest ? "asSaved" : "nothingYet", { version: data.latest })),
  };
  return html`<p class="editor__status" role="status" data-state=${keeper.state}>${words[keeper.state]()}</p>`;
}

const KEYS = [["Ctrl + S", "keySave"], ["Ctrl + Enter", "keySend"], ["Alt + 1 … 4", "keyKey"], ["Ctrl + ↑ ↓", "keyMove"], ["?", "keyHelp"]];

function Windows() {
  const { model, act, say } = useEditor();
  const { dialog } = model;
  switch (dialog?.what) {
    case "keys":
      return html`<${Dialog} title=${say("keys")} onClose=${act.close}>
        <dl class="kv">${KEYS.map(([keys, words]) => html`<dt key=${keys}><kbd>${keys}</kbd></dt><dd>${say(words)}</dd>`)}</dl>
      <//>`;
    case "faults":
      return html`<${Dialog} title=${say("faultsTitle")} onClose=${act.close}>
        <ul class="stack">${Object.entries(model.faults).map(([field, { sentence }]) => html`
          <li key=${field}><button class="btn btn--quiet btn--small" type="button" onClick=${() => { act.close(); goTo(field); }}>${say("fieldOf")} «${fieldName(field, say)}»</button> ${sentence}</li>`)}</ul>
      <//>`;
    case "flatten":
      return html`<${Question} title=${say("flattenTitle")} text=${say("flattenText")} yes=${say("flattenYes")} no=${say("cancel")} danger onYes=${() => act.convert("text")} onNo=${act.close} />`;
    case "unstage":
      return html`<${Question} title=${say("unstageTitle")} text=${say("unstageText")} yes=${say("unstageYes")} no=${say("cancel")} danger onYes=${act.unstage} onNo=${act.close} />`;
    case "dropStage":
      return html`<${Question} title=${say("dropStageTitle", { number: dialog.at + 1 })} text=${say("dropStageText")} yes=${say("dropStageYes")} no=${say("cancel")} danger onYes=${() => act.dropStageNow(dialog.at)} onNo=${act.close} />`;
    case "discard":
      return html`<${Question} title=${say("discardTitle")} text=${say("discardText")} yes=${say("discard")} no=${say("cancel")} danger onYes=${() => { act.close(); act.discard(); }} onNo=${act.close} />`;
    case "theirs":
      return html`<${Question} title=${say("theirsTitle")} text=${say("theirsText")} yes=${say("theirsYes")} no=${say("cancel")} danger onYes=${() => { act.close(); act.takeTheirs(); }} onNo=${act.close} />`;
    default:
      return null;
  }
}

/** A field's own name, with the number of its stage. */
export function fieldName(field, say) {
  const [, number, part] = field.match(/^stages\.(\d+)\.(\w+)$/) ?? [];
  return part ? `${say("stage", { number: Number(number) + 1 })}: ${say(`field_${part}`)}` : say(`field_${field}`);
}

function goTo(field) {
  const [, number, part] = field.match(/^stages\.(\d+)\.(\w+)$/) ?? [];
  const id = part === undefined ? `f-${field}` : ["prompt", "reveal", "weight", "kind"].includes(part) ? `f-${number}-${part}` : `f-${number}-0`;
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}
