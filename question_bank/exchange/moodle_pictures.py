"""Pictures that stand beside a Moodle text as base64, and their names in it: @@PLUGINFILE@@/name. Pure."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from question_bank.drafts import Draft
from question_bank.exchange.entries import Remark
from question_bank.markup import is_asset_id

_PLACE = "@@PLUGINFILE@@/"
_IMAGE = re.compile(r"<img\b[^<>]*+(?:<[^<>]*+)?>")
"""With one sign < among its words; no more, as a tag that is never ended would be looked through again and again."""
_ASSET = re.compile(r'(?<=\s)data-asset="([a-z0-9-]+)"')
_OWN = re.compile(r'(?<=\s)src="@@PLUGINFILE@@/([a-z0-9-]+)\.(?:png|jpg|webp)"')
_DATA = re.compile(r"""(\bsrc\s*=\s*)(["'])data:image/[\w+.\-]{1,20};base64,([^"']*+)\2""", re.IGNORECASE)
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}

BROKEN = Remark("loss", "picture_broken", "Изображение в файле повреждено (base64) и не прочитано.")

FILES = Remark("loss", "files", "Вложения, которые не стоят в тексте изображениями (звук, документы), не перенесены.")


class BroughtPictures:
    """Those of one question. `own`: its texts are as we wrote them, the names are those of assets."""

    def __init__(self, *, own: bool) -> None:
        self.remarks: list[Remark] = []
        self._own = own
        self._areas = 0
        self._found: dict[str, bytes] = {}
        """By the name in `data-asset`."""
        self._names: dict[str, str] = {}
        """That name by the address in a text."""
        self._by_content: dict[bytes, str] = {}

    def take(self, text: str, files: list[Any]) -> str:
        """The text with addresses that are one's own within the question, and its pictures remembered."""
        self._areas += 1
        if self._own:
            for file in files:
                stem = (file.get("name") or "").rpartition(".")[0]
                data = self._decode(file.text or "") if is_asset_id(stem) else None
                if data is not None:
                    self._found[stem] = data
            return _IMAGE.sub(lambda image: _OWN.sub(r'data-asset="\1"', image[0]), text)
        area = f"{_PLACE}{self._areas}/"
        for file in files:
            if (data := self._decode(file.text or "")) is not None:
                path = (file.get("path") or "/").strip("/")
                self._keep(f"{area}{path}/{file.get('name')}" if path else f"{area}{file.get('name')}", data)
        text = text.replace(_PLACE, area)
        return _DATA.sub(self._take_data, text) if "data:" in text else text

    def take_old(self, data: str) -> str:
        """The one picture that Moodle 1.9 had beside a question, as HTML below the stem; "" where it is broken."""
        decoded = self._decode(data)
        if decoded is None:
            return ""
        self._keep(f"{_PLACE}old", decoded)
        return f'<p><img src="{_PLACE}old"></p>'

    def name(self, attributes: dict[str, str]) -> str | None:
        return self._names.get(unquote(attributes.get("src", "").partition("?")[0]))

    def used(self, draft: Draft) -> dict[str, bytes]:
        """The pictures that stand in the draft; files that stand nowhere are told."""
        if not self._found:
            return {}
        texts = (draft.stem, draft.explanation, *(choice.text for stage in draft.stages for choice in stage.choices))
        named = {match[1] for text in texts for image in _IMAGE.findall(text) for match in _ASSET.finditer(image)}
        used = {} if draft.markup == "text" else {name: self._found[name] for name in self._found if name in named}
        if len(used) < len(self._found):
            self.remarks.append(FILES)
        return used

    def _take_data(self, match: re.Match[str]) -> str:
        data = self._decode(match[3])
        if data is None:
            return f'{match[1]}""'
        address = f"{_PLACE}data/{len(self._names)}"
        self._keep(address, data)
        return f'{match[1]}"{address}"'

    def _keep(self, address: str, data: bytes) -> None:
        name = self._by_content.setdefault(data, f"picture-{len(self._found) + 1}")
        self._found[name] = data
        self._names[address] = name

    def _decode(self, text: str) -> bytes | None:
        try:
            return b64decode("".join(unquote(text).split()), validate=True)
        except (Error, ValueError):
            if BROKEN not in self.remarks:
                self.remarks.append(BROKEN)
            return None


def put_pictures(text: str, pictures: Mapping[str, tuple[bytes, str]]) -> tuple[str, str]:
    """A rich text of ours with addresses for its pictures, and their elements `file`. Those that are not there stay."""
    if "<img" not in text:
        return text, ""
    files: dict[str, str] = {}

    def addressed(match: re.Match[str]) -> str:
        data, media_type = pictures.get(match[1], (b"", ""))
        ending = _ENDINGS.get(media_type)
        if ending is None:
            return match[0]
        name = f"{match[1]}.{ending}"
        files[name] = f'<file name="{name}" path="/" encoding="base64">{b64encode(data).decode()}</file>'
        return f'src="{_PLACE}{name}"'

    text = _IMAGE.sub(lambda image: _ASSET.sub(addressed, image[0]), text)
    return text, "".join(files.values())
