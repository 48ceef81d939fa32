// Rich texts of items: the markup is read into an inert document, and only what is allowed is built from it.

import { createContext, h, html, useContext, useEffect, useState } from "../core/vendor/preact-htm.js";
import { Formula } from "./formula.js";
import { Dialog, Icon, Prose, useExam } from "./pieces.js";
import { typeset } from "./words.js";

const ATTRIBUTES = {
  br: [], em: [], strong: [], sub: [], sup: [],
  caption: [], li: [], ol: [], p: [], ul: [],
  table: [], tbody: [], thead: [], tr: [],
  td: ["colspan", "rowspan"],
  th: ["colspan", "rowspan", "scope"],
};
/** Of these not even the words are kept. */
const DROPPED = new Set(["embed", "frame", "iframe", "object", "script", "style", "svg", "template", "title"]);

/** Where the pictures of what is shown can be fetched: a map from asset to address. */
export const Media = createContext(new Map());
export const mediaOf = (exhibits = []) => new Map(exhibits.map(({ asset, address }) => [asset, address]));

/** A text in its own markup. `block`: it stands by itself; else it is part of a line or a row. */
export function Text({ text, markup = "text", block = false, zoom = block, class: name = "" }) {
  if (markup !== "html") {
    return block ? html`<${Prose} text=${text} class=${name} />` : typeset(text);
  }
  return html`<${Rich} text=${text} block=${block} zoom=${zoom} class=${name} />`;
}

function Rich({ text, block, zoom, class: name }) {
  const [large, setLarge] = useState(null);
  const parts = build(read(text), zoom ? setLarge : null);
  const Place = block ? "div" : "span";
  return html`
    <${Place} class=${`rich ${block ? "prose" : ""} ${name}`} lang="ru">${parts}<//>
    ${large && html`<${Large} picture=${large} onClose=${() => setLarge(null)} />`}
  `;
}

/** The pictures of a text: { asset, alt }. */
export function picturesOf(text, markup) {
  const images = markup === "html" ? [...read(text).querySelectorAll("img")] : [];
  return images.map((image) => ({ asset: image.dataset.asset, alt: image.alt }));
}

const read = (text) => new DOMParser().parseFromString(text, "text/html").body;

function build(node, onZoom) {
  return [...node.childNodes].map((child) => {
    if (child.nodeType === Node.TEXT_NODE) {
      return typeset(child.data);
    }
    const tag = child.nodeType === Node.ELEMENT_NODE ? child.localName : "";
    if (!tag || DROPPED.has(tag)) {
      return null;
    }
    if (tag === "img") {
      return html`<${Figure} asset=${child.dataset.asset} alt=${child.alt} width=${child.getAttribute("width")}
        height=${child.getAttribute("height")} onZoom=${onZoom} />`;
    }
    if (tag === "math") {
      return html`<${Formula} source=${child} />`;
    }
    const inner = build(child, onZoom);
    if (!(tag in ATTRIBUTES)) {
      return inner;
    }
    const given = ATTRIBUTES[tag].filter((name) => child.hasAttribute(name)).map((name) => [name, child.getAttribute(name)]);
    const made = h(tag, Object.fromEntries(given), ...inner);
    return tag === "table"
      ? html`<div class="rich__table" tabindex="0" role="region" aria-label=${child.caption?.textContent ?? ""}>${made}</div>`
      : made;
  });
}

/** Its size is known before it comes, so nothing moves. Pressed it is shown as large as the window allows. */
function Figure({ asset, alt, width, height, onZoom }) {
  const { model, say } = useExam();
  const address = useContext(Media).get(asset);
  const [lost, setLost] = useState(false);
  useEffect(() => setLost(false), [model.offline, address]); // tried again when the connection is back, or at a new address
  if (!address || lost) {
    return html`<span class="rich__lost"><${Icon} name="info" /><span>${alt} ${say("pictureLost")}</span></span>`;
  }
  const image = html`<img src=${address} alt=${alt} width=${width} height=${height} onError=${() => setLost(true)} />`;
  return onZoom
    ? html`<button class="rich__zoom" type="button" aria-haspopup="dialog" title=${say("enlarge")} onClick=${() => onZoom({ asset, alt })}>
        ${image}<span class="visually-hidden">${say("enlarge")}</span>
      </button>`
    : image;
}

/** A picture by itself: fitted to the window, and pressed again in its own size. */
export function Large({ picture, onClose }) {
  const { say } = useExam();
  const address = useContext(Media).get(picture.asset);
  const [whole, setWhole] = useState(false);
  return html`
    <${Dialog} title=${say("picture")} onClose=${onClose}>
      <div class=${`large ${whole ? "large--whole" : ""}`} tabindex="0" role="region" aria-label=${say("picture")}>
        <img src=${address} alt=${picture.alt} />
      </div>
      <div class="dialog__actions">
        <button class="btn btn--secondary" type="button" aria-pressed=${String(whole)} onClick=${() => setWhole(!whole)}>${say("ownSize")}</button>
      </div>
    <//>
  `;
}
