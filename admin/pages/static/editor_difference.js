// Somebody saved a version meanwhile: what one's own text changes in it, shown in the text.

import { html } from "../core/vendor/preact-htm.js";
import { Icon } from "../exam_server/pieces.js";
import { timeText } from "../exam_server/words.js";
import { useEditor } from "./editor_form.js";

export function Overtaken() {
  const { model, act, say } = useEditor();
  const { overtaken, data } = model;
  const { difference } = overtaken;
  const time = timeText(overtaken.saved_at, Math.max(data.now, overtaken.saved_at), data.zone);
  return html`
    <section class="banner banner--warn" id="overtaken" tabindex="-1" aria-labelledby="overtaken-title">
      <${Icon} name="alert-triangle" />
      <div class="banner__body stack">
        <p class="banner__title" id="overtaken-title">${say("overtaken", { name: overtaken.author || say("bank"), version: overtaken.version, time })}</p>
        <p>${say("overtakenText")}</p>
        <div class="difference" lang="ru">
          <${Text} label=${say("field_stem")} text=${difference.stem} />
          ${difference.stages.map((stage, at) => html`<${Stage} stage=${stage} key=${at} />`)}
          <${Text} label=${say("field_explanation")} text=${difference.explanation} />
          <${Pieces} label=${say("field_sources")} pieces=${difference.sources} />
          <${Pieces} label=${say("field_tags")} pieces=${difference.tags} />
          ${difference.values.map((one) => html`<p key=${one.field}><b>${say(`field_${one.field}`)}:</b> <del>${one.before}</del> <ins>${one.after}</ins></p>`)}
        </div>
        <div class="cluster">
          <button class="btn btn--primary btn--small" type="button" onClick=${act.keepMine}>${say("keepMine")}</button>
          <button class="btn btn--secondary btn--small" type="button" onClick=${() => act.open({ what: "theirs" })}>${say("takeTheirs", { version: overtaken.version })}</button>
        </div>
      </div>
    </section>
  `;
}

const changed = (pieces) => pieces.some((piece) => piece.kind !== "same");
const shown = (pieces) => pieces.map(({ kind, text }) => (kind === "gone" ? html`<del>${text}</del>` : kind === "new" ? html`<ins>${text}</ins>` : text));

function Text({ label, text }) {
  const { say } = useEditor();
  return (changed(text.pieces) || text.restyled) && html`<p><b>${label}:</b> ${shown(text.pieces)} ${text.restyled && html`<span class="note">${say("restyled")}</span>`}</p>`;
}

function Pieces({ label, pieces }) {
  return changed(pieces) && html`<p><b>${label}:</b> ${pieces.map((piece) => html`${shown([piece])} `)}</p>`;
}

function Stage({ stage }) {
  const { say } = useEditor();
  const number = stage.after ?? stage.before;
  const label = (key) => `${say("stage", { number })}, ${say(`field_${key}`)}`;
  const rest = stage.choices.filter((one) => changed(one.text.pieces) || one.moved || one.text.restyled || one.role_before !== one.role_after);
  return html`
    ${stage.before === null && html`<p><ins>${say("stageNew", { number })}</ins></p>`}
    ${stage.after === null && html`<p><del>${say("stageGone", { number })}</del></p>`}
    <${Text} label=${label("reveal")} text=${stage.reveal} />
    <${Text} label=${label("prompt")} text=${stage.prompt} />
    ${stage.values.map((one) => html`<p key=${one.field}><b>${label(one.field)}:</b> <del>${one.before}</del> <ins>${one.after}</ins></p>`)}
    ${rest.length > 0 && html`<ul>${rest.map((one) => html`
      <li>${shown(one.text.pieces)}
        ${one.role_before !== one.role_after && html` (${one.role_before && html`<del>${say(`role_${one.role_before}`)}</del>`} ${one.role_after && html`<ins>${say(`role_${one.role_after}`)}</ins>`})`}
        ${one.moved && html` <span class="note">${say("moved")}</span>`}</li>`)}</ul>`}
  `;
}
