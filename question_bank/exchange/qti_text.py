"""XHTML of QTI on its way to rich text of ours: what only QTI has is taken out here and told, the rest is HTML as
others write it. Pure.
"""

from base64 import b64decode
from html import escape
from posixpath import basename, splitext
from typing import Any

from core.errors import AccreditationError
from question_bank.adaptation import Adapted, adapt
from question_bank.exchange.packages import Files, resolve
from question_bank.exchange.qti_names import children, plain_name
from question_bank.exchange.qti_words import Remarks
from question_bank.markup import is_asset_id
from question_bank.pictures import MAX_BYTES

MAX_PICTURES = 40
"""Of one item."""

_SILENT = {
    "stylesheet": "style", "style": "style", "link": "style", "script": "object", "audio": "media", "video": "media",
    "embed": "object", "iframe": "object", "infoControl": "hint", "feedbackInline": "feedback",
    "feedbackBlock": "feedback", "include": "include", "catalogInfo": "accessibility", "svg": "picture_vector",
    "apipAccessibility": "accessibility", "templateInline": "unknown", "templateBlock": "unknown",
    "printedVariable": "unknown", "printedvariable": "unknown",
}  # fmt: skip
"""Of these nothing comes along."""
_DIVISIONS = frozenset({"rubricBlock", "contentBody", "stimulusBody", "itemBody", "prompt", "choiceInteraction"})
"""Blocks by names of QTI."""
_VOID = frozenset({"br", "hr", "col"})
_KEPT = {"td": ("colspan", "rowspan"), "th": ("colspan", "rowspan", "scope"), "a": ("href",)}
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


class Pictures:
    """The pictures of one item, by the names that its texts call them by."""

    def __init__(self, files: Files, remarks: Remarks) -> None:
        self._files, self._remarks = files, remarks
        self._names: dict[str, str] = {}
        self.found: dict[str, bytes] = {}

    def take(self, member: str, source: str) -> str | None:
        """The name of a picture that a member speaks of; None where it cannot come, which is told."""
        if source.startswith("data:"):
            if len(self.found) >= MAX_PICTURES:
                return self._lose("pictures_many")
            return self._keep(source, "", self._decode(source))
        path = resolve(member, source)
        if path is None:
            return self._lose("picture_remote")
        if path in self._names:
            return self._names[path]
        if len(self.found) >= MAX_PICTURES:
            return self._lose("pictures_many")
        if path.lower().endswith(".svg"):
            return self._lose("picture_vector")
        if not self._files.has(path):
            return self._lose("picture_missing")
        try:
            return self._keep(path, splitext(basename(path))[0], self._files.read(path, MAX_BYTES))
        except AccreditationError as error:
            if error.code != "exchange_too_large":
                raise
            return self._lose("picture_large")

    def _keep(self, path: str, wished: str, data: bytes) -> str | None:
        if not data.startswith(_MAGIC):
            return self._lose("picture_vector" if b"<svg" in data[:1000] else "picture_format")
        if len(data) > MAX_BYTES:
            return self._lose("picture_large")
        name = wished if is_asset_id(wished) and wished not in self.found else f"picture-{len(self.found) + 1}"
        self._names[path] = name
        self.found[name] = data
        return name

    def _lose(self, code: str) -> str | None:
        self._remarks.add(code)
        return None

    @staticmethod
    def _decode(source: str) -> bytes:
        kind, _, data = source.partition(",")
        try:
            return b64decode(data) if kind.endswith(";base64") and len(data) < 2 * MAX_BYTES else b""
        except ValueError:
            return b""


class Reading:
    """One item's texts being read: the pictures found and what was noticed."""

    def __init__(self, pictures: Pictures, remarks: Remarks) -> None:
        self._pictures, self._remarks = pictures, remarks

    def block(self, parts: list[tuple[str, Any]]) -> Adapted:
        """What is in elements, each of the member that is named, as a text of paragraphs, lists and tables."""
        return self._adapt("".join(f"<div>{self._inside(one, member)}</div>" for member, one in parts), inline=False)

    def inline(self, member: str, element: Any) -> Adapted:
        """What is in the element, as the text of an option."""
        return self._adapt(self._inside(element, member), inline=True)

    def _adapt(self, html: str, *, inline: bool) -> Adapted:
        made = adapt(html, inline=inline, picture=lambda given: given.get("src"))
        for loss in made.losses:
            self._remarks.lose(loss)
        return made

    def _inside(self, element: Any, member: str) -> str:
        made = [escape(element.text or "", quote=False)]
        for one in element:
            made.append(self._whole(one, plain_name(one.tag), member))
            made.append(escape(one.tail or "", quote=False))
        return "".join(made)

    def _whole(self, element: Any, name: str, member: str) -> str:
        """An element without its tail."""
        if name in _SILENT or not name:
            if name:
                self._remarks.add(_SILENT[name])
            return ""
        if name == "math" or "Math" in element.tag:
            given = "".join(f' {key}="{escape(value)}"' for key, value in element.attrib.items() if "}" not in key)
            return f"<{name}{given}>{self._inside(element, member)}</{name}>"
        if element.get("style") or element.get("class"):
            self._remarks.add("style")
        if name in ("img", "object"):
            return self._picture(element, name, member)
        if name in _VOID:
            return f"<{name}>"
        if name == "choiceInteraction":
            return "".join(f"<div>{self._inside(one, member)}</div>" for one in children(element, "prompt"))
        if name == "rubricBlock" and "candidate" not in (element.get("view") or "candidate").split():
            self._remarks.add("rubric")
            return ""
        if name == "rb":
            return self._inside(element, member)
        if "synthesis" in element.tag:
            self._remarks.add("speech")
            return self._inside(element, member)
        name = "div" if name in _DIVISIONS else name
        given = "".join(
            f' {key}="{escape(element.get(key))}"' for key in _KEPT.get(name, ()) if element.get(key) is not None
        )
        return f"<{name}{given}>{self._inside(element, member)}</{name}>"

    def _picture(self, element: Any, name: str, member: str) -> str:
        words = " ".join((element.get("alt") or "" if name == "img" else "".join(element.itertext())).split())
        kind = (element.get("type") or "").lower()
        if name == "object" and not kind.startswith("image/"):
            self._remarks.add("media" if kind.startswith(("audio/", "video/")) else "object")
            return escape(words, quote=False)
        asset = self._pictures.take(member, element.get("src" if name == "img" else "data") or "")
        if asset is None:
            return escape(words, quote=False)
        return f'<img src="{asset}" alt="{escape(words)}">'
