"""Text files from strangers: their encoding found out, their text streamed. Nothing is guessed in silence."""

import codecs
import re
from pathlib import Path
from typing import Literal, TextIO

from core.errors import Invalid
from question_bank.exchange.entries import Remark

Encoding = Literal["utf-8-sig", "utf-16", "cp1251"]

_CHUNK = 1 << 20
_ENOUGH = 3
"""Characters beyond ASCII after which a file is broken UTF-8 and not another encoding."""
_TELLING = 20
"""Bytes beyond ASCII with which it can be told whether they are Russian."""
_SMALL = bytes((*range(0xE0, 0x100), 0xB8))
_LARGE = bytes((*range(0xC0, 0xE0), 0xA8))
_SIGNS = bytes(set(range(0x80, 0xC0)) - {0xA8, 0xB8, *"«»№—–…“”„\u00a0°±·".encode("cp1251")})
"""Of Windows-1251, but for those that Russian texts have."""
_AMONG_LATIN = re.compile(rb"(?<=[A-Za-z])[\xc0-\xff](?=[A-Za-z])")
GUESSED = Remark(
    "note", "encoding_guessed", "Кодировка файла — Windows-1251: это не UTF-8. Проверьте, что буквы прочитаны верно."
)


def open_text(path: Path) -> TextIO:
    """The file's text with its line ends as they are.

    Raises Invalid (`exchange_encoding`) naming the line where the encoding breaks off, (`exchange_not_text`).
    """
    return path.open(encoding=find_encoding(path), newline="", buffering=_CHUNK)


def find_encoding(path: Path) -> Encoding:
    """By a first pass over the whole file, in bounded memory. Raises Invalid as open_text does."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            _check(path, "utf-16", "UTF-16")
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        beyond = line = 0
        while True:
            chunk = file.read(_CHUNK)
            if b"\0" in chunk:
                raise Invalid("exchange_not_text", "Это не текстовый файл. Проверьте, тот ли файл выбран.")
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode()
                if beyond + _beyond(good) >= _ENOUGH:
                    raise _broken("UTF-8", line + good.count("\n") + 1) from error
                break
            if not chunk:
                return "utf-8-sig"
            if beyond < _ENOUGH:
                beyond += _beyond(text)
            line += text.count("\n")
    _check(path, "cp1251", "UTF-8 и не Windows-1251")
    if not _reads_as_russian(path):
        raise Invalid(
            "exchange_encoding",
            "Кодировка файла не распознана: это не UTF-8, а по-русски в Windows-1251 он не читается. "
            "Сохраните файл заново в UTF-8.",
        )
    return "cp1251"


def peek(start: bytes) -> str:
    """What the beginning of a file seems to say, in whatever encoding that find_encoding knows; nothing of a binary."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return start[: len(start) // 2 * 2].decode("utf-16", "replace")
    if b"\0" in start:
        return ""
    text = start.decode("utf-8-sig", "replace")
    return start.decode("cp1251", "replace") if "\ufffd" in text[:-1] else text


def _check(path: Path, encoding: Encoding, title: str) -> None:
    line = 1
    with path.open(encoding=encoding, newline="") as file:
        try:
            while chunk := file.read(_CHUNK):
                line += chunk.count("\n")
        except UnicodeDecodeError as error:
            raise _broken(title, line) from error


def _reads_as_russian(path: Path) -> bool:
    """Whether what is beyond ASCII are words in Windows-1251, and not in KOI8-R, CP866, ISO 8859-5 or a western one.

    Told by the letters that Russian has most of (о, а, и) against those at the same places of KOI8-R, by signs that
    stand where CP866 has letters, and by letters that stand alone among Latin ones.
    """
    small = large = koi = ours = signs = alone = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            small += _count(chunk, _SMALL)
            large += _count(chunk, _LARGE)
            ours += _count(chunk, b"\xce\xc0\xc8")
            koi += _count(chunk, b"\xcf\xc1\xc9")
            signs += _count(chunk, _SIGNS)
            alone += len(_AMONG_LATIN.findall(chunk))
    letters = small + large
    if letters + signs < _TELLING:
        return True
    shouted = large > small and (koi > ours or 10 * ours < large)
    return not (shouted or signs > letters or 2 * alone > letters)


def _count(chunk: bytes, of: bytes) -> int:
    return len(chunk) - len(chunk.translate(None, of))


def _beyond(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _broken(title: str, line: int) -> Invalid:
    return Invalid(
        "exchange_encoding",
        f"Кодировка файла нарушена: строка {line} — не {title}. Сохраните файл заново в UTF-8.",
        fields={"line": str(line)},
    )
