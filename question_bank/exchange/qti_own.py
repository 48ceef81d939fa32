"""Items that we wrote, read back exactly: every stage, role and weight, every blank of a text. Pure.

How they are written: `div`s of the body are the stem, and before each interaction what the stage reveals and its task;
the mapping holds weights and roles, its upper bound is the weight of the stage.
"""

from html import escape
from typing import Any

from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.packages import Files
from question_bank.exchange.qti_key import mapped_values, number
from question_bank.exchange.qti_names import attribute, child, children, plain_name, text_of
from question_bank.exchange.qti_text import Pictures
from question_bank.exchange.qti_words import Remarks
from question_bank.items import Role
from question_bank.markup import Markup, clean

STEM, REVEAL, PROMPT = "stem", "reveal", "prompt"
_MARKUPS: dict[str, Markup] = {"accreditation-text": "text", "accreditation-html": "html"}


def read_own(root: Any, member: str, files: Files) -> tuple[Draft, dict[str, bytes], Remarks] | None:
    """Draft, pictures and remarks; None where the item is not as we write them: somebody had a hand in it."""
    body = child(root, "itemBody")
    markup = None if body is None else _MARKUPS.get(body.get("class") or "")
    if body is None or markup is None:
        return None
    remarks = Remarks()
    pictures = Pictures(files, remarks)
    texts = _Texts(markup, member, pictures)
    declarations = {attribute(one, "identifier"): one for one in children(root, "responseDeclaration")}
    stem, reveal, prompt = "", "", ""
    stages: list[DraftStage] = []
    for one in body:
        name = plain_name(one.tag)
        part = one.get("class")
        if name == "div" and part == STEM:
            stem = texts.read(one)
        elif name == "div" and part == REVEAL:
            reveal = texts.read(one)
        elif name == "div" and part == PROMPT:
            prompt = texts.read(one)
        elif name in ("choiceInteraction", "orderInteraction"):
            declaration = declarations.get(attribute(one, "responseIdentifier"))
            if declaration is None:
                return None
            stages.append(_stage(one, declaration, reveal, prompt, texts))
            reveal, prompt = "", ""
        else:
            return None
    modal = child(root, "modalFeedback")
    explained = None if modal is None else child(modal, "contentBody")
    explanation = "" if modal is None else texts.read(modal if explained is None else explained)
    return Draft(stem, tuple(stages), explanation, markup=markup), pictures.found, remarks


def _stage(interaction: Any, declaration: Any, reveal: str, prompt: str, texts: "_Texts") -> DraftStage:
    ordered = plain_name(interaction.tag) == "orderInteraction"
    choice = not ordered and attribute(interaction, "maxChoices") == "1"
    mapping = child(declaration, "mapping")
    weight = 1 if mapping is None else round(number(attribute(mapping, "upperBound"))) or 1
    asked = child(interaction, "prompt")
    correct = child(declaration, "correctResponse")
    keys = set() if correct is None else {text_of(value) for value in children(correct, "value")}
    worth = mapped_values(declaration)
    choices = []
    for one in children(interaction, "simpleChoice"):
        name = attribute(one, "identifier")
        if choice:
            role = Role.KEY if name in keys else Role.DISTRACTOR
        else:
            value = worth.get(name, 0.0)
            role = Role.REQUIRED if value > 0 else Role.HARMFUL if value <= -weight else Role.NEUTRAL
        choices.append(DraftChoice(texts.read(one), role))
    return DraftStage(
        tuple(choices),
        "choice" if choice else "actions",
        prompt if asked is None else texts.read(asked),
        reveal,
        ordered,
        weight,
    )


class _Texts:
    """Reads texts of one markup as they stand."""

    def __init__(self, markup: Markup, member: str, pictures: Pictures) -> None:
        self._rich, self._member, self._pictures = markup == "html", member, pictures

    def read(self, element: Any) -> str:
        if self._rich:
            return clean(self._html(element, 0))
        if len(element) == 0:
            return element.text or ""
        made = [element.text or ""]
        for one in element:
            made.append("\n" if plain_name(one.tag) == "br" else "".join(one.itertext()))
            made.append(one.tail or "")
        return "".join(made)

    def _html(self, element: Any, depth: int) -> str:
        made = [escape(element.text or "", quote=False)]
        for one in element:
            name = plain_name(one.tag)
            if name == "img":
                made.append(self._picture(one))
            elif name == "br":
                made.append("<br>")
            elif name and depth < 200:
                given = "".join(f' {key}="{escape(value)}"' for key, value in one.attrib.items() if "}" not in key)
                made.append(f"<{name}{given}>{self._html(one, depth + 1)}</{name}>")
            made.append(escape(one.tail or "", quote=False))
        return "".join(made)

    def _picture(self, element: Any) -> str:
        name = self._pictures.take(self._member, element.get("src") or "")
        if name is None:
            return escape(element.get("alt") or "", quote=False)
        given = (("data-asset", name) if key == "src" else (key, value) for key, value in element.attrib.items())
        return "<img" + "".join(f' {key}="{escape(value)}"' for key, value in given if "}" not in key) + ">"
