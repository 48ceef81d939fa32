"""The exam pages: the real `queue.js` and `state.js` in a JavaScript engine without a browser around it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec
from py_mini_racer import MiniRacer

STATIC = Path(__file__).parents[2] / "exam_server" / "pages" / "static"
GLUE = Path(__file__).with_name("pages.js")

USED = ("blank", "bounds", "entryOf", "fold", "hasNextSection", "isBetween", "look", "neighbour", "press", "receive")
"""What the glue needs of state.js."""

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";$', re.MULTILINE)
_decoder = msgspec.json.Decoder()
_EXPORT = re.compile(r"^export (?:class|const|function|async function) (\w+)", re.MULTILINE)


def bundle(name: str, spoiled: Mapping[str, str] = {}) -> str:
    """An ES module of the exam page as an expression whose value has what the module exports.

    `spoiled` replaces texts, each of which must stand there: how a bug is planted.
    """
    source = (STATIC / name).read_text()
    for good, bad in spoiled.items():
        assert good in source, f"{name} has changed: {good}"
        source = source.replace(good, bad)
    source = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {bundle(found[2])};", source)
    exported = ", ".join(_EXPORT.findall(source))
    return f"(() => {{\n{re.sub('^export ', '', source, flags=re.MULTILINE)}\nreturn {{ {exported} }};\n}})()"


class Asked(NamedTuple):
    """One thing to be done in the pages of one day: its number, and the rest as JSON without brackets."""

    day: int
    text: str


Told: TypeAlias = tuple[list[list[Any]], float | None]
"""What came of it, in order, and when the next timer of that day's pages runs out."""


def ask(day: int, now: int, deed: str, *values: object) -> Asked:
    return Asked(day, json.dumps([now, deed, *values])[1:-1])


def ask_hear(day: int, now: int, page: int, messages: Sequence[str]) -> Asked:
    """Messages of the server arrive at a page."""
    return Asked(day, f'{now},"hear",{page},[{",".join(messages)}]')


def ask_work(day: int, now: int, page: int, messages: Sequence[str], seed: int) -> Asked:
    """The candidate looks at the page, which heard these meanwhile, and does the next thing."""
    return Asked(day, f'{now},"work",{page},[{",".join(messages)}],{seed}')


class Pages:
    """The engine with the pages of all days that are simulated side by side: the way into it is long, so they share
    each crossing.
    """

    def __init__(self, spoiled: Mapping[str, str] = {}) -> None:
        self._racer = MiniRacer()
        script = (
            f"const {{ Queue }} = {bundle('queue.js', spoiled)};\n"
            f"const {{ {', '.join(USED)} }} = {bundle('state.js')};\n{GLUE.read_text()}"
        )
        self._door: Any = self._racer.eval(script)

    def do(self, asked: Sequence[Asked]) -> list[Told]:
        """One thing for each of some days, and what came of each."""
        self._door[f"[{','.join(f'[{day},{text}]' for day, text in asked)}]"]
        told: list[Told] = _decoder.decode(self._door["?"])
        return told

    def close(self) -> None:
        self._racer.close()
