// The windows that ask before something is done that can't be undone, or take a few words.

import { html, useState } from "../core/vendor/preact-htm.js";
import { ItemMap } from "./map.js";
import { Dialog, Question, useExam } from "./pieces.js";
import { bounds, count } from "./state.js";
import { spanText } from "./words.js";

/** Characters that the server takes of a remark or a call for help. */
const MOST_WORDS = 1_000;

export function Windows() {
  const { model, act, say } = useExam();
  const { dialog, view } = model;
  if (!dialog || !["ready", "running"].includes(view.status)) {
    return null;
  }
  const totals = count(view.section ? view.marks.slice(...bounds(view)) : view.marks);
  const left = totals.unanswered ? `${say("reviewLeft", { count: totals.unanswered })} ` : "";
  switch (dialog) {
    case "map":
      return html`<${Dialog} drawer title=${say("mapTitle")} onClose=${act.close}><${ItemMap} onPick=${act.close} /><//>`;
    case "keys":
      return html`<${Keys} />`;
    case "help":
      return html`<${Words} title=${say("helpTitle")} text=${say("helpText")} label=${say("helpLabel")} yes=${say("helpCall")}
        onYes=${act.callHelp} />`;
    case "remark":
      return html`<${Words} needed title=${say("remarkTitle", { number: view.item.position + 1 })} text=${say("remarkText")}
        label=${say("remarkLabel")} yes=${say("remarkSend")} onYes=${act.remark} />`;
    case "lock":
      return html`<${Question} title=${say("finishStepAsk", { number: view.item.stage + 1 })} text=${say("finishStepText")}
        yes=${say("finishStep")} no=${say("keepOn")} onYes=${act.lock} onNo=${act.close} />`;
    case "leave":
      return html`<${Question} title=${say("leaveEmptyAsk")} text=${say("leaveEmptyText")}
        yes=${say("goOn")} no=${say("stay")} onYes=${act.leave} onNo=${act.close} />`;
    case "skip":
      return html`<${Question} title=${say("skipCase")} text=${say("leaveCaseText")}
        yes=${say("goOn")} no=${say("stay")} onYes=${act.leave} onNo=${act.close} />`;
    case "section":
      return html`<${Question} title=${say("sectionAsk", { number: view.section.number + 1 })} text=${left + say("sectionText")}
        danger=${totals.unanswered > 0} yes=${say("sectionClose")} no=${say("notYet")} onYes=${act.closeSection} onNo=${act.close} />`;
    case "break":
      return html`<${Break} />`;
    case "finish":
      return html`<${Question} title=${say("finishAsk")} text=${left + say("finishText")} danger=${totals.unanswered > 0}
        yes=${say("finish")} no=${say("notYet")} onYes=${act.submit} onNo=${act.close} />`;
    default:
      return null;
  }
}

function Break() {
  const { model, act, say } = useExam();
  const { breakLimit, breaksLeft } = model.view;
  return html`
    <${Dialog} title=${say("breakAsk")} onClose=${act.close}>
      <ul>
        <li>${say("breakStands")}</li>
        <li>${say("breakLocks")}</li>
        <li>${say("breakLongest", { span: spanText(breakLimit) })}</li>
        <li>${say("breaksLeft", { count: breaksLeft })}</li>
      </ul>
      <div class="dialog__actions">
        <button class="btn btn--secondary" type="button" autofocus onClick=${act.close}>${say("stay")}</button>
        <button class="btn btn--primary" type="button" onClick=${act.takeBreak}>${say("breakBegin")}</button>
      </div>
    <//>
  `;
}

/** A window that takes a few words. Without `needed` it may go without any. */
function Words({ title, text, label, yes, onYes, needed = false }) {
  const { act, say } = useExam();
  const [words, write] = useState("");
  const [missing, miss] = useState(false);
  const send = (event) => {
    event.preventDefault();
    if (needed && !words.trim()) {
      miss(true);
    } else {
      onYes(words.trim());
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${act.close}>
      <form class="stack" onSubmit=${send} novalidate>
        <p>${text}</p>
        <div class="field">
          <label class="field__label" for="words">${label}</label>
          <textarea class="input" id="words" rows="4" maxlength=${MOST_WORDS} value=${words} autofocus aria-describedby="words-count"
            aria-invalid=${String(missing)} onInput=${(event) => write(event.target.value)}></textarea>
          <p class="note" id="words-count">${say("wordsLeft", { count: MOST_WORDS - words.length })}</p>
          ${missing && html`<p class="field__error" role="alert">${say("wordsMissing")}</p>`}
        </div>
        <div class="dialog__actions">
          <button class="btn btn--secondary" type="button" onClick=${act.close}>${say("cancel")}</button>
          <button class="btn btn--primary" type="submit">${yes}</button>
        </div>
      </form>
    <//>
  `;
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
