"""Rich text of items: a small subset of HTML, cleaned when it is published and never trusted when it is read. Pure.

Plain text is the usual thing; an item version says in `markup` which of the two its texts are. Pictures are named by
the id of an asset and carry their size, so that nothing moves when they come. Formulas are MathML: see formulas.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape, unescape
from html.parser import HTMLParser
from typing import Literal

import nh3

from core.ids import AssetId
from question_bank.formulas import ARITY, DEEPEST, FORMULA, FORMULA_ATTRIBUTES, PARENT, TOKENS, read_formula, takes

Markup = Literal["text", "html"]
Size = tuple[int, int]
"""Width and height in pixels."""

INLINE = frozenset({"br", "em", "img", "strong", "sub", "sup"})
"""What an option or an action may hold, formulas beside it."""
BLOCKS = frozenset({"caption", "li", "ol", "p", "table", "tbody", "td", "th", "thead", "tr", "ul"})
ATTRIBUTES: dict[str, set[str]] = {
    "img": {"data-asset", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    **FORMULA_ATTRIBUTES,
}
MOST_IMAGES = 6
LONGEST_ALT = 300

_TAGS = INLINE | BLOCKS | FORMULA
_ASSET = re.compile(r"[a-z0-9][a-z0-9-]{1,63}", re.ASCII)
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_TABLE = re.compile(r"<table>(?:<caption>(.*?)</caption>)?", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_STRAY = re.compile(r"<(?![A-Za-z/!?])")
_SOUND = re.compile(r"""[^<]*+(?:<(?:[^<>"']|"[^"]*"|'[^']*')*+>[^<]*+)*+""")
"""Every tag is ended. Others keep a parser busy for as long as the square of their number."""
_SAID = re.compile(r'<math((?: [a-z]+="[^"]*")*? alttext="([^"]*[^" ][^"]*)"[^>]*)>')
_ROUNDS = 6
"""What a tag that is taken away leaves behind is sometimes read otherwise the next time."""
_FORMULA = re.compile(r"<math[ >].*?</math>", re.DOTALL)
_BREAKS = re.compile(r"</(?:p|li|tr|table|caption|td|th)>|<br>")


def clean(html: str) -> str:
    """The text with nothing in it but what is allowed, in one spelling: cleaning it again changes nothing."""
    for _ in range(_ROUNDS):
        text = _CLEANER.clean(html)
        if "<math" in text:
            text = _without_html_in_formulas(text)
        if text == html:
            return text
        html = text
    return _CLEANER.clean(escape(read_plain(html)))


def find_fault(html: str, *, inline: bool) -> str | None:
    """For what a text cannot be kept, or None. What cleaning would drop is a fault: nothing is lost in silence."""
    return _read(html, INLINE if inline else INLINE | BLOCKS).fault


def find_lack(html: str) -> str | None:
    """What an author has to add before anybody is given the text, or None: words for a picture, names for a table."""
    return _read(html, INLINE | BLOCKS).lack


def find_assets(html: str) -> tuple[AssetId, ...]:
    """The pictures of a clean text, each once."""
    named = (_attributes(match[1]).get("data-asset", "") for match in _IMAGE.finditer(html))
    return tuple(dict.fromkeys(AssetId(asset) for asset in named if is_asset_id(asset)))


def set_sizes(html: str, sizes: Mapping[AssetId, Size]) -> str:
    """A clean text whose pictures say how large they are. Raises KeyError for one that is not known."""

    def sized(match: re.Match[str]) -> str:
        attributes = _attributes(match[1])
        width, height = sizes[AssetId(attributes["data-asset"])]
        return (
            f'<img data-asset="{attributes["data-asset"]}" alt="{attributes.get("alt", "")}"'
            f' width="{width}" height="{height}">'
        )

    return _IMAGE.sub(sized, html)


def read_plain(html: str) -> str:
    """The words of a text, for search and for lists; of a picture what stands in its place."""
    shown = _IMAGE.sub(lambda match: f" {_attributes(match[1]).get('alt', '')} ", html)
    if "<math" in shown:
        # What is not closed is not looked for: every formula would be, to the end of the text.
        end = shown.rfind("</math>") + len("</math>")
        read = _FORMULA.sub(lambda match: escape(read_formula(match[0]), quote=False), shown[:end])
        shown = read + shown[end:]
    return " ".join(unescape(_TAG.sub("", _BREAKS.sub(" ", shown))).split())


def as_page(html: str, address: Callable[[AssetId], str | None]) -> str:
    """A text for a page of ours, cleaned once more: pictures with their addresses, tables that scroll by themselves,
    formulas with the words of their author."""

    def shown(match: re.Match[str]) -> str:
        attributes = _attributes(match[1])
        asset = attributes.get("data-asset", "")
        source = address(AssetId(asset)) if is_asset_id(asset) else None
        alt = attributes.get("alt", "")
        size = "".join(f' {name}="{attributes[name]}"' for name in ("width", "height") if name in attributes)
        return alt if source is None else f'<img src="{escape(source)}" alt="{alt}"{size} loading="lazy">'

    def framed(match: re.Match[str]) -> str:
        name = escape(read_plain(match[1] or ""))
        return f'<div class="rich__table" tabindex="0" role="region" aria-label="{name}">{match[0]}'

    text = _TABLE.sub(framed, _IMAGE.sub(shown, clean(html)))
    text = _SAID.sub(r'<math\1 role="math" aria-label="\2">', text)
    return text.replace("</table>", "</table></div>")


def is_asset_id(text: str) -> bool:
    return _ASSET.fullmatch(text) is not None


_INSTEAD = {
    "semantics": "Вместо <semantics> оставьте только её первую часть: сам вид формулы.",
    "annotation": "Уберите <annotation>: оставьте только вид формулы.",
    "annotation-xml": "Уберите <annotation-xml>: оставьте только вид формулы.",
    "mfenced": "Вместо <mfenced> напишите скобки: <mo>(</mo>…<mo>)</mo>.",
    "mstyle": "Вместо <mstyle> напишите <mrow>.",
}


def _read(html: str, allowed: Iterable[str]) -> "_Reader":
    reader = _Reader(allowed)
    html = _STRAY.sub("&lt;", html)
    if "<!" in html or "<?" in html:
        reader.fault = "Уберите комментарии."
        return reader
    if not _SOUND.fullmatch(html):
        reader.fault = "Тег начат и не закончен. Закройте его, а сам знак < запишите как &lt;."
        return reader
    reader.feed(html)
    reader.close()
    reader.end()
    return reader


def _filter(tag: str, attribute: str, value: str) -> str | None:
    return value if tag not in FORMULA or takes(tag, attribute, value) else None


_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    attributes={"*": set[str](), **ATTRIBUTES},
    attribute_filter=_filter,
    link_rel=None,
    strip_comments=True,
)


def _without_html_in_formulas(text: str) -> str:
    """A cleaned text whose formulas hold neither HTML nor a formula within the formula: the characters are left."""
    depth = 0

    def kept(match: re.Match[str]) -> str:
        nonlocal depth
        tag = match[0].strip("</>").split(" ", 1)[0]
        if tag == "math":
            depth += -1 if match[0].startswith("</") else 1
            return match[0] if depth == (0 if match[0].startswith("</") else 1) else ""
        return match[0] if not depth or tag in FORMULA else ""

    return _TAG.sub(kept, text)


def _attributes(text: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(text))


class _Reader(HTMLParser):
    """Looks for the first fault and for the first thing that is lacking."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed = frozenset(allowed)
        self._images = 0
        self._tables: list[set[str]] = []
        self._formula: list[tuple[str, int]] = []
        """What is open of a formula, each with the number of its parts so far."""
        self.fault: str | None = None
        self.lack: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._formula or tag in FORMULA:
            self._enter(tag)
        elif tag not in self._allowed:
            self._find(f"Тег <{tag}> здесь не используют.")
        for name, value in given.items():
            if name not in ATTRIBUTES.get(tag, ()):
                self._find(f"У тега <{tag}> уберите {name}.")
            elif tag in FORMULA and not takes(tag, name, value):
                self._find(f"У тега <{tag}> исправьте {name}.")
        if tag == "img":
            self._look(given)
        elif tag == "table":
            self._tables.append(set())
        elif tag in ("caption", "th") and self._tables:
            self._tables[-1].add(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._formula:
            self._leave(tag)
        elif tag == "table" and self._tables and self._tables.pop() != {"caption", "th"}:
            self._miss("Назовите таблицу (<caption>) и её столбцы или строки (<th>).")

    def handle_data(self, data: str) -> None:
        if self._formula and self._formula[-1][0] not in TOKENS and data.strip():
            self._find("В формуле знаки пишут внутри <mi>, <mn>, <mo> или <mtext>.")

    def handle_comment(self, data: str) -> None:
        self._find("Уберите комментарии.")

    def end(self) -> None:
        if self._tables:
            self._find("Закройте таблицу.")
        if self._formula:
            self._find(f"Закройте <{self._formula[-1][0]}>.")

    def _enter(self, tag: str) -> None:
        """A part of a formula, or something that stands in one and should not."""
        outer = self._formula[-1] if self._formula else None
        if tag not in FORMULA:
            self._find(_INSTEAD.get(tag, f"Тег <{tag}> в формуле не используют."))
        elif (tag == "math") is not (outer is None):
            self._find("Формула начинается с <math>, и другой формулы внутри неё нет.")
        elif outer and outer[0] in TOKENS:
            self._find(f"Внутри <{outer[0]}> пишут только знаки.")
        elif outer and PARENT.get(tag, outer[0]) != outer[0]:
            self._find(f"Тег <{tag}> стоит внутри <{PARENT[tag]}>.")
        elif len(self._formula) >= DEEPEST:
            self._find("Формула слишком сложна. Разбейте её на части.")
        if outer:
            self._formula[-1] = (outer[0], outer[1] + 1)
        self._formula.append((tag, 0))

    def _leave(self, tag: str) -> None:
        opened, parts = self._formula[-1]
        if opened != tag:
            self._find(f"Закройте <{opened}>.")
            return
        self._formula.pop()
        if parts != ARITY.get(tag, parts):
            self._find(f"У <{tag}> должно быть частей: {ARITY[tag]}. Соедините лишние тегом <mrow>.")

    def _look(self, given: Mapping[str, str]) -> None:
        self._images += 1
        if not is_asset_id(given.get("data-asset", "")):
            self._find("Укажите загруженное изображение (data-asset).")
        if not given.get("alt", "").strip():
            self._miss("Опишите изображение словами (alt).")
        if len(given.get("alt", "")) > LONGEST_ALT:
            self._find(f"Описание изображения — не длиннее {LONGEST_ALT} знаков.")
        if self._images > MOST_IMAGES:
            self._find(f"В одном тексте не больше {MOST_IMAGES} изображений.")

    def _find(self, fault: str) -> None:
        self.fault = self.fault or fault

    def _miss(self, lack: str) -> None:
        self.lack = self.lack or lack
