// One table of demand and supply: rows are requirements, columns levels and difficulty.

import { Component, html, useState } from "../core/vendor/preact-htm.js";
import { columnsOf, placeOf, put, readCount, readPasted, split, whole } from "./blueprint_draft.js";
import { Icon, Tick, useDesk } from "./blueprint_pieces.js";

const MANY_ROWS = 12;

export function Grid({ table, supply, verdicts, faults, onChange }) {
  const { data, say } = useDesk();
  const [words, setWords] = useState("");
  const [onlyFilled, setOnlyFilled] = useState(false);
  const [pasted, setPasted] = useState("");
  const columns = columnsOf(table);
  const title = say(table.kind === "case" ? "case" : "fourOption");
  const rows = rowsOf(data.requirements, table, words, onlyFilled, say);
  const heads = columns.map(([level, band]) => headOf(table, level, band, say));
  const totals = columns.map(([level, band]) => sumOf(table, (one) => one[1] === level && one[2] === band));

  const set = (place, text) => onChange((now) => put(now, place, text));
  const keys = (event) => {
    const target = event.target;
    const at = target.dataset.at?.split(",").map(Number);
    const step = at && stepOf(event, target);
    if (!step) {
      return;
    }
    const next = event.currentTarget.querySelector(`[data-at="${at[0] + step[0]},${at[1] + step[1]}"]`);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  };
  const paste = (event) => {
    const at = event.target.dataset.at?.split(",").map(Number);
    const found = at && readPasted(event.clipboardData.getData("text/plain"));
    if (!found) {
      return;
    }
    event.preventDefault();
    let done = 0;
    let left = 0;
    const changes = [];
    found.forEach((row, down) => row.forEach((text, right) => {
      const line = rows[at[0] + down];
      const column = columns[at[1] + right];
      const count = readCount(text);
      if (line && column && count !== null) {
        changes.push([placeOf(line.code, column[0], column[1]), count]);
        done += 1;
      } else {
        left += 1;
      }
    }));
    onChange((now) => changes.reduce((one, [place, count]) => put(one, place, count), now));
    setPasted(left ? say("pastedPartly", { done, left }) : say("pasted", { done }));
  };

  return html`
    <div class="stack stack--tight">
      <div class="demand__tools">
        <${Tick} checked=${table.levels} label=${say("byLevel")} onTick=${(on) => onChange((now) => split(now, "levels", on))} />
        <${Tick} checked=${table.bands} label=${say("byBand")} onTick=${(on) => onChange((now) => split(now, "bands", on))} />
        ${data.requirements.length > MANY_ROWS && html`
          <${Tick} checked=${onlyFilled} label=${say("onlyFilled")} onTick=${setOnlyFilled} />
          <input class="input demand__find" type="search" aria-label=${say("findRequirement")}
            placeholder=${say("findRequirement")} value=${words} onInput=${(event) => setWords(event.target.value)} />`}
      </div>
      <p class="note" role="status">${pasted}${table.before && html`
        ${say("merged")} <button class="btn btn--quiet btn--small" type="button"
          onClick=${() => onChange((now) => now.before ?? now)}>${say("restore")}</button>`}</p>
      <div class="table-frame">
        <table class="table demand" role="table" onKeyDown=${keys} onPaste=${paste}>
          <caption class="visually-hidden">${title}</caption>
          <thead role="rowgroup"><tr role="row">
            <th role="columnheader" scope="col">${say("requirement")}</th>
            ${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}
            ${columns.length > 1 && html`<th role="columnheader" scope="col">${say("total")}</th>`}
          </tr></thead>
          <tbody role="rowgroup">
            ${rows.map((row, number) => html`
              ${row.section && html`<tr role="row" class="demand__section"><th role="rowheader" scope="colgroup"
                colspan=${columns.length + 2} data-label="">${row.section}</th></tr>`}
              <tr role="row" key=${row.code}>
                <th role="rowheader" scope="row" data-label=${say("requirement")}><span>
                  <b>${row.name}</b> ${row.title}${row.repealed && html` <span class="tag tag--warn">${say("repealed")}</span>`}
                </span></th>
                ${columns.map(([level, band], column) => {
                  const place = placeOf(row.code, level, band);
                  return html`<${Square} key=${place} say=${say} place=${place} at=${`${number},${column}`}
                    row=${row.name} column=${heads[column]} text=${table.counts[place] ?? ""} 
                    have=${supply ? (supply.get(place) ?? 0) : null} verdict=${verdicts.get(place)}
                    fault=${faults.get(place) ?? ""} onText=${set} />`;
                })}
                ${columns.length > 1 && html`<td role="cell" class="demand__total" data-label=${say("total")}>
                  <span>${sumOf(table, (one) => one[0] === row.code) || "–"}</span></td>`}
              </tr>`)}
            ${rows.length === 0 && html`<tr role="row"><td role="cell" data-label="" colspan=${columns.length + 2}>${say("noRows")}</td></tr>`}
          </tbody>
          <tfoot role="rowgroup"><tr role="row">
            <th role="rowheader" scope="row" data-label=""><span>${say("total")}</span></th>
            ${totals.map((total, column) => html`<td role="cell" class="demand__total" data-label=${heads[column]}><span>${total || "–"}</span></td>`)}
            ${columns.length > 1 && html`<td role="cell" class="demand__total" data-label=${say("total")}><b>${sumOf(table, () => true)}</b></td>`}
          </tr></tfoot>
        </table>
      </div>
    </div>
  `;
}

const LOOKED_AT = ["at", "row", "column", "text", "have", "verdict", "fault"];

/** Drawn again only where it changed: there may be thousands of them. */
class Square extends Component {
  shouldComponentUpdate(next) {
    return LOOKED_AT.some((name) => this.props[name] !== next[name]);
  }

  render({ place, at, row, column, text, have, verdict, fault, onText, say }) {
    const known = verdict ? verdict.have : have;
    const missing = verdict?.missing ?? 0;
    const said = fault || (missing ? say("shortOf", { missing }) : "");
    const id = `short-${place.replace(/[^\p{L}\p{N}]+/gu, "-")}-${at.replace(",", "-")}`;
    const look = said ? "demand__square--short" : text ? "demand__square--full" : "";
    return html`
      <td role="cell" data-label=${column} class=${`demand__square ${look}`}>
        <span>
          <span class="demand__pair">
            <input class="input demand__input" type="text" inputmode="numeric" maxlength="4" autocomplete="off"
              data-at=${at} aria-label=${say("cellName", { row, column, have: known ?? "…" })}
              aria-invalid=${said ? "true" : null} aria-describedby=${said ? id : null} value=${text}
              onFocus=${(event) => event.target.select()} onInput=${(event) => onText(place, event.target.value)} />
            <span class="demand__have" aria-hidden="true">${known === null ? "" : say("ofSupply", { have: known })}</span>
          </span>
          ${said && html`<span class="demand__why" id=${id}><${Icon} name="alert-triangle" />${said}</span>`}
        </span>
      </td>
    `;
  }
}

function rowsOf(requirements, table, words, onlyFilled, say) {
  const wanted = words.trim().toLowerCase();
  const filled = new Set(Object.keys(table.counts).map((place) => place.split("\t")[0]));
  const all = [{ code: "", title: "", section: "", repealed: false }, ...requirements];
  let section = "";
  return all
    .filter((one) => !onlyFilled || filled.has(one.code))
    .filter((one) => !one.repealed || filled.has(one.code))
    .filter((one) => !wanted || `${one.code} ${one.title} ${one.section}`.toLowerCase().includes(wanted))
    .map((one) => {
      const fresh = one.code && one.section !== section ? one.section : "";
      section = one.code ? one.section : section;
      return { ...one, name: one.code || say("anyRequirement"), section: fresh };
    });
}

function headOf(table, level, band, say) {
  if (!table.levels && !table.bands) {
    return say("amount");
  }
  const parts = [level && say(level), band && say(band)].filter(Boolean).join(", ");
  return parts ? parts[0].toUpperCase() + parts.slice(1) : say("any");
}

function sumOf(table, wanted) {
  return Object.entries(table.counts)
    .filter(([place]) => wanted(place.split("\t")))
    .reduce((sum, [, text]) => sum + Math.max(0, whole(text)), 0);
}

/** Where a key leads from a cell, as [rows, columns]; null where it stays. */
function stepOf(event, input) {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const start = input.selectionStart === 0;
  const end = input.selectionEnd === input.value.length;
  switch (event.key) {
    case "ArrowUp":
      return [-1, 0];
    case "ArrowDown":
    case "Enter":
      return [event.shiftKey && event.key === "Enter" ? -1 : 1, 0];
    case "ArrowLeft":
      return start ? [0, -1] : null;
    case "ArrowRight":
      return end ? [0, 1] : null;
    default:
      return null;
  }
}
