// A field for rich text: typed as it looks, with a toolbar; what comes out is only what is allowed.

import { html, useLayoutEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { Icon } from "../exam_server/pieces.js";
import { FormulaDialog, PictureDialog, TableDialog, drawFormula } from "./editor_inserts.js";
import { blankTable, buildNodes, cleanPasted, formulaChip, pictureNode, write } from "./editor_markup.js";

const addressOf = (asset) => `/staff/bank/assets/${asset}`;
const INLINE_TOOLS = [["bold", "toolBold", "Ж"], ["italic", "toolItalic", "К"], ["subscript", "toolSub", "x₂"], ["superscript", "toolSup", "x²"]];
const BLOCK_TOOLS = [["insertUnorderedList", "toolList", "•"], ["insertOrderedList", "toolNumbers", "1."]];

/** `value` and `onChange` speak our markup. `inline`: an option, one line. */
export function RichField({ id, value, inline = false, label, describedby, invalid, onChange, say, upload }) {
  const place = useRef();
  const written = useRef(null);
  const range = useRef(null);
  const [source, setSource] = useState(false);
  const [asking, setAsking] = useState(null);
  const [tools, setTools] = useState(false);

  // Before the next key: a later look would put back what has been typed over since.
  useLayoutEffect(() => {
    if (!source && value !== written.current) {
      place.current.replaceChildren(...buildNodes(value, addressOf, drawFormula));
      written.current = value;
    }
  }, [value, source]);

  const take = () => {
    written.current = write(place.current, inline);
    onChange(written.current);
  };
  const command = (name, argument) => {
    place.current.focus();
    document.execCommand("defaultParagraphSeparator", false, "p");
    document.execCommand(name, false, argument);
    take();
  };
  /** A dialog takes the caret away: it is put back before anything is inserted. */
  const ask = (what) => {
    const selection = getSelection();
    const inside = selection.rangeCount && place.current.contains(selection.anchorNode);
    range.current = inside ? selection.getRangeAt(0).cloneRange() : null;
    setAsking(what);
  };
  const insert = (...nodes) => {
    setAsking(null);
    place.current.focus();
    const selection = getSelection();
    const here = range.current ?? endOf(place.current);
    here.deleteContents();
    const last = nodes.at(-1);
    const part = document.createDocumentFragment();
    part.append(...nodes);
    here.insertNode(part);
    here.setStartAfter(last);
    here.collapse(true);
    selection.removeAllRanges();
    selection.addRange(here);
    take();
  };
  const bring = async (files) => {
    const [file] = [...files].filter((one) => one.type.startsWith("image/"));
    if (file) {
      ask({ what: "picture", file });
    }
  };
  const paste = (event) => {
    event.preventDefault();
    const from = event.clipboardData ?? event.dataTransfer;
    if (from.files.length) {
      bring(from.files);
      return;
    }
    const rich = from.getData("text/html");
    const text = rich ? cleanPasted(rich, inline) : "";
    if (/<(math|img)/.test(text)) {
      range.current = getSelection().getRangeAt(0).cloneRange();
      insert(...buildNodes(text, addressOf, drawFormula));
      return;
    }
    if (text) {
      document.execCommand("insertHTML", false, text);
    } else {
      document.execCommand("insertText", false, from.getData("text/plain").replace(inline ? /\s+/g : /\r/g, inline ? " " : ""));
    }
    take();
  };
  const keydown = (event) => {
    if (inline && event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
    }
  };
  const tool = (key, label, sign, work, pressed) => html`
    <button class="rich-field__tool" type="button" key=${key} aria-label=${say(label)} title=${say(label)} aria-pressed=${pressed}
      onMouseDown=${(event) => event.preventDefault()} onClick=${work}>${typeof sign === "string" ? html`<span aria-hidden="true" data-sign=${sign}></span>` : sign}</button>
  `;
  return html`
    <div class=${`rich-field ${inline ? "rich-field--inline" : ""} ${tools || !inline ? "rich-field--tools" : ""}`}
      onFocusIn=${() => setTools(true)} onFocusOut=${(event) => event.currentTarget.contains(event.relatedTarget) || setTools(false)}>
      <div class="rich-field__tools" role="group" aria-label=${say("tools", { field: label })}>
        ${!source && [...INLINE_TOOLS, ...(inline ? [] : BLOCK_TOOLS)].map(([name, words, sign]) => tool(name, words, sign, () => command(name)))}
        ${!source && !inline && tool("table", "toolTable", html`<${Icon} name="grid" />`, () => ask({ what: "table" }))}
        ${!source && tool("picture", "toolPicture", html`<${Icon} name="camera" />`, () => ask({ what: "picture" }))}
        ${!source && tool("formula", "toolFormula", "ƒ", () => ask({ what: "formula", source: "" }))}
        ${tool("source", "toolSource", "</>", () => setSource(!source), String(source))}
      </div>
      ${source
        ? html`<textarea class="input rich-field__source" id=${id} rows=${inline ? 2 : 8} spellcheck=${false} aria-label=${`${label}: ${say("toolSource")}`}
            aria-describedby=${describedby} aria-invalid=${invalid} value=${value} onInput=${(event) => onChange(event.target.value)} />`
        : html`<div class="input rich-field__place rich prose" id=${id} contenteditable="true" role="textbox" aria-multiline=${String(!inline)} aria-label=${label}
            aria-describedby=${describedby} aria-invalid=${invalid} lang="ru" ref=${place} onInput=${take} onPaste=${paste} onDrop=${paste} onKeyDown=${keydown}
            onDblClick=${(event) => {
              const chip = event.target.closest("[data-formula]");
              if (chip) {
                setAsking({ what: "formula", source: chip.dataset.formula, chip });
              }
              const image = event.target.closest("img");
              if (image) {
                setAsking({ what: "picture", image, alt: image.alt });
              }
            }} />`}
      ${asking?.what === "table" && html`<${TableDialog} say=${say} onClose=${() => setAsking(null)}
        onDone=${(rows, columns, caption) => insert(...buildNodes(blankTable(rows, columns, caption, say("column")), addressOf, drawFormula))} />`}
      ${asking?.what === "picture" && html`<${PictureDialog} say=${say} upload=${upload} file=${asking.file} alt=${asking.alt} known=${asking.image && { asset: asking.image.dataset.asset, width: asking.image.getAttribute("width"), height: asking.image.getAttribute("height") }}
        onClose=${() => setAsking(null)}
        onDone=${({ asset, width, height }, alt) => {
          const image = pictureNode(asset, alt, addressOf, [width, height]);
          if (asking.image) {
            asking.image.replaceWith(image);
            setAsking(null);
            take();
          } else {
            insert(image);
          }
        }} />`}
      ${asking?.what === "formula" && html`<${FormulaDialog} say=${say} source=${asking.source} onClose=${() => setAsking(null)}
        onDone=${(text, drawn) => {
          if (asking.chip) {
            asking.chip.replaceWith(formulaChip(text, drawn));
            setAsking(null);
            take();
          } else {
            insert(formulaChip(text, drawn));
          }
        }} />`}
    </div>
  `;
}

function endOf(place) {
  const range = document.createRange();
  range.selectNodeContents(place);
  range.collapse(false);
  return range;
}
