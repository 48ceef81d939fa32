// The rules of an exam as its blueprint says them.

import { html } from "../core/vendor/preact-htm.js";
import { ChoiceField, Icon, TextField, Tick, useDesk } from "./blueprint_pieces.js";

export function Settings({ edited, fields, onChange }) {
  const { say } = useDesk();
  const set = (name) => (value) => onChange((now) => ({ ...now, [name]: value }));
  const text = (name, label, more = {}) => html`
    <${TextField} id=${`s-${name}`} label=${say(label)} value=${edited[name]} error=${fields[name] ?? ""}
      onText=${set(name)} ...${more} />`;
  const choice = (name, label, options) => html`
    <${ChoiceField} id=${`s-${name}`} label=${say(label)} value=${edited[name]} error=${fields[name] ?? ""}
      options=${options.map(([key, word]) => [key, say(word)])} onText=${set(name)} />`;
  return html`
    <section class="card">
      <h2>${say("settings")}</h2>
      <div class="blueprint__fields">
        ${text("title", "title")}
        ${edited.version === 0 && text("id", "code", { hint: say("codeHint") })}
        ${text("exam_limit", "minutes", { numeric: true })}
        ${text("cut", "cut", { numeric: true })}
        ${choice("accreditation", "accreditation", [
          ["primary", "primary"], ["primary_specialised", "primarySpecialised"], ["periodic", "periodic"]])}
        ${choice("confirmation", "confirmation", [["protocol", "protocol"], ["automatic", "automatic"]])}
        ${choice("navigation", "navigation", [["free", "free"], ["linear", "linear"]])}
        ${choice("on_item_timeout", "onTimeout", [["advance", "advance"], ["finish", "finish"]])}
        ${text("breaks", "breaks", { numeric: true })}
        ${text("break_limit", "breakMinutes", { numeric: true })}
        ${text("exposure_cap", "cap", { numeric: true, hint: say("capHint") })}
        ${text("minimum_information", "minimum", { numeric: true, hint: say("minimumHint") })}
        ${!edited.practice && text("pilots", "pilots", { numeric: true, hint: say("pilotsHint") })}
        ${edited.practice && choice("explanations", "explanations", [
          ["none", "explainNone"], ["item", "explainItem"], ["end", "explainEnd"]])}
      </div>
      <div class="choices">
        <${Tick} checked=${edited.flags && edited.navigation === "free"} disabled=${edited.navigation !== "free"}
          label=${say("flags")} onTick=${set("flags")} />
        <${Tick} checked=${edited.practice} label=${say("practice")} hint=${say("practiceHint")} onTick=${set("practice")} />
      </div>
      <${Sections} edited=${edited} fields=${fields} onChange=${onChange} />
    </section>
  `;
}

function Sections({ edited, fields, onChange }) {
  const { say } = useDesk();
  const change = (place, part) => onChange((now) => ({
    ...now,
    sections: now.sections.map((one, number) => (number === place ? { ...one, ...part } : one)),
  }));
  // What stood in a section that goes falls to the one before it.
  const remove = (place) => onChange((now) => ({
    ...now,
    sections: now.sections.filter((_, number) => number !== place),
    tables: now.tables.map((one) => ({ ...one, section: Math.max(0, one.section >= place ? one.section - 1 : one.section) })),
  }));
  return html`
    <h3>${say("sections")}</h3>
    <p class="note">${say("sectionsHint")}</p>
    ${fields.sections && html`<p class="field__error"><${Icon} name="circle-alert" /><span>${fields.sections}</span></p>`}
    ${edited.sections.map((section, place) => html`
      <div class="filters" key=${place}>
        <${TextField} id=${`section-title-${place}`} label=${say("sectionTitle", { number: place + 1 })} value=${section.title}
          error=${fields[`sections.${place}.title`] ?? fields[`sections.${place}`] ?? ""} onText=${(title) => change(place, { title })} />
        <${TextField} id=${`section-limit-${place}`} label=${say("sectionMinutes")} numeric value=${section.limit}
          error=${fields[`sections.${place}.limit`] ?? ""} onText=${(limit) => change(place, { limit })} />
        <button class="btn btn--quiet" type="button" aria-label=${say("removeSection", { number: place + 1 })}
          onClick=${() => remove(place)}><${Icon} name="x" /></button>
      </div>`)}
    <div><button class="btn btn--secondary btn--small" type="button"
      onClick=${() => onChange((now) => ({ ...now, sections: [...now.sections, { title: "", limit: "" }] }))}>
      <${Icon} name="plus" />${say("addSection")}</button></div>
  `;
}
