// What the bank says to a draft: what can't be filled and what would mend it, and what a form comes to.

import { html } from "../core/vendor/preact-htm.js";
import { numberText, spanText } from "../exam_server/words.js";
import { move, nameOf, partsOf, placeOf, put } from "./blueprint_draft.js";
import { Banner, Icon, useDesk } from "./blueprint_pieces.js";

const MOST_NAMED = 8;
const WAYS = { level: "wayLevel", band: "wayBand", level_and_band: "wayBoth", requirement: "wayRequirement" };

export function Supply({ state, checked, tables, onMend }) {
  const { say } = useDesk();
  return html`
    <section class="card">
      <h2>${say("supplyTitle")}</h2>
      <div class="stack stack--tight" role="status" aria-busy=${state === "checking" ? "true" : null}>
        ${state === "failed" && html`<${Banner} kind="warn" title=${say("checkFailed")} />`}
        ${state === "refused" && html`<${Banner} kind="warn" title=${say("mendFirst")} />`}
        ${!checked && state === "checking" && html`<p class="note">${say("checking")}</p>`}
        ${checked && state !== "refused" && html`<${Said} checked=${checked} tables=${tables} onMend=${onMend} />`}
      </div>
    </section>
  `;
}

function Said({ checked, tables, onMend }) {
  const { say } = useDesk();
  const { said, places, blueprint } = checked;
  if (blueprint.cells.length === 0) {
    return html`<p>${say("nothingYet")}</p>`;
  }
  if (said.fillable) {
    return html`<${Banner} kind="ok" title=${say("fillable")} />`;
  }
  const kindOf = (number) => blueprint.cells[number].kind;
  const name = (number) => nameOf(kindOf(number), places[number].place, say);
  const short = said.cells.map((one, number) => [one, number]).filter(([one, number]) => one.missing && places[number]);
  return html`
    <${Banner} kind="danger" title=${say("unfillable")}>
      <ul class="demand__list">
        ${short.slice(0, MOST_NAMED).map(([one, number]) => html`
          <li key=${places[number].place}>
            <p>${say(one.why === "none" ? "whyNone" : one.why === "few" ? "whyFew" : "whyShared", {
              cell: name(number), asked: blueprint.cells[number].count, have: one.have, missing: one.missing,
              rivals: one.rivals.filter((rival) => places[rival]).map(name).join("», «"),
            })}</p>
            <${Ways} verdict=${one} place=${places[number]} tables=${tables} onMend=${onMend} />
          </li>`)}
      </ul>
      ${short.length > MOST_NAMED && html`<p>… ${short.length - MOST_NAMED}</p>`}
      ${said.pilots_missing > 0 && html`<p>${say("pilotsMissing", { asked: blueprint.pilots, have: said.pilots_have })}</p>`}
      ${said.enemies && html`<p>${say("enemies")}</p>`}
      ${!said.informative && html`<p>${say("uninformative", {
        minimum: numberText(blueprint.minimum_information, 2), most: numberText(said.most_information, 2) })}</p>`}
      <p class="note">${say("unfillableNote")}</p>
    <//>
  `;
}

function Ways({ verdict, place, tables, onMend }) {
  const { say } = useDesk();
  const table = tables.find((one) => one.key === place.table);
  if (!table || verdict.remedies.length === 0) {
    return null;
  }
  const mend = (remedy) => onMend((now) => ({
    ...now,
    tables: now.tables.map((one) => (one.key === place.table ? mended(one, place.place, remedy) : one)),
  }));
  return html`
    <p class="note">${say("mend")}</p>
    <div class="cluster">
      ${verdict.remedies.map((one) => html`
        <button key=${one.way} class="btn btn--secondary btn--small" type="button" onClick=${() => mend(one)}>
          ${one.way !== "fewer" ? say(WAYS[one.way]) : one.count ? say("wayFewer", { count: one.count }) : say("wayRemove")}
        </button>`)}
    </div>
    <p class="note">${say("wayMore", { missing: verdict.missing })}</p>
  `;
}

function mended(table, place, { way, count }) {
  if (way === "fewer") {
    return put(table, place, count ? String(count) : "");
  }
  const parts = partsOf(place);
  const wide = placeOf(
    way === "requirement" ? "" : parts.requirement,
    way === "level" || way === "level_and_band" ? "" : parts.level,
    way === "band" || way === "level_and_band" ? "" : parts.band,
  );
  return move(table, place, wide, count);
}

export function Figures({ checked, edited }) {
  const { say } = useDesk();
  if (!checked || checked.blueprint.cells.length === 0) {
    return null;
  }
  const { said, places, blueprint } = checked;
  const lines = [
    [say("items"), numberText(said.length)],
    [say("points"), numberText(said.maximum)],
    [say("expected"), ...expected(said, blueprint, say)],
    [say("information"), ...information(said, blueprint, say)],
    [say("exposure"), ...exposure(said, places, blueprint, say)],
    [say("time"), ...time(said, edited, say)],
  ];
  return html`
    <section class="card">
      <h2>${say("figures")}</h2>
      <dl class="figures">
        ${lines.map(([term, text, ...warnings]) => html`
          <dt>${term}</dt>
          <dd>${text}${warnings.filter(Boolean).map((one) => html`
            <p class="figures__warning"><${Icon} name="alert-triangle" /><span>${one}</span></p>`)}</dd>`)}
      </dl>
    </section>
  `;
}

const FAR = 10;

function expected(said, { cut }, say) {
  const share = said.maximum ? Math.round((said.expected / said.maximum) * 100) : 0;
  const text = say("expectedOf", { expected: numberText(said.expected, 1), maximum: numberText(said.maximum), share });
  return [text, said.fillable && Math.abs(share - cut) > FAR && say("expectedFar", { cut, share })];
}

function information(said, { minimum_information: minimum }, say) {
  if (!said.information) {
    return ["–"];
  }
  const error = numberText(said.information ** -0.5, 2);
  const low = minimum !== null && said.information < minimum && said.informative;
  return [
    say("informationOf", { value: numberText(said.information, 1), error }),
    low && say("informationLow", { minimum: numberText(minimum, 1) }),
  ];
}

function exposure(said, places, blueprint, say) {
  const name = (number) => nameOf(blueprint.cells[number].kind, places[number].place, say);
  const shown = said.cells.map((one, number) => [one, number]).filter(([, number]) => places[number]);
  const most = shown.reduce((best, one) => (best && best[0].share >= one[0].share ? best : one), null);
  if (!most) {
    return ["–"];
  }
  const worn = shown.find(([one]) => one.worn > 0 && one.missing === 0);
  const cap = numberText((blueprint.exposure_cap ?? 0) * 100, 1);
  return [
    say("exposureOf", { share: numberText(Math.min(1, most[0].share) * 100), cell: name(most[1]) }),
    worn && say("exposureWorn", { cap, cell: name(worn[1]), worn: Math.ceil(worn[0].worn / (blueprint.exposure_cap || 1)) }),
  ];
}

function time(said, edited, say) {
  const { usual, limit } = said.exam;
  return [
    limit ? say("timeOf", { usual: spanText(usual), limit: spanText(limit) }) : say("timeFree", { usual: spanText(usual) }),
    limit > 0 && usual > limit && say("timeOver"),
    ...said.sections.map((one, number) => one.limit !== null && one.usual > one.limit && edited.sections[number] &&
      say("sectionTimeOver", { section: edited.sections[number].title, usual: spanText(one.usual), limit: spanText(one.limit) })),
  ];
}
