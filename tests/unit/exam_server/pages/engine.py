"""A module of the page in a JavaScript engine: its functions called with JSON, their values back."""

import json
from typing import Any

from py_mini_racer import MiniRacer

from tests.simulation.pages import bundle


class Module:
    def __init__(self, name: str) -> None:
        self._racer = MiniRacer()
        self._racer.eval(f"const module = {bundle(name)}; ''")

    def call(self, function: str, *values: Any) -> Any:
        return self.run(f"module.{function}(...{json.dumps(values)})")

    def run(self, expression: str) -> Any:
        """The value of an expression over `module`; what JSON can't hold of it is left out."""
        return json.loads(str(self._racer.eval(f"JSON.stringify(({expression}) ?? null)")))

    def close(self) -> None:
        self._racer.close()
