"""The exam page builds formulas of the parts that the bank allows: the two say the same."""

import json

from py_mini_racer import MiniRacer

from question_bank.formulas import DEEPEST, FORMULA, FORMULA_VALUES, TOKENS
from tests.simulation.pages import STATIC


def test_the_page_and_the_bank_allow_the_same() -> None:
    source = "\n".join(
        line for line in (STATIC / "formula.js").read_text().splitlines() if not line.startswith("import ")
    ).replace("export ", "")
    racer = MiniRacer()
    try:
        shown = racer.eval(f"{source}; JSON.stringify([[...FORMULA], TOKENS, VALUES, DEEPEST])")
    finally:
        racer.close()
    parts, tokens, values, deepest = json.loads(str(shown))
    assert set(parts) == FORMULA
    assert set(tokens) == TOKENS
    assert values == FORMULA_VALUES
    assert deepest == DEEPEST
