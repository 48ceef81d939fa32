// Formulas of items: built anew in the namespace of MathML, of what is allowed and nothing else (formulas.py says the same).

import { html, useLayoutEffect, useRef } from "../core/vendor/preact-htm.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
/** The only ones that hold characters. */
const TOKENS = ["mi", "mn", "mo", "mtext"];
export const FORMULA = new Set([
  ...TOKENS, "math", "mfrac", "mmultiscripts", "mover", "mprescripts", "mroot", "mrow", "mspace", "msqrt", "msub",
  "msubsup", "msup", "mtable", "mtd", "mtr", "munder", "munderover",
]);
const SWITCH = "true|false";
const LENGTH = "[0-9](?:\\.[0-9]{1,3})?(?:em|ex)|[0-9]{1,2}(?:\\.[0-9]{1,3})?(?:px|pt)|0";
const SPAN = "[1-9]|1[0-9]|20";
/** What each may have, and the values. */
export const VALUES = {
  math: { alttext: "[^\\x00-\\x1f]{0,300}", display: "block|inline" },
  mfrac: { linethickness: LENGTH },
  mi: { mathvariant: "normal" },
  mo: {
    fence: SWITCH, form: "prefix|infix|postfix", largeop: SWITCH, lspace: LENGTH, movablelimits: SWITCH, rspace: LENGTH,
    separator: SWITCH, stretchy: SWITCH,
  },
  mover: { accent: SWITCH },
  mspace: { width: LENGTH },
  mtd: { columnspan: SPAN, rowspan: SPAN },
  munder: { accentunder: SWITCH },
  munderover: { accent: SWITCH, accentunder: SWITCH },
};
const DEEPEST = 24;

/** `source`: a <math> of an inert document. One in a line of its own scrolls where it is wider than the page. */
export function Formula({ source }) {
  const place = useRef();
  const kept = useRef(source);
  if (!kept.current.isEqualNode(source)) {
    kept.current = source;
  }
  useLayoutEffect(() => {
    const made = copy(source, 0);
    place.current.replaceChildren(...(made ? [made] : []));
    const wide = () => {
      if (place.current.scrollWidth > place.current.clientWidth) {
        place.current.tabIndex = 0;
      } else {
        place.current.removeAttribute("tabindex");
      }
    };
    const watch = new ResizeObserver(wide);
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [kept.current]);
  const block = source.getAttribute("display") === "block";
  return html`<span class=${`formula ${block ? "formula--block" : ""}`} ref=${place}></span>`;
}

function copy(source, depth) {
  const tag = source.localName;
  if (source.namespaceURI !== MATHML || !FORMULA.has(tag) || (tag === "math") !== (depth === 0) || depth >= DEEPEST) {
    return null;
  }
  const made = document.createElementNS(MATHML, tag);
  for (const [name, value] of Object.entries(VALUES[tag] ?? {})) {
    const given = source.getAttribute(name);
    if (given !== null && new RegExp(`^(?:${value})$`, "u").test(given)) {
      made.setAttribute(name, given);
    }
  }
  const said = made.getAttribute("alttext")?.trim();
  if (said) {
    made.setAttribute("role", "math");
    made.setAttribute("aria-label", said);
  }
  for (const child of source.childNodes) {
    const part = child.nodeType === Node.TEXT_NODE
      ? TOKENS.includes(tag) && document.createTextNode(child.data)
      : child.nodeType === Node.ELEMENT_NODE && !TOKENS.includes(tag) && copy(child, depth + 1);
    if (part) {
      made.append(part);
    }
  }
  return made;
}
