"""One item as an assessmentItem of QTI, in the words of a version. Pure.

Others get what they can use: one choice with its key, a case as several interactions whose mappings give our marks (but
for an ordered stage, which gives all or nothing).
"""

import re
from collections.abc import Callable
from html import escape

from question_bank.drafts import Draft, DraftStage
from question_bank.exchange.qti_names import MATH, TOOL, Version, dash
from question_bank.exchange.qti_own import PROMPT, REVEAL, STEM
from question_bank.items import Role
from question_bank.markup import clean

_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ASSET = re.compile(r' data-asset="([^"]*)"')
_BLOCK = re.compile(r"<(?:p|ul|ol|table)>")

Picture = Callable[[str], str | None]
"""The address of a picture by its asset id."""


class Tags:
    """Tags in the spelling of one version; what stands in attributes is escaped already."""

    def __init__(self, version: Version) -> None:
        self._version, self._dashed = version, version.dashed

    def root(self) -> dict[str, str]:
        version = self._version
        return {
            "xmlns": version.namespace,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{version.namespace} {version.schema}",
        }

    def open(self, name: str, **attributes: str) -> str:
        return f"<{self._tag(name)}{self._given(attributes)}>"

    def close(self, name: str) -> str:
        return f"</{self._tag(name)}>"

    def empty(self, name: str, **attributes: str) -> str:
        return f"<{self._tag(name)}{self._given(attributes)}/>"

    def whole(self, name: str, inside: str, **attributes: str) -> str:
        tag = self._tag(name)
        return f"<{tag}{self._given(attributes)}>{inside}</{tag}>"

    def _tag(self, name: str) -> str:
        return f"qti-{dash(name)}" if self._dashed else name

    def _given(self, attributes: dict[str, str]) -> str:
        if not self._dashed:
            return "".join([f' {name}="{value}"' for name, value in attributes.items()])
        return "".join([f' {name if ":" in name else dash(name)}="{value}"' for name, value in attributes.items()])


class Document:
    """One assessmentItem being made."""

    def __init__(self, version: Version, draft: Draft, picture: Picture) -> None:
        self.tag, self._version, self._draft, self._picture = Tags(version), version, draft, picture

    def make(self, name: str, title: str) -> str:
        draft, tag = self._draft, self.tag
        stages = [_Stage(self, number, stage) for number, stage in enumerate(draft.stages)]
        language = {"xml:lang": draft.language} if draft.language else {}
        most = sum(stage.weight for stage in draft.stages)
        body = "".join([self.part(STEM, draft.stem), *(stage.body() for stage in stages)])
        explained = self._feedback()
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            + tag.open(
                "assessmentItem",
                identifier=name,
                title=title,
                adaptive="false",
                timeDependent="false",
                toolName=TOOL,
                **language,
                **tag.root(),
            )
            + "".join(stage.declaration() for stage in stages)
            + self._outcome("SCORE", "float", "0")
            + self._outcome("MAXSCORE", "float", f"{most}")
            + (self._outcome("FEEDBACK", "identifier", "") if explained else "")
            + tag.whole("itemBody", body, **{"class": f"accreditation-{draft.markup}"})
            + self._processing(stages, explained=bool(explained))
            + explained
            + tag.close("assessmentItem")
        )

    def part(self, name: str, text: str) -> str:
        return f'<div class="{name}">{self.text(text)}</div>' if text else ""

    def text(self, text: str) -> str:
        """A text of the draft as XHTML that says it exactly."""
        if self._draft.markup == "text":
            return escape_text(text).replace("\n", "<br/>")
        html = _IMAGE.sub(self._image, clean(text)).replace("<br>", "<br/>").replace("&nbsp;", "&#160;")
        return html.replace("<math", f'<math xmlns="{MATH}"').replace("\r", "&#13;")

    def prompt(self, text: str) -> tuple[str, str]:
        """A task: as what stands before an interaction, or as its prompt where that may hold it."""
        if not text:
            return "", ""
        if self._draft.markup == "html" and _BLOCK.search(text):
            return self.part(PROMPT, text), ""
        return "", self.tag.whole("prompt", self.text(text))

    def _image(self, match: re.Match[str]) -> str:
        given = match[1]
        asset = _ASSET.search(given)
        file = self._picture(asset[1]) if asset else None
        if asset is None or file is None:
            alt = re.search(r' alt="([^"]*)"', given)
            return alt[1].replace("&quot;", '"') if alt else ""
        return f'<img{given[: asset.start()]} src="{file}"{given[asset.end() :]}/>'

    def _outcome(self, name: str, kind: str, value: str) -> str:
        tag = self.tag
        default = tag.whole("defaultValue", tag.whole("value", value)) if value else ""
        return tag.whole("outcomeDeclaration", default, identifier=name, cardinality="single", baseType=kind)

    def _processing(self, stages: list["_Stage"], *, explained: bool) -> str:
        tag = self.tag
        if not explained and len(stages) == 1 and stages[0].simple:
            return tag.empty("responseProcessing", template=self._version.templates.format("match_correct"))
        made = "".join(stage.points() for stage in stages)
        if explained:
            shown = tag.whole("baseValue", "EXPLANATION", baseType="identifier")
            made += tag.whole("setOutcomeValue", shown, identifier="FEEDBACK")
        return tag.whole("responseProcessing", made)

    def _feedback(self) -> str:
        tag = self.tag
        if not self._draft.explanation:
            return ""
        text = self.text(self._draft.explanation)
        return tag.whole(
            "modalFeedback",
            tag.whole("contentBody", text) if self._version.dashed else text,
            outcomeIdentifier="FEEDBACK",
            identifier="EXPLANATION",
            showHide="show",
        )


class _Stage:
    """A stage as an interaction with its declaration."""

    def __init__(self, item: Document, number: int, stage: DraftStage) -> None:
        self._item, self._tag, self._stage, self._number = item, item.tag, stage, number
        self._response = "RESPONSE" if number == 0 else f"RESPONSE{number + 1}"
        self._names = [_letter(place) for place in range(len(stage.choices))]
        self._roles = dict(zip(self._names, (choice.role for choice in stage.choices), strict=True))
        self._right = [name for name, role in self._roles.items() if role in (Role.KEY, Role.REQUIRED)]

    @property
    def simple(self) -> bool:
        """Whether right or wrong, one point, is all there is to it."""
        return self._stage.kind == "choice" and self._stage.weight == 1

    def declaration(self) -> str:
        tag, stage = self._tag, self._stage
        values = "".join(tag.whole("value", name) for name in self._right)
        correct = tag.whole("correctResponse", values) if values else ""
        several = "multiple" if stage.kind == "actions" or len(self._right) > 1 else "single"
        return tag.whole(
            "responseDeclaration",
            correct + ("" if self.simple else self._mapping()),
            identifier=self._response,
            cardinality="ordered" if stage.ordered else several,
            baseType="identifier",
        )

    def body(self) -> str:
        tag, stage = self._tag, self._stage
        before, prompt = self._item.prompt(stage.prompt)
        options = "".join(
            tag.whole("simpleChoice", self._item.text(choice.text), identifier=name)
            for name, choice in zip(self._names, stage.choices, strict=True)
        )
        common = {"responseIdentifier": self._response, "shuffle": "true"}
        if stage.ordered:
            made = tag.whole("orderInteraction", prompt + options, **common, minChoices="1")
        else:
            made = tag.whole(
                "choiceInteraction", prompt + options, **common, maxChoices="1" if stage.kind == "choice" else "0"
            )
        return self._item.part(REVEAL, stage.reveal) + before + made

    def points(self) -> str:
        """What the stage earns, added to the score."""
        tag, response = self._tag, self._response
        if not (self.simple or self._stage.ordered):
            return self._add(tag.empty("mapResponse", identifier=response))
        right = tag.whole(
            "match", tag.empty("variable", identifier=response) + tag.empty("correct", identifier=response)
        )
        earned = self._add(tag.whole("baseValue", f"{self._stage.weight}", baseType="float"))
        return tag.whole("responseCondition", tag.whole("responseIf", right + earned))

    def _add(self, earned: str) -> str:
        tag = self._tag
        total = tag.whole("sum", tag.empty("variable", identifier="SCORE") + earned)
        return tag.whole("setOutcomeValue", total, identifier="SCORE")

    def _mapping(self) -> str:
        tag, weight = self._tag, self._stage.weight
        needed = len(self._right)
        worth = {
            Role.KEY: f"{weight}",
            Role.DISTRACTOR: "0",
            Role.REQUIRED: repr(weight / max(1, needed)),
            Role.NEUTRAL: repr(-weight / (2 * max(1, needed))),
            Role.HARMFUL: f"{-weight}",
        }
        entries = "".join(
            tag.empty("mapEntry", mapKey=name, mappedValue=worth[role]) for name, role in self._roles.items()
        )
        return tag.whole("mapping", entries, lowerBound="0", upperBound=f"{weight}", defaultValue="0")


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"C{place + 1}"


def escape_text(text: str) -> str:
    """A text as it stands in an element."""
    return escape(text, quote=False).replace("\r", "&#13;")
