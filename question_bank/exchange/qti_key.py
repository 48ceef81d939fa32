"""Which option of a choice is right, as its declaration and its response processing say. Pure."""

from collections.abc import Iterable
from typing import Any

from question_bank.exchange.qti_names import attribute, child, children, plain_name, text_of
from question_bank.exchange.qti_words import Remarks


def find_keys(declaration: Any | None, processing: Any | None, choices: Iterable[str], remarks: Remarks) -> set[str]:
    """The identifiers of the right options: none where nobody says, several where several are as right.

    The declared correct response comes first, then the options worth most in the mapping, then response processing
    that gives points to an option by name.
    """
    known = set(choices)
    if declaration is None:
        return set()
    correct = child(declaration, "correctResponse")
    declared = [] if correct is None else [text_of(value) for value in children(correct, "value")]
    worth = mapped_values(declaration)
    points = [value for choice, value in worth.items() if choice in known]
    if len([value for value in points if value > 0]) > 1 or min(points, default=0) < 0:
        remarks.add("points")
    if keys := known.intersection(declared):
        if not keys.issuperset(_best(worth, known)):
            remarks.add("mapping")
        return keys
    return _best(worth, known) or _best(_processed(processing, attribute(declaration, "identifier")), known)


def mapped_values(declaration: Any) -> dict[str, float]:
    """What each option is worth by the mapping of its declaration."""
    mapping = child(declaration, "mapping")
    if mapping is None:
        return {}
    return {
        attribute(entry, "mapKey").strip(): number(attribute(entry, "mappedValue"))
        for entry in children(mapping, "mapEntry")
    }


def number(text: str) -> float:
    """A number; 0 for what is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e9 else 0.0


def _best(worth: dict[str, float], known: set[str]) -> set[str]:
    most = max((value for choice, value in worth.items() if choice in known), default=0.0)
    return {choice for choice, value in worth.items() if choice in known and value == most} if most > 0 else set()


def _processed(processing: Any | None, response: str) -> dict[str, float]:
    """Points for options by plain conditions «the response is this one: the score is so much», if all are such."""
    worth: dict[str, float] = {}
    for condition in () if processing is None else processing:
        if plain_name(condition.tag) != "responseCondition":
            return {}
        for branch in condition:
            if plain_name(branch.tag) == "responseElse":
                continue
            option = _tested_option(branch, response)
            if option is None:
                return {}
            if points := _score_set(branch):
                worth.setdefault(option, points)
    return worth


def _tested_option(branch: Any, response: str) -> str | None:
    test = next((one for one in branch if plain_name(one.tag)), None)
    if test is None or plain_name(test.tag) != "match" or len(test) != 2:
        return None
    parts = {plain_name(one.tag): one for one in test}
    variable, value = parts.get("variable"), parts.get("baseValue")
    if variable is None or value is None or attribute(variable, "identifier") != response:
        return None
    return text_of(value)


def _score_set(branch: Any) -> float:
    for one in children(branch, "setOutcomeValue"):
        if attribute(one, "identifier") == "SCORE":
            value = child(one, "baseValue")
            return number(text_of(value))
    return 0.0
