// Small parts of the pages about blueprints.

import { createContext, html, useContext } from "../core/vendor/preact-htm.js";

/** { data, say }: what every part may look at. */
export const Desk = createContext(null);
export const useDesk = () => useContext(Desk);

export function Icon({ name }) {
  const { data } = useDesk();
  return html`<svg class="icon" aria-hidden="true"><use href=${`${data.icons}#${name}`} /></svg>`;
}

const BANNER_ICONS = { info: "info", ok: "circle-check", warn: "alert-triangle", danger: "circle-alert" };

export function Banner({ kind, title, children }) {
  return html`
    <div class=${`banner banner--${kind}`}>
      <${Icon} name=${BANNER_ICONS[kind]} />
      <div class="banner__body">${title && html`<p class="banner__title">${title}</p>`}${children}</div>
    </div>
  `;
}

/** A label, a hint, what is wrong, and a control that is told its id and description. */
export function Field({ id, label, hint = "", error = "", children }) {
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || null;
  return html`
    <div class=${`field ${error ? "field--invalid" : ""}`}>
      <label class="field__label" for=${id}>${label}</label>
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      ${error && html`<span class="field__error" id=${`${id}-error`}><${Icon} name="circle-alert" /><span>${error}</span></span>`}
      ${children({ id, "aria-describedby": described, "aria-invalid": error ? "true" : null })}
    </div>
  `;
}

export function TextField({ value, onText, numeric = false, ...field }) {
  return html`
    <${Field} ...${field}>${(common) => html`
      <input class=${`input ${numeric ? "input--short" : ""}`} type="text" inputmode=${numeric ? "decimal" : null}
        autocomplete="off" ...${common} value=${value} onInput=${(event) => onText(event.target.value)} />`}<//>
  `;
}

export function ChoiceField({ value, options, onText, ...field }) {
  return html`
    <${Field} ...${field}>${(common) => html`
      <select class="input" ...${common} value=${value} onChange=${(event) => onText(event.target.value)}>
        ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
      </select>`}<//>
  `;
}

export function Tick({ checked, label, hint = "", onTick, disabled = false }) {
  return html`
    <label class="choice">
      <input class="choice__mark" type="checkbox" checked=${checked} disabled=${disabled}
        onChange=${(event) => onTick(event.target.checked)} />
      <span class="choice__text">${label}${hint && html`<span class="choice__hint">${hint}</span>`}</span>
    </label>
  `;
}

/** Sends JSON with the page's token. Gives what came back; throws { fields, detail } of a refusal, or null for no line. */
export async function post(address, content, signal) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      signal,
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "x-csrf-token": document.querySelector('meta[name="csrf-token"]').content,
      },
      body: JSON.stringify(content),
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : null;
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) {
    throw { name: "Refused", code: said?.code ?? "", detail: said?.detail ?? "", fields: said?.fields ?? {} };
  }
  return said;
}
