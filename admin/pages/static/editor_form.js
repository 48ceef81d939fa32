// The form of an item: its texts, its place in the catalogue, and what is known about it.

import { createContext, html, useContext } from "../core/vendor/preact-htm.js";
import { Icon } from "../exam_server/pieces.js";
import { Enemies, RequirementField } from "./editor_catalogue.js";
import { change, isCase } from "./editor_draft.js";
import { RichField } from "./editor_rich.js";
import { Stages } from "./editor_stages.js";

/** { model, act, say }. */
export const Editor = createContext(null);
export const useEditor = () => useContext(Editor);

/** What stands at a field: what is wrong with it, advice, and what colleagues said about it. */
export function Notes({ id, field }) {
  const { model, say } = useEditor();
  const fault = model.faults[field];
  const advice = model.advice.filter((one) => one.field === field);
  const comments = model.data.comments.filter((one) => one.field === field);
  return html`
    ${fault && html`<span class=${`field__error ${fault.unfit ? "" : "editor__unready"}`} id=${`${id}-error`}><${Icon} name="circle-alert" /><span>${fault.sentence}</span></span>`}
    ${advice.length > 0 && html`<span id=${`${id}-advice`}>
      ${advice.map((one) => html`<span class="editor__advice" key=${one.code}><${Icon} name="info" /><span>${one.sentence}</span></span>`)}
    </span>`}
    ${comments.map((one) => html`<span class="editor__comment" key=${one.words}><${Icon} name="file-text" /><span><b>${say("comment")}:</b> ${one.words}</span></span>`)}
  `;
}

export const describedBy = (model, id, field, hint = false) =>
  [hint && `${id}-hint`, model.faults[field] && `${id}-error`, model.advice.some((one) => one.field === field) && `${id}-advice`].filter(Boolean).join(" ") || null;

/** A text in the markup of the draft. */
export function TextField({ id, field, label, hint = "", value, inline = false, rows = 4, optional = false, bare = false, onChange }) {
  const { model, act, say } = useEditor();
  const shared = { id, describedby: describedBy(model, id, field, Boolean(hint)), invalid: model.faults[field]?.unfit ? "true" : null };
  const rich = model.draft.markup === "html";
  const control = rich
    ? html`<${RichField} ...${shared} value=${value} inline=${inline} label=${label} onChange=${onChange} say=${say} upload=${act.upload} />`
    : html`<textarea class="input editor__text" id=${id} rows=${rows} lang="ru" aria-label=${bare ? label : null} aria-describedby=${shared.describedby} aria-invalid=${shared.invalid}
        value=${value} onInput=${(event) => onChange(event.target.value)} onBlur=${() => act.touch(field)}
        onKeyDown=${(event) => inline && event.key === "Enter" && !event.ctrlKey && !event.metaKey && event.preventDefault()} />`;
  if (bare) {
    return control;
  }
  return html`
    <div class=${`field ${model.faults[field] ? "field--invalid" : ""}`} onFocusOut=${() => act.touch(field)}>
      ${rich ? html`<span class="field__label">${label}${optional && html` <span class="field__optional">${say("optional")}</span>`}</span>`
        : html`<label class="field__label" for=${id}>${label}${optional && html` <span class="field__optional">${say("optional")}</span>`}</label>`}
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      ${control}
      <${Notes} id=${id} field=${field} />
    </div>
  `;
}

export function Plain({ id, field, label, hint = "", value, short = false, optional = false, onInput, ...rest }) {
  const { model, act, say } = useEditor();
  return html`
    <div class=${`field ${model.faults[field] ? "field--invalid" : ""}`}>
      <label class="field__label" for=${id}>${label}${optional && html` <span class="field__optional">${say("optional")}</span>`}</label>
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      <input class=${`input ${short ? "input--short" : ""}`} id=${id} value=${value} aria-describedby=${describedBy(model, id, field, Boolean(hint))}
        aria-invalid=${model.faults[field]?.unfit ? "true" : null} onInput=${(event) => onInput(event.target.value)} onBlur=${() => act.touch(field)} ...${rest} />
      <${Notes} id=${id} field=${field} />
    </div>
  `;
}

export function Choose({ id, field, label, value, options, disabled = false, hint = "", onChange }) {
  const { model } = useEditor();
  return html`
    <div class=${`field ${model.faults[field] ? "field--invalid" : ""}`}>
      <label class="field__label" for=${id}>${label}</label>
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      <select class="input" id=${id} value=${value} disabled=${disabled} aria-describedby=${describedBy(model, id, field, Boolean(hint))} onChange=${(event) => onChange(event.target.value)}>
        ${options.map(([key, words]) => html`<option value=${key} key=${key} selected=${key === value}>${words}</option>`)}
      </select>
      <${Notes} id=${id} field=${field} />
    </div>
  `;
}

/** Lines of a list, as many as are filled in and an empty one. */
function Lines({ id, field, label, hint, values, most, longest, onChange }) {
  const { model, act } = useEditor();
  const text = values.join("\n");
  return html`
    <div class=${`field ${model.faults[field] ? "field--invalid" : ""}`}>
      <label class="field__label" for=${id}>${label}</label>
      <span class="field__hint" id=${`${id}-hint`}>${hint}</span>
      <textarea class="input editor__text editor__text--lines" id=${id} rows="2" aria-describedby=${describedBy(model, id, field, true)} aria-invalid=${model.faults[field]?.unfit ? "true" : null}
        value=${text} onInput=${(event) => onChange(event.target.value.split("\n"))}
        onBlur=${() => { onChange(values.map((one) => one.trim()).filter(Boolean)); act.touch(field); }} />
      <${Notes} id=${id} field=${field} />
    </div>
  `;
}

export function Form() {
  const { model, act, say } = useEditor();
  const { draft, data } = model;
  const set = (values) => act.edit(change(draft, values));
  const cased = isCase(draft);
  const saved = data.latest > 0;
  return html`
    <div class="editor__form stack">
      <section class="card" aria-labelledby="part-text">
        <h2 id="part-text">${say("partText")}</h2>
        <div class="cluster">
          <${Kind} cased=${cased} />
          <div class="editor__markup" role="group" aria-label=${say("markup")}>
            <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(draft.markup === "text")} onClick=${() => act.setMarkup("text")}>${say("markupText")}</button>
            <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(draft.markup === "html")} onClick=${() => act.setMarkup("html")}>${say("markupRich")}</button>
          </div>
        </div>
        <${TextField} id="f-stem" field="stem" label=${say(cased ? "stemCase" : "stem")} value=${draft.stem} rows=${4} onChange=${(stem) => set({ stem })} />
        <${Alike} />
        <${Stages} cased=${cased} />
        <${TextField} id="f-explanation" field="explanation" label=${say("explanation")} hint=${say("explanationHint")} value=${draft.explanation} rows=${3}
          optional=${draft.pool !== "practice"} onChange=${(explanation) => set({ explanation })} />
        <${Lines} id="f-sources" field="sources" label=${say("sources")} hint=${say("sourcesHint")} values=${draft.sources} onChange=${(sources) => set({ sources })} />
      </section>
      <section class="card" aria-labelledby="part-place">
        <h2 id="part-place">${say("partPlace")}</h2>
        <${Choose} id="f-speciality" field="speciality" label=${say("speciality")} value=${draft.speciality}
          options=${[["", say("choose")], ...data.specialities.map((one) => [one.code, `${one.code} ${one.title}`])]} onChange=${(speciality) => act.setSpeciality(speciality)} />
        <${RequirementField} />
        <${Choose} id="f-pool" field="pool" label=${say("pool")} value=${draft.pool} disabled=${saved} hint=${say(saved ? "poolFixed" : "poolHint")}
          options=${[["exam", say("poolExam")], ["practice", say("poolPractice")]]} onChange=${(pool) => set({ pool })} />
        <${Choose} id="f-language" field="language" label=${say("language")} value=${draft.language} options=${[["ru", "Русский"], ["en", "English"]]} onChange=${(language) => set({ language })} />
        <${Plain} id="f-tags" field="tags" label=${say("tags")} hint=${say("tagsHint")} optional value=${model.tags} onInput=${act.setTags} />
      </section>
      <section class="card" aria-labelledby="part-measure">
        <h2 id="part-measure">${say("partMeasure")}</h2>
        <${Choose} id="f-level" field="level" label=${say("level")} value=${draft.level} options=${data.levels.map((one) => [one, say(`level_${one}`)])} onChange=${(level) => set({ level })} />
        <${Plain} id="f-difficulty" field="difficulty" label=${say("difficulty")} hint=${say("difficultyHint")} short inputmode="decimal" value=${model.difficulty} onInput=${act.setDifficulty} />
        <${Limit} />
      </section>
      <section class="card" aria-labelledby="part-enemies">
        <h2 id="part-enemies">${say("enemies")}</h2>
        <${Enemies} />
      </section>
    </div>
  `;
}

function Kind({ cased }) {
  const { act, say } = useEditor();
  return html`
    <div class="editor__markup" role="group" aria-label=${say("kind")}>
      <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(!cased)} onClick=${() => act.setKind("four_option")}>${say("kindOption")}</button>
      <button class="btn btn--secondary btn--small" type="button" aria-pressed=${String(cased)} onClick=${() => act.setKind("case")}>${say("kindCase")}</button>
    </div>
  `;
}

function Limit() {
  const { model, act, say } = useEditor();
  const { value, unit } = model.limit;
  return html`
    <div class=${`field ${model.faults.limit ? "field--invalid" : ""}`}>
      <label class="field__label" for="f-limit">${say("limit")}</label>
      <span class="field__hint" id="f-limit-hint">${say("limitHint")}</span>
      <div class="cluster">
        <input class="input input--short" id="f-limit" inputmode="decimal" value=${value} aria-describedby=${describedBy(model, "f-limit", "limit", true)}
          aria-invalid=${model.faults.limit?.unfit ? "true" : null} onInput=${(event) => act.setLimit(event.target.value, unit)} />
        <select class="input input--short" aria-label=${say("unit")} value=${unit} onChange=${(event) => act.setLimit(value, event.target.value)}>
          <option value="s" selected=${unit === "s"}>${say("seconds")}</option>
          <option value="m" selected=${unit === "m"}>${say("minutes")}</option>
        </select>
      </div>
      <${Notes} id="f-limit" field="limit" />
    </div>
  `;
}

/** Items of the bank that say nearly the same. */
function Alike() {
  const { model, say } = useEditor();
  return model.alike.length > 0 && html`
    <div class="banner banner--warn" role="status">
      <${Icon} name="alert-triangle" />
      <div class="banner__body">
        <p class="banner__title">${say("alike")}</p>
        <ul>${model.alike.slice(0, 5).map((one) => html`
          <li key=${one.item}><a href=${`/staff/bank/${encodeURIComponent(one.item)}`} target="_blank" rel="noopener">${one.item}<span class="visually-hidden"> ${say("newTab")}</span></a>${" "}
            (${say("likeness", { percent: Math.round(one.likeness * 100) })}) ${one.stem.slice(0, 120)}</li>`)}</ul>
      </div>
    </div>
  `;
}
