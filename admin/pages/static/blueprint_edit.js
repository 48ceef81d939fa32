// Writing a blueprint: whatever is typed is weighed against the bank at once, and kept as a new version in the end.

import { html, render, useEffect, useMemo, useRef, useState } from "../core/vendor/preact-htm.js";
import { speaker } from "../exam_server/words.js";
import { close, newTable, open, sumSupply } from "./blueprint_draft.js";
import { Example } from "./blueprint_example.js";
import { Grid } from "./blueprint_grid.js";
import { Banner, ChoiceField, Desk, Icon, TextField, post } from "./blueprint_pieces.js";
import { Settings } from "./blueprint_settings.js";
import { Figures, Supply } from "./blueprint_verdict.js";
import { words } from "./blueprint_words.js";

const PAUSE_MS = 250;

const place = document.getElementById("blueprint");
const data = JSON.parse(document.getElementById("blueprint-data").textContent);
const say = speaker(words);
let dirty = false;

function Editor() {
  const [edited, setEdited] = useState(() => open(data.draft));
  const [checked, setChecked] = useState(null);
  const [state, setState] = useState("checking");
  const [fields, setFields] = useState({});
  const [refusal, setRefusal] = useState(null);
  const [saving, setSaving] = useState(false);
  const [tried, setTried] = useState(data.draft.version > 0);
  const supply = useRef({ mark: "", list: null });
  const alarm = useRef();

  const change = (next) => {
    dirty = true;
    setEdited(next);
  };
  const changeTable = (key) => (next) =>
    change((now) => ({ ...now, tables: now.tables.map((one) => (one.key === key ? next(one) : one)) }));

  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      setState("checking");
      const { blueprint, places } = close(edited);
      try {
        const said = await post(`/staff/blueprints/check?known=${supply.current.mark}`, blueprint, stop.signal);
        if (said.supply) {
          supply.current = { mark: said.mark, list: said.supply };
        }
        setChecked({ said, places, blueprint, list: supply.current.list });
        setFields(said.fields);
        setState("");
      } catch (error) {
        if (error?.name === "Refused") {
          setFields(error.fields);
          setChecked((now) => now && { ...now, places: [], refused: places });
          setState("refused");
        } else if (error?.name !== "AbortError") {
          setState("failed");
        }
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [edited]);

  const save = async (event) => {
    event.preventDefault();
    setSaving(true);
    setTried(true);
    setRefusal(null);
    try {
      const { address } = await post("/staff/blueprints/save", close(edited).blueprint);
      dirty = false;
      location.assign(address);
    } catch (error) {
      setSaving(false);
      setRefusal(error ?? { detail: say("noLine"), fields: {} });
      setFields(error?.fields ?? {});
      alarm.current?.focus();
    }
  };

  const list = checked?.list;
  const supplies = useMemo(
    () => list && { four_option: sumSupply(list, "four_option"), case: sumSupply(list, "case") },
    [list],
  );
  const at = close(edited).places;
  return html`
    <${Desk.Provider} value=${{ data, say }}>
      <form class="stack stack--loose" onSubmit=${save} novalidate>
        <p class="note">${say("matrixHelp")}</p>
        <${Bar} state=${state} checked=${checked} />
        <div class="blueprint">
          <div class="stack stack--loose">
            ${edited.tables.map((table) => html`
              <${Table} key=${table.key} table=${table} edited=${edited} supply=${supplies?.[table.kind] ?? null}
                verdicts=${verdictsOf(checked, table)} faults=${faultsOf(fields, at, table)} weight=${weightFault(fields, at, table)}
                onChange=${changeTable(table.key)}
                onRemove=${() => change((now) => ({ ...now, tables: now.tables.filter((one) => one !== table) }))} />`)}
            <${MoreTables} edited=${edited} onChange=${change} />
          </div>
          <aside class="blueprint__aside stack" id="supply" aria-label=${say("supplyTitle")}>
            <${Supply} state=${state} checked=${checked} tables=${edited.tables} onMend=${change} />
            <${Figures} checked=${checked} edited=${edited} />
          </aside>
        </div>
        <${Settings} edited=${edited} fields=${tried ? fields : started(fields)} onChange=${change} />
        <${Example} draft=${() => close(edited).blueprint} />
        <div class="stack stack--tight">
          <div ref=${alarm} tabindex="-1" role="alert">
            ${refusal && html`<${Banner} kind="danger" title=${say("notSaved")}>
              <p>${refusal.detail}</p>${Object.values(refusal.fields).map((one) => html`<p>${one}</p>`)}<//>`}
          </div>
          <p class="note">${say("saveNote")}</p>
          <div><button class="btn btn--primary" aria-busy=${saving ? "true" : null} disabled=${saving}>
            ${say(saving ? "saving" : "save")}</button></div>
        </div>
      </form>
    <//>
  `;
}

function Table({ table, edited, supply, verdicts, faults, weight, onChange, onRemove }) {
  const several = edited.tables.filter((one) => one.kind === table.kind).length > 1;
  return html`
    <section class="card">
      <div class="cluster cluster--between">
        <h2>${say(table.kind === "case" ? "case" : "fourOption")}</h2>
        ${several && html`<button class="btn btn--quiet btn--small" type="button" onClick=${onRemove}>
          <${Icon} name="x" />${say("removeMatrix")}</button>`}
      </div>
      <div class="filters filters--plain">
        <${TextField} id=${`weight-${table.key}`} label=${say("weight")} hint=${say("weightHint")} numeric error=${weight}
          value=${table.weight} onText=${(text) => onChange((now) => ({ ...now, weight: text }))} />
        ${edited.sections.length > 0 && html`
          <${ChoiceField} id=${`section-${table.key}`} label=${say("section")} value=${String(table.section)}
            options=${edited.sections.map((one, number) => [String(number), `${number + 1}. ${one.title}`])}
            onText=${(text) => onChange((now) => ({ ...now, section: Number(text) }))} />`}
      </div>
      <${Grid} table=${table} supply=${supply} verdicts=${verdicts} faults=${faults} onChange=${onChange} />
    </section>
  `;
}

function MoreTables({ edited, onChange }) {
  const add = (kind) => onChange((now) => ({ ...now, tables: [...now.tables, newTable(kind, Math.max(0, now.sections.length - 1))] }));
  return html`
    <div class="stack stack--tight">
      <div class="cluster">
        ${["four_option", "case"].map((kind) => html`
          <button class="btn btn--secondary btn--small" type="button" onClick=${() => add(kind)}>
            <${Icon} name="plus" />${say("addMatrix")}: ${say(kind === "case" ? "case" : "fourOption").toLowerCase()}</button>`)}
      </div>
      <p class="note">${say("addMatrixHint")}</p>
    </div>
  `;
}

/** The verdict in one line, for a window where the whole of it stands below the tables. */
function Bar({ state, checked }) {
  if (!checked || checked.blueprint.cells.length === 0) {
    return null;
  }
  const bad = state === "refused" || !checked.said.fillable;
  return html`<a class=${`blueprint__bar ${bad ? "blueprint__bar--danger" : ""}`} href="#supply">
    <${Icon} name=${bad ? "circle-alert" : "circle-check"} />
    ${say(state === "refused" ? "mendFirst" : bad ? "unfillable" : "fillable")}</a>`;
}

/** Nobody is told off for what they have not come to yet: empty names wait for the first try to save. */
function started(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "title" && name !== "id"));
}

/** What was said of the cells of a table, by place. */
function verdictsOf(checked, table) {
  const found = new Map();
  checked?.places.forEach((one, number) => {
    if (one.table === table.key) {
      found.set(one.place, checked.said.cells[number]);
    }
  });
  return found;
}

/** What is wrong with the cells of a table, by place: the server names them as `cells.N`. */
function faultsOf(fields, places, table) {
  const found = new Map();
  for (const [name, text] of Object.entries(fields)) {
    const number = /^cells\.(\d+)(?:\.(?:count|requirement|section))?$/.exec(name)?.[1];
    if (number !== undefined && places[number]?.table === table.key) {
      found.set(places[number].place, text);
    }
  }
  return found;
}

function weightFault(fields, places, table) {
  const name = Object.keys(fields).find((one) => {
    const number = /^cells\.(\d+)\.weight$/.exec(one)?.[1];
    return number !== undefined && places[number]?.table === table.key;
  });
  return name ? fields[name] : "";
}

addEventListener("beforeunload", (event) => {
  if (dirty) {
    event.preventDefault();
  }
});
place.replaceChildren();
render(html`<${Editor} />`, place);
