// Stages of an item with their options or actions, their roles and their order.

import { html } from "../core/vendor/preact-htm.js";
import { Icon } from "../exam_server/pieces.js";
import { addChoice, addStage, changeChoice, changeKind, changeStage, dropChoice, moveChoice, moveStage, rolesOf, setKey } from "./editor_draft.js";
import { Choose, Notes, Plain, TextField, describedBy, useEditor } from "./editor_form.js";

export function Stages({ cased }) {
  const { model, act, say } = useEditor();
  const { draft, data } = model;
  return html`
    ${draft.stages.map((_, number) => html`<${Stage} key=${number} number=${number} cased=${cased} />`)}
    <${Notes} id="stages" field="stages" />
    ${cased && html`
      <div class="cluster">
        <button class="btn btn--secondary btn--small" type="button" aria-disabled=${String(draft.stages.length >= data.bounds.stages)}
          onClick=${() => draft.stages.length < data.bounds.stages && act.edit(addStage(draft, "actions"), `f-${draft.stages.length}-prompt`)}>
          <${Icon} name="plus" />${say("addStage")}
        </button>
      </div>
    `}
  `;
}

function Stage({ number, cased }) {
  const { model, act, say } = useEditor();
  const { draft, data } = model;
  const stage = draft.stages[number];
  const place = `stages.${number}`;
  const set = (values) => act.edit(changeStage(draft, number, values));
  const actions = stage.kind === "actions";
  const tool = (name, label, off, work) => html`
    <button class="btn btn--quiet btn--small" type="button" aria-label=${say(label, { number: number + 1 })} title=${say(label, { number: number + 1 })}
      aria-disabled=${String(off)} onClick=${() => off || work()}>${name}</button>
  `;
  const body = html`
    ${cased && html`
      ${number > 0 && html`<${TextField} id=${`f-${number}-reveal`} field=${`${place}.reveal`} label=${say("reveal")} hint=${say("revealHint")} optional value=${stage.reveal} rows=${2} onChange=${(reveal) => set({ reveal })} />`}
      <${TextField} id=${`f-${number}-prompt`} field=${`${place}.prompt`} label=${say("prompt")} value=${stage.prompt} rows=${2} onChange=${(prompt) => set({ prompt })} />
      <div class="editor__row">
        <${Choose} id=${`f-${number}-kind`} field=${`${place}.kind`} label=${say("stageKind")} value=${stage.kind} options=${[["choice", say("stageChoice")], ["actions", say("stageActions")]]}
          onChange=${(kind) => act.edit(changeKind(draft, number, kind))} />
        <${Plain} id=${`f-${number}-weight`} field=${`${place}.weight`} label=${say("weight")} short inputmode="numeric" value=${String(stage.weight)}
          onInput=${(text) => set({ weight: /^\d{1,6}$/.test(text.trim()) ? Number(text) : 0 })} />
      </div>
      ${actions && html`
        <label class="editor__check"><input type="checkbox" checked=${stage.ordered} onChange=${(event) => set({ ordered: event.target.checked })} /><span>${say("ordered")}</span></label>
        <${Notes} id=${`f-${number}-ordered`} field=${`${place}.ordered`} />
      `}
    `}
    <fieldset class="editor__choices" aria-describedby=${describedBy(model, `f-${number}-choices`, `${place}.choices`)}>
      <legend class="field__label">${say(actions ? "actions" : "options")}</legend>
      <span class="field__hint">${say(actions ? "actionsHint" : "optionsHint")}</span>
      <${Notes} id=${`f-${number}-choices`} field=${`${place}.choices`} />
      <${Notes} id=${`f-${number}-key`} field=${`${place}.key`} />
      <${Notes} id=${`f-${number}-roles`} field=${`${place}.roles`} />
      <ol class="editor__list">
        ${stage.choices.map((_, at) => html`<${Choice} key=${at} number=${number} at=${at} />`)}
      </ol>
      ${(actions || stage.choices.length < 4) && html`
        <button class="btn btn--quiet btn--small" type="button" aria-disabled=${String(stage.choices.length >= data.bounds.choices)}
          onClick=${() => stage.choices.length < data.bounds.choices && act.edit(addChoice(draft, number), `f-${number}-${stage.choices.length}`)}>
          <${Icon} name="plus" />${say(actions ? "addAction" : "addOption")}
        </button>
      `}
    </fieldset>
  `;
  if (!cased) {
    return body;
  }
  return html`
    <section class="editor__stage" aria-labelledby=${`stage-${number}`} data-stage-form=${number}>
      <div class="editor__stage-head">
        <h3 id=${`stage-${number}`}>${say("stage", { number: number + 1 })}</h3>
        <div class="cluster">
          ${tool("↑", "stageUp", number === 0, () => act.edit(moveStage(draft, number, -1)))}
          ${tool("↓", "stageDown", number === draft.stages.length - 1, () => act.edit(moveStage(draft, number, 1)))}
          ${tool(html`<${Icon} name="x" />`, "stageDrop", draft.stages.length === 1, () => act.dropStage(number))}
        </div>
      </div>
      ${body}
    </section>
  `;
}

function Choice({ number, at }) {
  const { model, act, say } = useEditor();
  const { draft } = model;
  const stage = draft.stages[number];
  const choice = stage.choices[at];
  const id = `f-${number}-${at}`;
  const actions = stage.kind === "actions";
  const label = say(actions ? "action" : "option", { number: at + 1 });
  const moveBy = (step) => {
    if (at + step >= 0 && at + step < stage.choices.length) {
      act.edit(moveChoice(draft, number, at, step), `f-${number}-${at + step}`);
    }
  };
  const keydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      moveBy(event.key === "ArrowUp" ? -1 : 1);
    }
  };
  return html`
    <li class=${`editor__choice ${choice.role === "key" || choice.role === "required" ? "editor__choice--key" : ""}`} onKeyDown=${keydown}>
      ${actions
        ? html`<select class="input editor__role" aria-label=${say("roleOf", { number: at + 1 })} value=${choice.role}
            onChange=${(event) => act.edit(changeChoice(draft, number, at, { role: event.target.value }))}>
            ${rolesOf("actions").map((role) => html`<option value=${role} key=${role} selected=${role === choice.role}>${say(`role_${role}`)}</option>`)}
          </select>`
        : html`<label class="editor__key" title=${say("markKey")}><input type="radio" name=${`key-${number}`} checked=${choice.role === "key"} aria-label=${say("keyOf", { number: at + 1 })}
            onChange=${() => act.edit(setKey(draft, number, at))} /></label>`}
      <div class="editor__choice-text" onFocusOut=${() => act.touch(`stages.${number}.choices`)}>
        <${TextField} id=${id} field=${`stages.${number}.choices`} label=${label} value=${choice.text} inline rows=${1} bare
          onChange=${(text) => act.edit(changeChoice(draft, number, at, { text }))} />
      </div>
      <div class="editor__choice-tools">
        <button class="btn btn--quiet btn--small" type="button" aria-label=${say("choiceUp", { number: at + 1 })} aria-disabled=${String(at === 0)} onClick=${() => moveBy(-1)}>↑</button>
        <button class="btn btn--quiet btn--small" type="button" aria-label=${say("choiceDown", { number: at + 1 })} aria-disabled=${String(at === stage.choices.length - 1)} onClick=${() => moveBy(1)}>↓</button>
        ${(actions || stage.choices.length > 4) && html`
          <button class="btn btn--quiet btn--small" type="button" aria-label=${say("choiceDrop", { number: at + 1 })} onClick=${() => act.edit(dropChoice(draft, number, at))}><${Icon} name="x" /></button>
        `}
      </div>
    </li>
  `;
}

