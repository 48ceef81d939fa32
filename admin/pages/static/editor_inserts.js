// Windows that ask for what is put into a rich text: a picture with its words, a table, a formula.

import { html, useEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { FORMULA } from "../exam_server/formula.js";
import { Dialog } from "../exam_server/pieces.js";

const FORMULAS = [
  ["fraction", "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"],
  ["power", "<math><msup><mi>x</mi><mn>2</mn></msup></math>"],
  ["index", "<math><msub><mi>x</mi><mn>1</mn></msub></math>"],
  ["root", "<math><msqrt><mi>x</mi></msqrt></math>"],
  ["equation", "<math><mi>V</mi><mo>=</mo><mfrac><mrow><mi>m</mi><mo>×</mo><mi>k</mi></mrow><mi>t</mi></mfrac></math>"],
];
const MATHML = "http://www.w3.org/1998/Math/MathML";

/** A formula of an inert document as nodes of ours: names that are known, and nothing else. */
export function drawFormula(source) {
  const made = document.createElementNS(MATHML, FORMULA.has(source.localName) ? source.localName : "mrow");
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      made.append(child.data);
    } else if (child.nodeType === Node.ELEMENT_NODE && child.namespaceURI === MATHML) {
      made.append(drawFormula(child));
    }
  }
  return made;
}

function Frame({ title, say, children, onClose, onDone, off, done }) {
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <div class="form">
        ${children}
        <div class="dialog__actions">
          <button class="btn btn--secondary" type="button" onClick=${onClose}>${say("cancel")}</button>
          <button class="btn btn--primary" type="button" aria-disabled=${String(Boolean(off))} onClick=${() => off || onDone()}>${done}</button>
        </div>
      </div>
    <//>
  `;
}

export function Line({ id, label, hint = "", value, onInput, ...rest }) {
  return html`
    <div class="field">
      <label class="field__label" for=${id}>${label}</label>
      ${hint && html`<span class="field__hint" id=${`${id}-hint`}>${hint}</span>`}
      <input class="input" id=${id} value=${value} aria-describedby=${hint ? `${id}-hint` : null} onInput=${(event) => onInput(event.target.value)} ...${rest} />
    </div>
  `;
}

export function PictureDialog({ say, upload, file = null, alt: first = "", known = null, onClose, onDone }) {
  const [alt, setAlt] = useState(first);
  const [kept, setKept] = useState(known);
  const asset = kept?.asset;
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (picked) => {
    if (!picked) {
      return;
    }
    setBusy(true);
    setTrouble("");
    try {
      setKept(await upload(picked));
    } catch (problem) {
      setTrouble(problem.message);
    }
    setBusy(false);
  };
  useEffect(() => {
    send(file);
  }, []);
  return html`
    <${Frame} title=${say("picture")} say=${say} onClose=${onClose} done=${say("insert")} off=${!asset || !alt.trim() || busy} onDone=${() => onDone(kept, alt.trim())}>
      <div class="field">
        <label class="field__label" for="picture-file">${say("pictureFile")}</label>
        <span class="field__hint" id="picture-file-hint">${say("pictureHint")}</span>
        <input class="input" id="picture-file" type="file" accept="image/png,image/jpeg,image/webp" aria-describedby="picture-file-hint"
          onChange=${(event) => send(event.target.files[0])} />
        ${trouble && html`<span class="field__error" role="alert">${trouble}</span>`}
        <span role="status">${busy && say("uploading")}</span>
      </div>
      ${asset && html`<img class="editor__picture" src=${`/staff/bank/assets/${asset}`} alt=${say("picturePreview")} />`}
      <${Line} id="picture-alt" label=${say("pictureAlt")} hint=${say("pictureAltHint")} value=${alt} onInput=${setAlt} maxlength="300" />
    <//>
  `;
}

export function TableDialog({ say, onClose, onDone }) {
  const [caption, setCaption] = useState("");
  const [rows, setRows] = useState("3");
  const [columns, setColumns] = useState("3");
  const count = (text) => Math.min(30, Math.max(1, Number.parseInt(text, 10) || 1));
  return html`
    <${Frame} title=${say("table")} say=${say} onClose=${onClose} done=${say("insert")} off=${!caption.trim()} onDone=${() => onDone(count(rows), count(columns), caption.trim())}>
      <${Line} id="table-caption" label=${say("tableCaption")} hint=${say("tableCaptionHint")} value=${caption} onInput=${setCaption} maxlength="200" />
      <div class="cluster">
        <${Line} id="table-rows" label=${say("tableRows")} value=${rows} onInput=${setRows} inputmode="numeric" />
        <${Line} id="table-columns" label=${say("tableColumns")} value=${columns} onInput=${setColumns} inputmode="numeric" />
      </div>
    <//>
  `;
}

export function FormulaDialog({ say, source, onClose, onDone }) {
  const [text, setText] = useState(source || FORMULAS[0][1]);
  const shown = useRef();
  const math = new DOMParser().parseFromString(text, "text/html").body.querySelector("math");
  useEffect(() => {
    shown.current.replaceChildren(...(math ? [drawFormula(math)] : []));
  }, [text]);
  return html`
    <${Frame} title=${say("formula")} say=${say} onClose=${onClose} done=${say("insert")} off=${!math} onDone=${() => onDone(math.outerHTML, drawFormula(math))}>
      <p class="note">${say("formulaHint")}</p>
      <div class="cluster">
        ${FORMULAS.map(([name, written]) => html`<button class="btn btn--secondary btn--small" type="button" key=${name} onClick=${() => setText(written)}>${say(`formula_${name}`)}</button>`)}
      </div>
      <div class="field">
        <label class="field__label" for="formula-source">MathML</label>
        <textarea class="input" id="formula-source" rows="5" spellcheck=${false} value=${text} onInput=${(event) => setText(event.target.value)} />
        ${!math && html`<span class="field__error" role="status">${say("formulaUnread")}</span>`}
      </div>
      <div class="editor__formula" ref=${shown} role="img" aria-label=${say("formulaPreview")}></div>
    <//>
  `;
}
