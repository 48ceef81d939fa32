"""HTML that a file brings made into what our texts may hold; what is lost on the way is named. Pure.

What has a like here becomes it (<b> is <strong>, a heading a paragraph, <mfenced> its brackets), a tag that has none is
taken away and its words stay, and of what acts or embeds not even the words are kept. A text that is ours already comes
back as it is.
"""

import re
from collections.abc import Callable, Sequence
from html import escape, unescape
from html.parser import HTMLParser

from msgspec import Struct

from question_bank.foreign_tags import (
    BLOCKS,
    CELL,
    CHANGED,
    EMPTY,
    HOLDERS,
    MARKS,
    MISSING,
    MUTED,
    PLAIN,
    SILENT,
    STRUCTURE,
)
from question_bank.formulas import BroughtFormula
from question_bank.markup import LONGEST_ALT, MOST_IMAGES, Markup, clean, find_fault, is_asset_id

LONGEST = 100_000
"""A text over this many characters is not looked into: it comes back as it stands, and is too long for an item."""


class Adapted(Struct, frozen=True):
    """`text` is written in `markup`; `html` says the same in HTML, for an item whose other texts are rich."""

    text: str
    markup: Markup
    losses: tuple[str, ...]
    """Sentences, each once."""
    html: str


def adapt(html: str, *, inline: bool, picture: Callable[[dict[str, str]], str | None]) -> Adapted:
    """A text of ours from HTML of others: `inline` for options and actions.

    `picture` maps the attributes of an <img> (of an <object> that is a picture: with its address as `src`) to the name
    that shall stand in `data-asset`, or None where there is no such picture.
    """
    if len(html) > LONGEST:
        return Adapted(html, "text", (), _spell(html))
    if "<" not in html:
        text = _SPACES.sub(" ", unescape(html)).strip(" ")
        return Adapted(text, "text", (), _spell(text))
    # A tag that is never ended is text. A parser would look for the end of each, by the square of their number.
    end = html.rfind(">") + 1
    html = html[:end] + html[end:].replace("<", "&lt;")
    adapter = _Adapter(inline, picture)
    adapter.feed(html)
    adapter.close()
    adapter.end()
    if not adapter.losses and adapter.rich and clean(html) == html and find_fault(html, inline=inline) is None:
        return Adapted(html, "html", (), html)
    written = "".join(adapter.written)
    if not adapter.rich:
        return Adapted(_as_plain(written), "text", tuple(adapter.losses), clean(written))
    written = clean(written)
    return Adapted(written, "html", tuple(adapter.losses), written)


def unite(texts: Sequence[Adapted]) -> tuple[Markup, tuple[str, ...]]:
    """The texts of one item in one markup: plain ones beside rich ones are written as HTML."""
    if all(text.markup == "text" for text in texts):
        return "text", tuple(text.text for text in texts)
    return "html", tuple(text.html for text in texts)


def as_html(text: str, *, inline: bool) -> str:
    """A plain text as HTML that reads alike."""
    lines = [_spell(line) for line in text.split("\n") if line.strip()]
    if inline or len(lines) < 2:
        return "<br>".join(lines)
    return "".join(f"<p>{line}</p>" for line in lines)


def _spell(text: str) -> str:
    """A plain text as cleaning spells it."""
    return escape(text, quote=False).replace("\xa0", "&nbsp;")


_SPACES = re.compile(r"[ \t\n\r\f]+")
_EDGES = re.compile(r"^[ \t\n\r\f]|[ \t\n\r\f]$")
_PICTURES = re.compile(r"\.(?:png|jpe?g|webp|gif|svg|bmp|tiff?)(?:[?#].*)?$", re.IGNORECASE)
_DEEPEST_LIST = 4


def _as_plain(written: str) -> str:
    return unescape(written.replace("</p><p>", "\n").replace("<p>", "").replace("</p>", "").replace("<br>", "\n"))


class _Adapter(HTMLParser):
    """Writes as it reads. What is to be written in front of the next words waits until there are some."""

    def __init__(self, inline: bool, picture: Callable[[dict[str, str]], str | None]) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self.rich = False
        self.losses: dict[str, None] = {}
        self._inline = inline
        self._picture = picture
        self._images = 0
        self._marks: list[str] = []
        """Wanted, outermost first, …"""
        self._open: list[str] = []
        """… and written so far."""
        self._places: list[str] = []
        """Of ul, ol, li, table, tr, td and the like, what is open and was written."""
        self._paragraph = False
        self._begun = False
        """Whether there are words in the present paragraph, cell or line."""
        self._space = False
        self._break = 0
        self._muted: list[str] = []
        self._object: dict[str, str] | None = None
        self._said: list[str] = []
        self._pre = 0
        self._head = False
        self._formula: BroughtFormula | None = None

    # what the parser tells

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = tag.rpartition(":")[2]
        if self._muted:
            if tag == self._muted[0]:
                self._muted.append(tag)
            return
        given = {name: value or "" for name, value in attrs}
        if self._formula is not None:
            self._formula.begin(tag, given)
            return
        if "style" in given:
            self._lose("Оформление (style) не перенесено.")
        if tag in CHANGED:
            self._lose(CHANGED[tag])
        if tag == "math":
            self._formula = BroughtFormula(given)
        elif tag in MARKS:
            self._marks.append(MARKS[tag])
        elif tag == "br":
            self._line()
        elif tag == "img":
            self._draw(given)
        elif tag in BLOCKS:
            self._block()
            self._pre += tag == "pre"
        elif tag in MUTED:
            self._mute(tag, given)
        elif tag in EMPTY:
            if tag not in SILENT:
                self._lose(f"Тег <{tag}> не перенесён.")
        elif tag in STRUCTURE:
            self._structure(tag, given)
        elif tag == "a":
            if "href" in given:
                self._lose("Ссылка не перенесена, остались её слова.")
        elif tag not in PLAIN:
            self._lose(f"Тег <{tag}> не перенесён, остались его слова.")

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if self._muted:
            if tag == self._muted[0]:
                self._muted.pop()
                if not self._muted and self._object is not None:
                    self._draw(self._object | {"alt": " ".join("".join(self._said).split())})
                    self._object = None
        elif self._formula is not None:
            if tag == "math":
                self._put_formula()
            else:
                self._formula.finish(tag)
        elif tag in MARKS:
            if MARKS[tag] in self._marks:
                place = len(self._marks) - 1 - self._marks[::-1].index(MARKS[tag])
                del self._marks[place]
        elif tag in BLOCKS:
            self._pre -= tag == "pre" and self._pre > 0
            self._block()
        elif tag in STRUCTURE:
            self._end_structure(tag)

    def handle_data(self, data: str) -> None:
        if self._muted:
            self._said.append(data)
        elif self._formula is not None:
            self._formula.say(data)
        elif self._pre:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._line()
                self._say(line)
        else:
            self._say(data)

    def end(self) -> None:
        if self._formula is not None:
            self._put_formula()
        self._sync([])
        while self._places:
            self._close_place()
        self._end_paragraph()

    # words and what they stand in

    def _say(self, data: str) -> None:
        words = _SPACES.sub(" ", data).strip(" ")
        if not words:
            self._space = self._space or (bool(data) and self._begun)
            return
        if self._begun and _EDGES.match(data):
            self._space = True
        self._begin()
        self.written.append(escape(words, quote=False))
        self._space = _EDGES.search(data[-1]) is not None

    def _begin(self) -> None:
        """The place for words: a paragraph, a break, a space, marks."""
        if self._places and self._places[-1] in HOLDERS:
            self._place("li" if self._places[-1] in ("ul", "ol") else CELL[self._places[-1]])
        if not self._inline and not self._places and not self._paragraph:
            self.written.append("<p>")
            self._paragraph = True
        wanted = list(dict.fromkeys(self._marks))
        if self._break and self._begun:
            self._sync([])
            self.written.append("<br>" * min(self._break, 2))
            self.rich = self.rich or self._inline or bool(self._places)
        elif self._space and self._begun:
            self._sync(wanted, opening=False)
            self.written.append(" ")
        self._break, self._space, self._begun = 0, False, True
        self._sync(wanted)

    def _sync(self, wanted: list[str], *, opening: bool = True) -> None:
        same = 0
        while same < min(len(wanted), len(self._open)) and wanted[same] == self._open[same]:
            same += 1
        while len(self._open) > same:
            self.written.append(f"</{self._open.pop()}>")
        for mark in wanted[same:] if opening else ():
            self.written.append(f"<{mark}>")
            self._open.append(mark)
            self.rich = True

    def _line(self) -> None:
        if self._begun:
            self._break += 1
        self._space = False

    def _block(self) -> None:
        """A paragraph ends, or a line where there are no paragraphs."""
        if self._inline or self._places:
            self._break = max(self._break, 1) if self._begun else 0
            self._space = False
        else:
            self._end_paragraph()

    def _end_paragraph(self) -> None:
        self._sync([])
        if self._paragraph:
            self.written.append("</p>")
        self._paragraph = self._begun = self._space = False
        self._break = 0

    # lists and tables

    def _structure(self, tag: str, given: dict[str, str]) -> None:
        if self._inline:
            self._lose("Списки и таблицы в варианте ответа стали строками.")
            self._apart(tag)
            return
        inside = self._places
        if tag in ("ul", "ol"):
            if inside.count("li") >= _DEEPEST_LIST or "table" in inside:
                self._lose("Вложенный список стал строками.")
                self._block()
                return
            if inside and inside[-1] in ("ul", "ol"):
                self._place("li")
            self._place(tag)
        elif tag == "li":
            self._close_to({"ul", "ol"})
            if inside and inside[-1] in ("ul", "ol"):
                self._place(tag)
            else:
                self._block()
        elif tag == "table":
            if inside:
                self._lose("Таблица внутри таблицы или списка стала строками.")
                self._block()
                return
            self._place(tag)
        elif "table" not in inside:
            self._apart(tag)
        elif tag == "caption":
            self._close_to({"table"})
            self._place(tag)
        elif tag in ("thead", "tbody", "tfoot"):
            self._close_to({"table"})
            self._head = tag == "thead"
            self._place("thead" if self._head else "tbody")
        elif tag == "tr":
            self._close_to({"table", "thead", "tbody"})
            if inside[-1] == "table":
                self._place("tbody")
            self._place(tag)
        else:
            self._close_to({"tr", "table", "thead", "tbody"})
            for missing in MISSING[inside[-1]]:
                self._place(missing)
            name = "th" if self._head else tag
            kept = {key: given[key] for key in ("colspan", "rowspan") if _is_span(given.get(key, ""))}
            if name == "th":
                scope = given.get("scope", "col" if self._head else "row")
                kept["scope"] = scope if scope in ("col", "row", "colgroup", "rowgroup") else "col"
            self._place(name, "".join(f' {key}="{value}"' for key, value in kept.items()))

    def _end_structure(self, tag: str) -> None:
        tag = "tbody" if tag == "tfoot" else tag
        wanted = ("th",) if tag == "td" and self._head else (tag,)
        if self._inline or not any(place in wanted for place in self._places):
            self._apart(tag)
            return
        while self._close_place() not in wanted:
            pass
        if tag == "thead":
            self._head = False

    def _apart(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._space = self._begun
        else:
            self._block()

    def _place(self, tag: str, attributes: str = "") -> None:
        if self._places:
            self._sync([])
        else:
            self._end_paragraph()
        self.written.append(f"<{tag}{attributes}>")
        self._places.append(tag)
        self._begun = self._space = False
        self._break = 0
        self.rich = True

    def _close_place(self) -> str:
        self._sync([])
        tag = self._places.pop()
        self.written.append(f"</{tag}>")
        self._begun = self._space = False
        self._break = 0
        return tag

    def _close_to(self, wanted: set[str]) -> None:
        if any(place in wanted for place in self._places):
            while self._places[-1] not in wanted:
                self._close_place()

    # pictures, formulas, what is not kept

    def _draw(self, given: dict[str, str]) -> None:
        name = self._picture(given) if self._images < MOST_IMAGES else None
        alt = " ".join(given.get("alt", "").split())
        if name is None or not is_asset_id(name):
            called = alt or given.get("src", "")
            self._lose(f"Изображение «{called[:80]}» не перенесено.")
            self._say(f" {alt} " if alt else "")
            return
        self._images += 1
        if len(alt) > LONGEST_ALT:
            self._lose(f"Описание изображения сокращено до {LONGEST_ALT} знаков.")
        self._begin()
        self.written.append(f'<img data-asset="{name}" alt="{escape(alt[:LONGEST_ALT].strip())}">')
        self.rich = True

    def _put_formula(self) -> None:
        formula, self._formula = self._formula, None
        assert formula is not None
        written = formula.end()
        for loss in formula.losses:
            self._lose(loss)
        if written:
            self._begin()
            self.written.append(written)
            self.rich = True

    def _mute(self, tag: str, given: dict[str, str]) -> None:
        source = given.get("data", "")
        self._muted.append(tag)
        self._said = []
        if tag == "object" and (given.get("type", "").startswith("image/") or _PICTURES.search(source)):
            self._object = given | {"src": source}
        elif tag not in SILENT:
            self._lose(f"Тег <{tag}> и его содержимое не перенесены.")

    def _lose(self, sentence: str) -> None:
        self.losses[sentence] = None


def _is_span(value: str) -> bool:
    return value.isascii() and value.isdigit() and 1 < int(value[:4]) <= 20
