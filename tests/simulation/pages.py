"""The exam pages: the real `queue.js` and `state.js` in a JavaScript engine without a browser around it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from py_mini_racer import MiniRacer

STATIC = Path(__file__).parents[2] / "exam_server" / "pages" / "static"
GLUE = Path(__file__).with_name("pages.js")

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


class Pages:
    """All pages of a simulation. Each call does one thing at a moment and tells everything that came of it, in
    order, and when the next timer of any page runs out (infinity: there is none).
    """

    def __init__(self, spoiled: Mapping[str, str] = {}) -> None:
        self._racer = MiniRacer()
        script = (
            f"const {{ Queue }} = {bundle('queue.js', spoiled)};\n"
            f"const {{ blank, fold, look, neighbour, press, receive }} = {bundle('state.js')};\n{GLUE.read_text()}"
        )
        self._door: Any = self._racer.eval(script)

    def call(self, now: int, deed: str, *values: object) -> tuple[list[list[Any]], float]:
        return self._do(json.dumps([now, deed, *values]))

    def hear(self, now: int, page: int, messages: Sequence[str]) -> tuple[list[list[Any]], float]:
        """Messages of the server arrive at a page."""
        return self._do(f'[{now},"hear",{page},[{",".join(messages)}]]')

    def work(self, now: int, page: int, messages: Sequence[str], seed: int) -> tuple[list[list[Any]], float]:
        """The candidate looks at the page, which heard these meanwhile, and does the next thing."""
        return self._do(f'[{now},"work",{page},[{",".join(messages)}],{seed}]')

    def _do(self, text: str) -> tuple[list[list[Any]], float]:
        self._door[text]
        told, due = _decoder.decode(self._door["?"])
        return told, float("inf") if due is None else due

    def close(self) -> None:
        self._racer.close()
