// Fields that look things up on the server while one types: the requirement, and items that exclude each other.

import { html, useEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { Icon } from "../exam_server/pieces.js";
import { Notes, describedBy, useEditor } from "./editor_form.js";

const PAUSE = 250;

/** `[found, look]`: what the server has for the words; the newest question's answer counts. */
function useLookup(path) {
  const [found, setFound] = useState([]);
  const count = useRef(0);
  const timer = useRef(null);
  const look = (values) => {
    clearTimeout(timer.current);
    const asked = ++count.current;
    if (values === null) {
      setFound([]);
      return;
    }
    timer.current = setTimeout(async () => {
      try {
        const answer = await fetch(`${path}?${new URLSearchParams(values)}`, { headers: { accept: "application/json" } });
        if (answer.ok && asked === count.current) {
          setFound((await answer.json()).found);
        }
      } catch {
        // No connection: what is typed stays, and the next letter asks again.
      }
    }, PAUSE);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return [found, look];
}

/** A combobox: arrows walk the list, Enter takes a line, Escape closes it. */
function Combobox({ id, label, hint, field, shown, found, lineOf, onWords, onPick, onLeave }) {
  const { model, say } = useEditor();
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const [words, setWords] = useState(null);
  const listed = open && found.length > 0;
  const here = Math.min(at, found.length - 1);
  const pick = (one) => {
    setOpen(false);
    setWords(null);
    onPick(one);
  };
  const keydown = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && found.length) {
      event.preventDefault();
      setOpen(true);
      setAt(open ? (here + steps[event.key] + found.length) % found.length : 0);
    } else if (event.key === "Enter" && listed && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      pick(found[here]);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      setOpen(false);
      setWords(null);
    }
  };
  return html`
    <div class=${`field editor__combobox ${model.faults[field] ? "field--invalid" : ""}`}>
      <label class="field__label" for=${id}>${label}</label>
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      <input class="input" id=${id} role="combobox" autocomplete="off" aria-autocomplete="list" aria-expanded=${String(listed)} aria-controls=${`${id}-list`}
        aria-activedescendant=${listed ? `${id}-${here}` : null} aria-describedby=${describedBy(model, id, field, Boolean(hint))}
        value=${words ?? shown} onInput=${(event) => { setWords(event.target.value); setOpen(true); setAt(0); onWords(event.target.value); }}
        onFocus=${() => onWords(words ?? "")} onKeyDown=${keydown} onBlur=${() => { setOpen(false); setWords(null); onLeave?.(); }} />
      <ul class="editor__options" id=${`${id}-list`} role="listbox" aria-label=${label} hidden=${!listed}>
        ${listed && found.map((one, place) => html`
          <li role="option" id=${`${id}-${place}`} key=${place} aria-selected=${String(place === here)} onMouseDown=${(event) => { event.preventDefault(); pick(one); }}>${lineOf(one)}</li>
        `)}
      </ul>
      <span class="visually-hidden" role="status">${listed ? say("foundCount", { count: found.length }) : ""}</span>
      <${Notes} id=${id} field=${field} />
    </div>
  `;
}

export function RequirementField() {
  const { model, act, say } = useEditor();
  const { draft } = model;
  const [found, look] = useLookup("/staff/bank/find/requirements");
  const shown = draft.requirement ? `${draft.requirement} ${model.requirement}`.trim() : "";
  return html`
    <${Combobox} id="f-requirement" field="requirement" label=${say("requirement")} hint=${say("requirementHint")} shown=${shown} found=${found}
      lineOf=${(one) => html`<b>${one.code}</b> ${one.title}${one.section && html` <span class="note">${one.section}</span>`}`}
      onWords=${(words) => look({ q: words, speciality: draft.speciality })}
      onPick=${(one) => act.setRequirement(one)} onLeave=${() => act.touch("requirement")} />
  `;
}

/** Items that give each other away: never on one form. */
export function Enemies() {
  const { model, act, say } = useEditor();
  const [found, look] = useLookup("/staff/bank/find/items");
  const others = found.filter((one) => one.item !== model.data.item && !model.enemies.some((known) => known.item === one.item));
  return html`
    <p class="note">${say("enemiesHint")}</p>
    ${model.enemies.length > 0 && html`
      <ul class="editor__enemies">
        ${model.enemies.map((one) => html`
          <li key=${one.item}><span><b>${one.item}</b> ${one.stem}</span>
            <button class="btn btn--quiet btn--small" type="button" aria-label=${say("enemyDrop", { item: one.item })} onClick=${() => act.setEnemies(model.enemies.filter((other) => other !== one))}><${Icon} name="x" /></button></li>
        `)}
      </ul>
    `}
    <${Combobox} id="f-enemy" field="enemies" label=${say("enemyAdd")} shown="" found=${others} lineOf=${(one) => html`<b>${one.item}</b> ${one.stem}`}
      onWords=${(words) => look(words.trim() ? { q: words } : null)} onPick=${(one) => act.setEnemies([...model.enemies, one])} />
  `;
}
