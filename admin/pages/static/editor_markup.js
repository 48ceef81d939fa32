// Rich text of an item, read into a field that can be typed in and written back: what is not allowed stays behind.

const INLINE = new Set(["br", "em", "img", "strong", "sub", "sup"]);
const RENAMED = { b: "strong", i: "em" };
/** Of these not even the words are kept. */
const DROPPED = new Set(["embed", "frame", "head", "iframe", "link", "meta", "object", "script", "style", "svg", "template", "title"]);
const PARAGRAPHS = new Set(["address", "article", "blockquote", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "p", "pre", "section"]);
const TABLE = new Set(["thead", "tbody", "tr", "caption", "td", "th"]);
const ATTRIBUTES = { td: ["colspan", "rowspan"], th: ["colspan", "rowspan", "scope"] };
const SCOPES = new Set(["col", "row"]);
const ASSET = /^[a-z0-9][a-z0-9-]{1,63}$/;
const LONGEST_ALT = 300;

const parse = (text) => new DOMParser().parseFromString(text, "text/html").body;
const escapeText = (text) => text.replace(/[&<>\u00a0]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\u00a0": "&nbsp;" })[one]);
const escapeValue = (text) => escapeText(text).replace(/"/g, "&quot;");
/**
 * Characters that nobody types go; line ends and tabs are spaces in HTML, and so are the hard spaces that a browser
 * puts at the ends of a text while it is typed.
 */
const tidy = (text) => text.replace(/(^|\s)\u00a0|\u00a0(?=\s|$)/g, "$1 ").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "").replace(/[\ud800-\udbff](?![\udc00-\udfff])/g, "").replace(/[ \t\r\n]+/g, " ");

/** The words of a text in either markup. */
export const plainOf = (text, markup) => {
  if (markup !== "html") {
    return text;
  }
  const body = parse(text);
  for (const image of body.querySelectorAll("img")) {
    image.replaceWith(` ${image.alt} `);
  }
  for (const end of body.querySelectorAll("p, li, tr, td, th, caption, br")) {
    end.after(" ");
  }
  return body.textContent.replace(/\s+/g, " ").trim();
};

/** Plain text as rich text that looks the same. */
export function enrich(text, inline) {
  const lines = text.split(/\n+/).map((line) => line.trim()).filter(Boolean);
  return inline ? escapeText(lines.join(" ")) : lines.map((line) => `<p>${escapeText(line)}</p>`).join("");
}

/** Rich text as plain text: paragraphs stay, looks and pictures go. */
export function flatten(text, inline) {
  const body = parse(text);
  for (const image of body.querySelectorAll("img")) {
    image.replaceWith(image.alt);
  }
  for (const end of body.querySelectorAll("p, li, tr, caption, br")) {
    end.after("\n");
  }
  const lines = body.textContent.split("\n").map((line) => line.replace(/\s+/g, " ").trim()).filter(Boolean);
  return lines.join(inline ? " " : "\n");
}

/** Looks and scripts of other pages. What is allowed is decided below; this only spares the console a complaint about each. */
const unstyled = (html) =>
  html
    .replace(/<style[\s\S]*?<\/style>/gi, "")
    .replace(/<[^>]*>/g, (tag) => tag.replace(/\s(?:style|on\w+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, ""));

/** Whatever was pasted, in our subset. Pictures of other sites are left out. */
export const cleanPasted = (html, inline) => write(parse(unstyled(html)), inline);

/** Nodes for a field that can be typed in. `addressOf(asset)`, `draw(source)`: a formula as it looks. */
export function buildNodes(text, addressOf, draw) {
  return [...parse(text).childNodes].map((node) => build(node, addressOf, draw)).filter(Boolean);
}

function build(node, addressOf, draw) {
  if (node.nodeType === Node.TEXT_NODE) {
    return document.createTextNode(node.data);
  }
  const tag = node.nodeType === Node.ELEMENT_NODE ? node.localName : "";
  if (!tag || DROPPED.has(tag)) {
    return null;
  }
  if (tag === "math") {
    return formulaChip(node.outerHTML, draw(node));
  }
  if (tag === "img") {
    const size = [node.getAttribute("width"), node.getAttribute("height")];
    return pictureNode(node.dataset.asset ?? "", node.alt, addressOf, size);
  }
  const made = document.createElement(INLINE.has(tag) || TABLE.has(tag) || ["ul", "ol", "li", "p", "table"].includes(tag) ? tag : "span");
  for (const name of ATTRIBUTES[tag] ?? []) {
    if (node.hasAttribute(name)) {
      made.setAttribute(name, node.getAttribute(name));
    }
  }
  made.append(...[...node.childNodes].map((child) => build(child, addressOf, draw)).filter(Boolean));
  return made;
}

/** `size`: width and height in pixels, where they are known. */
export function pictureNode(asset, alt, addressOf, [width, height] = []) {
  const image = document.createElement("img");
  image.dataset.asset = asset;
  image.alt = alt;
  if (width && height) {
    image.width = width;
    image.height = height;
  }
  if (ASSET.test(asset)) {
    image.src = addressOf(asset);
  }
  return image;
}

export function formulaChip(source, drawn) {
  const chip = document.createElement("span");
  chip.className = "rich-field__formula";
  chip.contentEditable = "false";
  chip.dataset.formula = source;
  chip.append(drawn);
  return chip;
}

/** What stands in a field, in our subset: paragraphs, lists, tables; of an option only what fits into a line. */
export function write(place, inline) {
  return inline ? writeInline(place).replace(/ +/g, " ").trim() : writeBlocks(place);
}

function writeInline(place) {
  let text = "";
  for (const node of place.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      text += escapeText(tidy(node.data));
      continue;
    }
    const tag = node.nodeType === Node.ELEMENT_NODE ? (RENAMED[node.localName] ?? node.localName) : "";
    if (!tag || DROPPED.has(tag)) {
      continue;
    }
    if (node.dataset?.formula !== undefined) {
      text += node.dataset.formula;
    } else if (tag === "math") {
      text += node.outerHTML;
    } else if (tag === "img") {
      text += writePicture(node);
    } else if (tag === "br") {
      text += node.nextSibling ? "<br>" : "";
    } else {
      const inner = writeInline(node);
      const kept = INLINE.has(tag) ? (inner ? `<${tag}>${inner}</${tag}>` : "") : inner;
      text += PARAGRAPHS.has(tag) || TABLE.has(tag) || tag === "li" ? `${text && " "}${kept} ` : kept;
    }
  }
  return text;
}

function writePicture(node) {
  const asset = node.dataset?.asset ?? "";
  const alt = tidy(node.alt ?? "").slice(0, LONGEST_ALT);
  const [width, height] = [node.getAttribute("width"), node.getAttribute("height")];
  const size = /^\d{1,5}$/.test(width) && /^\d{1,5}$/.test(height) ? ` width="${width}" height="${height}"` : "";
  return ASSET.test(asset) ? `<img data-asset="${asset}" alt="${escapeValue(alt)}"${size}>` : "";
}

const isBlock = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  (PARAGRAPHS.has(node.localName) || TABLE.has(node.localName) || ["ul", "ol", "li", "table", "hr", "center", "body", "html", "form"].includes(node.localName));
const holdsBlock = (node) => isBlock(node) || (node.nodeType === Node.ELEMENT_NODE && [...node.childNodes].some(holdsBlock));

function writeBlocks(place) {
  let text = "";
  // In the document of what is read: a picture that came into ours would be fetched at once.
  const blank = () => place.ownerDocument.createElement("p");
  let line = blank();
  const end = () => {
    text += writeParagraph(line);
    line = blank();
  };
  for (const node of place.childNodes) {
    if (!holdsBlock(node)) {
      line.append(node.cloneNode(true));
      continue;
    }
    end();
    text += writeBlock(node);
  }
  end();
  return text;
}

/** Line ends of a paragraph that a browser put at its end to keep it open are nothing. */
function writeParagraph(node) {
  const inner = writeInline(node).replace(/ +/g, " ").trim();
  return inner ? `<p>${inner}</p>` : "";
}

function writeBlock(node) {
  const tag = node.localName;
  if (DROPPED.has(tag)) {
    return "";
  }
  if (tag === "ul" || tag === "ol") {
    const lines = [...node.children].map((one) => writeItem(one)).join("");
    return lines && `<${tag}>${lines}</${tag}>`;
  }
  if (tag === "table") {
    return writeTable(node);
  }
  return PARAGRAPHS.has(tag) && ![...node.childNodes].some(holdsBlock) ? writeParagraph(node) : writeBlocks(node);
}

function writeItem(node) {
  if (node.localName === "ul" || node.localName === "ol") {
    return [...node.children].map(writeItem).join("");
  }
  const nested = [...node.children].filter((one) => ["ul", "ol"].includes(one.localName));
  const own = node.cloneNode(true);
  for (const one of own.querySelectorAll("ul, ol")) {
    one.remove();
  }
  const inner = writeInline(own).replace(/ +/g, " ").trim();
  const below = nested.map(writeBlock).join("");
  return inner || below ? `<li>${inner}${below}</li>` : "";
}

function writeTable(table) {
  const caption = table.caption ? `<caption>${writeInline(table.caption).trim()}</caption>` : "";
  const rows = (list) =>
    [...list].map((row) => `<tr>${[...row.cells].map(writeCell).join("")}</tr>`).join("");
  const head = table.tHead ? `<thead>${rows(table.tHead.rows)}</thead>` : "";
  const body = rows([...table.tBodies].flatMap((one) => [...one.rows]));
  return head || body ? `<table>${caption}${head}${body && `<tbody>${body}</tbody>`}</table>` : "";
}

function writeCell(cell) {
  const tag = cell.localName;
  const given = (ATTRIBUTES[tag] ?? [])
    .filter((name) => cell.hasAttribute(name))
    .map((name) => [name, cell.getAttribute(name)])
    .filter(([name, value]) => (name === "scope" ? SCOPES.has(value) : /^[1-9][0-9]?$/.test(value)))
    .map(([name, value]) => ` ${name}="${value}"`)
    .join("");
  return `<${tag}${given}>${writeInline(cell).replace(/ +/g, " ").trim()}</${tag}>`;
}

/** A table to be filled in. */
export function blankTable(rows, columns, caption, words) {
  const cells = (tag, text) => Array.from({ length: columns }, (_, at) => `<${tag}${tag === "th" ? ' scope="col"' : ""}>${text(at)}</${tag}>`).join("");
  const body = Array.from({ length: rows }, () => `<tr>${cells("td", () => "")}</tr>`).join("");
  return `<table><caption>${escapeText(caption)}</caption><thead><tr>${cells("th", (at) => `${escapeText(words)} ${at + 1}`)}</tr></thead><tbody>${body}</tbody></table><p><br></p>`;
}
