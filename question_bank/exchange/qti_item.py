"""One assessmentItem read: of others a choice of one, of ours everything that we wrote. Pure."""

from typing import Any

from msgspec import Struct

from core.errors import TooLarge
from core.moments import SECOND, Span
from question_bank.adaptation import unite
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.entries import Arriving, Place, Rejected
from question_bank.exchange.packages import Files, resolve
from question_bank.exchange.qti_key import find_keys, number
from question_bank.exchange.qti_metadata import NOTHING, Metadata, fit_limit, language_of
from question_bank.exchange.qti_names import TOOL, XML, attribute, child, children, plain_name
from question_bank.exchange.qti_own import read_own
from question_bank.exchange.qti_text import Pictures, Reading
from question_bank.exchange.qti_words import Remarks, say_refused
from question_bank.exchange.strict_xml import parse
from question_bank.items import Role

MAX_STIMULI = 8
MAX_STIMULUS = 500_000
"""Bytes of a passage that is read in: every item that names it reads it."""
MEDIA_TYPE = "application/xml"

_KINDS = {
    "associateInteraction": "связать пары", "customInteraction": "особое", "drawingInteraction": "рисунок",
    "endAttemptInteraction": "закончить попытку", "extendedTextInteraction": "развёрнутый ответ",
    "gapMatchInteraction": "заполнить пропуски", "graphicAssociateInteraction": "связать места на рисунке",
    "graphicGapMatchInteraction": "разместить на рисунке", "graphicOrderInteraction": "порядок мест на рисунке",
    "hotspotInteraction": "место на рисунке", "hottextInteraction": "место в тексте",
    "inlineChoiceInteraction": "выбор внутри текста", "matchInteraction": "соответствие", "mediaInteraction": "запись",
    "orderInteraction": "порядок", "portableCustomInteraction": "особое",
    "positionObjectInteraction": "поставить на рисунок", "selectPointInteraction": "точка на рисунке",
    "sliderInteraction": "шкала",
    "textEntryInteraction": "ввод текста", "uploadInteraction": "файл",
}  # fmt: skip
_EXPLAINING = frozenset({"correct", "CORRECT", "EXPLANATION", "explanation", "solution", "SOLUTION"})
"""What feedback on the right answer is called where it is not called by the answer."""
_QUIET = frozenset(
    {"responseDeclaration", "outcomeDeclaration", "itemBody", "responseProcessing", "contextDeclaration"}
)
_SAID = {
    "stylesheet": "style", "modalFeedback": "feedback", "catalogInfo": "accessibility", "include": "include",
    "apipAccessibility": "accessibility", "companionMaterialsInfo": "unknown", "assessmentStimulusRef": "",
    "interactionModules": "unknown",
}  # fmt: skip


class Reference(Struct, frozen=True):
    """What a test says of an item that it refers to."""

    limit: Span | None = None
    weighted: bool = False


class Source(Struct, frozen=True):
    """Where an item stands and what was said of it elsewhere."""

    place: Place
    files: Files
    data: bytes
    metadata: Metadata = NOTHING
    reference: Reference = Reference()


def read_item(root: Any, source: Source) -> Arriving | Rejected:
    """An item from its root element. Raises nothing for what is well-formed, whatever it is."""
    identifier = attribute(root, "identifier").strip()[:200]
    if plain_name(root.tag) != "assessmentItem":
        return refuse(source, "not_an_item", identifier)
    if attribute(root, "toolName") == TOOL and (own := read_own(root, source.place.member, source.files)) is not None:
        return _arrive_own(own, source, identifier, root.get(f"{XML}lang") or "")
    body = child(root, "itemBody")
    inside = [] if body is None else [one for one in body.iter() if plain_name(one.tag).endswith("Interaction")]
    if not inside:
        return refuse(source, "no_interaction", identifier)
    if len(inside) > 1:
        return refuse(source, "composite", identifier)
    kind = plain_name(inside[0].tag)
    if kind != "choiceInteraction":
        return refuse(source, "interaction", identifier, _KINDS.get(kind, kind[:40]))
    if attribute(root, "adaptive") == "true":
        return refuse(source, "adaptive", identifier)
    if any(plain_name(one.tag).startswith("template") for one in root):
        return refuse(source, "template", identifier)
    return _read_choice(root, body, inside[0], source, identifier)


def refuse(source: Source, code: str, identifier: str = "", what: str = "") -> Rejected:
    return Rejected(source.place, code, say_refused(code, what), identifier, source.data, MEDIA_TYPE)


def _read_choice(root: Any, body: Any, interaction: Any, source: Source, identifier: str) -> Arriving | Rejected:
    remarks = Remarks()
    answer = attribute(interaction, "responseIdentifier")
    declaration = next(
        (one for one in children(root, "responseDeclaration") if attribute(one, "identifier") == answer), None
    )
    if declaration is not None and attribute(declaration, "baseType") not in ("identifier", ""):
        return refuse(source, "response", identifier)
    options = children(interaction, "simpleChoice")
    named = [attribute(one, "identifier").strip() for one in options]
    keys = find_keys(declaration, child(root, "responseProcessing"), named, remarks)
    single = declaration is None or attribute(declaration, "cardinality") in ("single", "")
    if len(keys) > 1 or (not single and attribute(interaction, "maxChoices").strip() != "1"):
        return refuse(source, "several_keys", identifier)
    if not keys:
        remarks.add("no_key")
    if attribute(interaction, "shuffle") != "true" or any(attribute(one, "fixed") == "true" for one in options):
        remarks.add("order")
    pictures = Pictures(source.files, remarks)
    reading = Reading(pictures, remarks)
    member = source.place.member
    told = _explaining(root, keys)
    markup, (stem, explanation, *texts) = unite(
        [
            reading.block([*_stimuli(root, member, source.files, remarks), (member, body)]),
            reading.block([(member, part) for one in told for part in children(one, "contentBody") or [one]]),
            *(reading.inline(member, one) for one in options),
        ]
    )
    _notice(root, body, source, remarks, identifier, len(told))
    roles = [Role.KEY if name in keys else Role.DISTRACTOR for name in named]
    draft = Draft(
        stem,
        (DraftStage(tuple(DraftChoice(text, role) for text, role in zip(texts, roles, strict=True))),),
        explanation,
        markup=markup,
        limit=_limit(root, source, remarks),
        tags=source.metadata.tags,
        language=language_of(root.get(f"{XML}lang") or source.metadata.language),
    )
    return Arriving(source.place, draft, identifier, "", remarks.all(), pictures.found)


def _arrive_own(
    own: tuple[Draft, dict[str, bytes], Remarks], source: Source, identifier: str, language: str
) -> Arriving:
    draft, pictures, remarks = own
    metadata = source.metadata
    return Arriving(
        source.place,
        Draft(
            draft.stem,
            draft.stages,
            draft.explanation,
            metadata.sources,
            draft.markup,
            metadata.codes.get("speciality", ""),
            metadata.codes.get("requirement", ""),
            metadata.level,
            metadata.difficulty,
            metadata.limit,
            metadata.tags,
            language_of(metadata.language or language),
            metadata.pool,
        ),
        identifier,
        metadata.home,
        remarks.all(),
        pictures,
        metadata.enemies,
    )


def _stimuli(root: Any, member: str, files: Files, remarks: Remarks) -> list[tuple[str, Any]]:
    """The passages that an item shares with others, each with its member."""
    found = []
    for one in children(root, "assessmentStimulusRef")[:MAX_STIMULI]:
        path = resolve(member, attribute(one, "href"))
        if path is None or not files.has(path):
            remarks.add("stimulus_missing")
            continue
        try:
            body = child(parse(files.read(path, MAX_STIMULUS), path), "stimulusBody")
        except TooLarge:
            remarks.add("stimulus_large")
            continue
        if body is not None:
            remarks.add("stimulus")
            found.append((path, body))
    return found


def _explaining(root: Any, keys: set[str]) -> list[Any]:
    """The feedback that explains the right answer: that of the key by name, or the only one there is."""
    modal = [one for one in children(root, "modalFeedback") if attribute(one, "showHide") != "hide"]
    named = [one for one in modal if attribute(one, "identifier") in keys | _EXPLAINING]
    return named or (modal if len(modal) == 1 else [])


def _limit(root: Any, source: Source, remarks: Remarks) -> Span | None:
    said = child(root, "timeLimits")
    seconds = 0.0 if said is None else number(attribute(said, "maxTime"))
    limit = round(seconds * SECOND) or source.reference.limit or source.metadata.limit
    if limit and fit_limit(limit) is None:
        remarks.add("limit")
    return fit_limit(limit) if limit else None


def _notice(root: Any, body: Any, source: Source, remarks: Remarks, identifier: str, explained: int) -> None:
    """What is beside the body and does not come along."""
    for one in root:
        name = plain_name(one.tag)
        if name in _QUIET or not name or name == "timeLimits":
            continue
        if name == "modalFeedback":
            explained -= 1
            if explained >= 0:
                continue
        if code := _SAID.get(name, "unknown"):
            remarks.add(code)
    title = attribute(root, "title").strip()
    if title and title != identifier:
        remarks.add("title")
    if body.get("class") or body.get("style"):
        remarks.add("style")
    language = root.get(f"{XML}lang") or source.metadata.language
    if language and language_of(language) is None:
        remarks.add("language")
    if source.reference.weighted:
        remarks.add("weight")
