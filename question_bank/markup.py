"""Rich text of items: a small subset of HTML, cleaned when it is published and never trusted when it is read. Pure.

Plain text is the usual thing; an item version says in `markup` which of the two its texts are. Pictures are named by
the id of an asset and carry their size, so that nothing moves when they come.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape, unescape
from html.parser import HTMLParser
from typing import Literal

import nh3

from core.ids import AssetId

Markup = Literal["text", "html"]
Size = tuple[int, int]
"""Width and height in pixels."""

INLINE = frozenset({"br", "em", "img", "strong", "sub", "sup"})
"""What an option or an action may hold."""
BLOCKS = frozenset({"caption", "li", "ol", "p", "table", "tbody", "td", "th", "thead", "tr", "ul"})
ATTRIBUTES: dict[str, set[str]] = {
    "img": {"data-asset", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
MOST_IMAGES = 6
LONGEST_ALT = 300

_TAGS = set(INLINE | BLOCKS)
_ASSET = re.compile(r"[a-z0-9][a-z0-9-]{1,63}", re.ASCII)
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_TABLE = re.compile(r"<table>(?:<caption>(.*?)</caption>)?", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_BREAKS = re.compile(r"</(?:p|li|tr|table|caption|td|th)>|<br>")


def clean(html: str) -> str:
    """The text with nothing in it but what is allowed, in one spelling: cleaning it again changes nothing."""
    return nh3.clean(html, tags=_TAGS, attributes=ATTRIBUTES, link_rel=None, strip_comments=True)


def find_fault(html: str, *, inline: bool) -> str | None:
    """What an author has to mend, or None. What cleaning would drop is a fault: nothing is lost in silence."""
    reader = _Reader(INLINE if inline else frozenset(_TAGS))
    reader.feed(html)
    reader.close()
    return reader.fault or reader.missing()


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
    return " ".join(unescape(_TAG.sub("", _BREAKS.sub(" ", shown))).split())


def as_page(html: str, address: Callable[[AssetId], str | None]) -> str:
    """A text for a page of ours, cleaned once more: pictures with their addresses, tables that scroll by themselves."""

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
    return text.replace("</table>", "</table></div>")


def is_asset_id(text: str) -> bool:
    return _ASSET.fullmatch(text) is not None


def _attributes(text: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(text))


class _Reader(HTMLParser):
    """Looks for the first fault."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed = frozenset(allowed)
        self._images = 0
        self._tables: list[set[str]] = []
        self.fault: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in self._allowed:
            self._find(f"Тег <{tag}> здесь не используют.")
        strange = [name for name in given if name not in ATTRIBUTES.get(tag, ())]
        if strange:
            self._find(f"У тега <{tag}> уберите {strange[0]}.")
        if tag == "img":
            self._look(given)
        elif tag == "table":
            self._tables.append(set())
        elif tag in ("caption", "th") and self._tables:
            self._tables[-1].add(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._tables and self._tables.pop() != {"caption", "th"}:
            self._find("Назовите таблицу (<caption>) и её столбцы или строки (<th>).")

    def handle_comment(self, data: str) -> None:
        self._find("Уберите комментарии.")

    def missing(self) -> str | None:
        return "Закройте таблицу." if self._tables else None

    def _look(self, given: Mapping[str, str]) -> None:
        self._images += 1
        if not is_asset_id(given.get("data-asset", "")):
            self._find("Укажите загруженное изображение (data-asset).")
        if not given.get("alt", "").strip():
            self._find("Опишите изображение словами (alt).")
        if len(given.get("alt", "")) > LONGEST_ALT:
            self._find(f"Описание изображения — не длиннее {LONGEST_ALT} знаков.")
        if self._images > MOST_IMAGES:
            self._find(f"В одном тексте не больше {MOST_IMAGES} изображений.")

    def _find(self, fault: str) -> None:
        self.fault = self.fault or fault
