"""GIFT: what Moodle writes is read as Moodle reads it, what leaves comes back, what is no item here is told."""

import contextlib
import io
import json
import re
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Invalid
from question_bank.drafts import Draft
from question_bank.exchange import gift
from question_bank.exchange.carried import CASE, find_plain_choice, settle_ends
from question_bank.exchange.entries import Arriving, Leaving, Rejected, Remark
from question_bank.exchange.gift_syntax import KEPT, LONGEST, Question, parse, read_blocks
from question_bank.exchange.head import HEAD_BYTES, Head
from question_bank.exchange.moodle_texts import MoodleText
from question_bank.items import Role
from question_bank.markup import clean
from tests.drafts import four_option, leavings
from tests.unit.question_bank.exchange.entering import codes, many, only, roles

SHARED = Path(__file__).parents[4].parent / "shared"
CORPUS = SHARED / "data" / "exchange" / "gift-fuhrmanator" / "tests" / "questions"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.gift"


def read(file: Path, text: str | bytes) -> list[Arriving | Rejected]:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(gift.read(file))


def carried(draft: Draft) -> Draft:
    """The draft as the format can carry it: without spaces at the ends of texts."""
    rich = draft.markup == "html"

    def told(text: str) -> str:
        text = settle_ends(text).strip(" \t")
        return clean(text) if rich else text

    stage = draft.stages[0]
    choices = tuple(replace(choice, text=told(choice.text)) for choice in stage.choices)
    return replace(
        draft,
        stem=told(draft.stem),
        stages=(replace(stage, prompt="", choices=choices),),
        explanation=told(draft.explanation),
    )


@many
@given(st.lists(leavings(), max_size=4))
def test_what_leaves_comes_back(file: Path, items: list[Leaving]) -> None:
    with file.open("wb") as target:
        written = list(gift.write(items, target))
    assert [one.item for one in written] == [item.item for item in items]
    kept = [item for item, one in zip(items, written, strict=True) if not one.left_out]
    for item, one in zip(items, written, strict=True):
        roles = [choice.role for stage in item.draft.stages for choice in stage.choices]
        holds = not isinstance(find_plain_choice(item.draft), Remark) and Role.DISTRACTOR in roles
        assert one.left_out is not holds
        assert not one.left_out or one.remarks
    back = list(gift.read(file))
    assert [(one.home, one.draft, one.enemies) for one in back if isinstance(one, Arriving)] == [
        (item.item, carried(item.draft), item.enemies) for item in kept
    ]
    assert len(back) == len(kept)


TELLING = (
    *" ~=#{}:\\n%[]/-$T",
    "[html]",
    "[plain] ",
    "//",
    "::",
    "####",
    "->",
    "%50%",
    "$CATEGORY:",
    "\n",
    "\r",
    "<b>",
)
hard = st.lists(st.sampled_from((*TELLING, "да", "NB")), max_size=12).map("".join)


@many
@given(hard, hard, hard, hard)
@example("", "%100%", " %50%", "[html]")
def test_no_sign_of_the_format_is_taken_for_one(file: Path, stem: str, key: str, other: str, explained: str) -> None:
    draft = four_option(stem)
    choices = draft.stages[0].choices
    choices = (replace(choices[0], text=other), replace(choices[1], text=key), *choices[2:])
    draft = replace(draft, stages=(replace(draft.stages[0], choices=choices),), explanation=explained)
    with file.open("wb") as target:
        list(gift.write([Leaving("i1", 1, draft)], target))
    assert only(list(gift.read(file)), Arriving).draft == carried(draft)


@many
@given(st.text() | hard | st.lists(st.sampled_from((*TELLING, "{=a ~b}", "\n\n")), max_size=30).map("".join))
def test_any_text_gives_entries_or_a_refusal(file: Path, text: str) -> None:
    with contextlib.suppress(Invalid):
        assert all(isinstance(entry, Arriving | Rejected) for entry in read(file, text.encode(errors="replace")))
    for encoding in ("utf-16", "cp1251"):
        with contextlib.suppress(Invalid):
            read(file, text.encode(encoding, "replace"))


@many
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_or_a_refusal(file: Path, data: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert all(isinstance(entry, Arriving | Rejected) for entry in read(file, data))
    assert gift.recognise(Head("x", data)) in (True, False)


KINDS = {
    "MC": "choice",
    "TF": "true_false",
    "Short": "short_answer",
    "Essay": "essay",
    "Numerical": "numerical",
    "Matching": "matching",
    "Description": "description",
}


def corpus() -> list[Path]:
    return sorted(CORPUS.glob("*.gift"))


def questions(file: Path) -> list[Question]:
    with file.open(encoding="utf-8-sig") as stream:
        texts = [block.text for block in read_blocks(stream)]
    return [parse(text) for text in texts if not text.startswith("$CATEGORY:")]


def told(text: MoodleText | None) -> dict[str, str] | None:
    return None if text is None else {"format": text.format, "text": text.text}


def spaced(stem: dict[str, str]) -> dict[str, str]:
    """The one difference to the answers that came with the corpus: they put a space on each side of a blank. Where the
    answers stood before a full stop we write «_____.», as Moodle does, and not «_____ .»."""
    return stem | {"text": re.sub(r"_____ (?=\.)", "_____", stem["text"])}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/data/exchange here")
@pytest.mark.parametrize("name", [file.stem for file in corpus()])
def test_the_corpus_is_read_as_its_answers_say(name: str) -> None:
    file = CORPUS / f"{name}.gift"
    answers: list[dict[str, Any]] = json.loads(file.with_suffix(".json").read_text())
    categories = [answer["title"] for answer in answers if answer["type"] == "Category"]
    answers = [answer for answer in answers if answer["type"] != "Category"]
    assert [line[10:].strip() for line in file.read_text().splitlines() if line.startswith("$CATEGORY:")] == categories
    found = questions(file)
    assert [question.kind for question in found] == [KINDS[answer["type"]] for answer in answers]
    assert [question.title for question in found] == [answer["title"] or "" for answer in answers]
    assert [told(question.item.stem) for question in found] == [spaced(answer["stem"]) for answer in answers]
    for question, answer in zip(found, answers, strict=True):
        assert question.embedded == answer["hasEmbeddedAnswers"]
        assert told(question.item.general) == answer.get("globalFeedback")
        if question.kind in ("choice", "short_answer"):
            assert [(told(choice.text), choice.percent, told(choice.feedback)) for choice in question.item.choices] == [
                (one["text"], 100 * one["isCorrect"] if one["weight"] is None else one["weight"], one["feedback"])
                for one in answer["choices"]
            ]
    entries = list(gift.read(file))
    assert len(entries) == len(answers)
    for entry, answer in zip(entries, answers, strict=True):
        whole = [one for one in answer.get("choices", ()) if answer["type"] == "MC" and one["isCorrect"]]
        partly = [
            one for one in answer.get("choices", ()) if answer["type"] == "MC" and one["weight"] not in (None, 100)
        ]
        if answer["type"] == "MC" and len(whole) == 1 and not any(one["weight"] > 0 for one in partly):
            assert isinstance(entry, Arriving)
            assert [key for _, key in roles(entry.draft)] == [one["isCorrect"] for one in answer["choices"]]
        else:
            assert isinstance(entry, Rejected)
            assert entry.code in (
                {"several_keys", "partial_credit"} if answer["type"] == "MC" else {KINDS[answer["type"]]}
            )
        assert entry.identifier == (answer["id"] or answer["title"] or "")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no ../shared/data/exchange here")
def test_the_corpus_comes_to_these_counts() -> None:
    assert len(corpus()) == 51
    entries = [entry for file in corpus() for entry in gift.read(file)]
    assert Counter(entry.code if isinstance(entry, Rejected) else "read" for entry in entries) == {
        "read": 23,
        "short_answer": 19,
        "true_false": 17,
        "numerical": 14,
        "essay": 8,
        "description": 7,
        "several_keys": 5,
        "matching": 4,
        "partial_credit": 3,
    }


def test_a_question_with_all_that_it_may_have(file: Path) -> None:
    entry = only(
        read(
            file,
            "// question: 1\n$CATEGORY: $course$/top/Терапия/Сердце\n\n// [id:q-7] [tag:ЭКГ] [tag:a\\]b]\n"
            "::Название::[html]<p>SaO<sub>2</sub>\\: норма?</p>{\n\t// заметка\n\n\t=95#Верно!\n\t~%-25%80#Мало.\n"
            "\t####Смотри \\#3\n}\n",
        ),
        Arriving,
    )
    assert (entry.identifier, entry.home, entry.place.line, entry.place.number) == ("q-7", "", 5, 1)
    assert entry.draft.stem == "<p>SaO<sub>2</sub>: норма?</p>"
    assert roles(entry.draft) == [("95", True), ("80", False)]
    assert entry.draft.explanation == "<p>Смотри #3</p><p>«95»: Верно!</p><p>«80»: Мало.</p>"
    assert entry.draft.tags == ("ЭКГ", "a]b", "Терапия / Сердце")
    assert codes(entry) == {("note", "feedback"), ("loss", "penalty"), ("loss", "title")}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("Да?{T}", "true_false", 1),
        ("\n\n// x\nСколько?{#5}", "numerical", 4),
        ("Что?{=a =b}", "short_answer", 1),
        ("Что?{=a =b ~c}", "several_keys", 1),
        ("Что?{~%50%a ~%50%b ~c}", "several_keys", 1),
        ("Что?{=a ~%50%b}", "partial_credit", 1),
        ("Пары{=a -> b =c -> d}", "matching", 1),
        ("Опишите{}", "essay", 1),
        ("Просто текст", "description", 1),
        ("Что?{=a ~b", "unclosed", 1),
        ("Что?{=a ~b}\nЕщё?{=c ~d}", "syntax", 1),
        ("Что?{=a {b} ~c}", "syntax", 1),
        ("Что?{лишнее =a ~c}", "syntax", 1),
    ],
)
def test_what_cannot_be_an_item_is_told_and_kept(file: Path, text: str, code: str, line: int) -> None:
    entry = only(read(file, text), Rejected)
    assert (entry.code, entry.place.line) == (code, line)
    assert entry.sentence
    assert text.split("\n")[-1] in entry.original.decode()


def test_an_item_without_a_key_is_a_draft(file: Path) -> None:
    entry = only(read(file, "Что?{~a ~b ~}"), Arriving)
    assert roles(entry.draft) == [("a", False), ("b", False), ("", False)]
    assert codes(entry) == {("fault", "no_key")}


def test_an_unclosed_brace_costs_its_own_question_only(file: Path) -> None:
    entries = read(file, "Раз?{=a ~b\n\nТекст\n\nДва?{=c ~d}\n\nТри?{=e\n\n::t::Четыре?{=g ~h}\n\nПять?{~i")
    assert [entry.code if isinstance(entry, Rejected) else entry.draft.stem for entry in entries] == [
        "unclosed",
        "description",
        "Два?",
        "unclosed",
        "Четыре?",
        "unclosed",
    ]
    assert [entry.place.line for entry in entries] == [1, 3, 5, 7, 9, 11]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_every_encoding_and_line_end_is_read(file: Path, end: str, encoding: str) -> None:
    text = end.join(("Что это?{", "=ёж", "~уж", "", "}", "", "И ещё?{=да ~нет}", ""))
    first, second = read(file, text.encode(encoding))
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert roles(first.draft) == [("ёж", True), ("уж", False)]
    assert second.place.line == 7
    assert codes(first) == ({("note", "encoding_guessed")} if encoding == "cp1251" else set())
    assert not second.remarks


@pytest.mark.parametrize("begin", ["", "Что?{=a ~", "// "])
def test_a_line_without_end_is_cut_and_reading_goes_on(file: Path, begin: str) -> None:
    with file.open("w") as target:
        target.write(begin)
        for _ in range(30):
            target.write("x" * LONGEST)
        target.write("}\n\nЕщё?{=a ~b}\n")
    tracemalloc.start()
    try:
        entries = list(gift.read(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [entry.code if isinstance(entry, Rejected) else entry.draft.stem for entry in entries] == [
        "too_long",
        "Ещё?",
    ]
    assert isinstance(entries[0], Rejected)
    assert len(entries[0].original.decode()) == KEPT
    assert peak < 12 * LONGEST


def test_markdown_and_plain_text_stay_text(file: Path) -> None:
    entry = only(read(file, "[markdown]Что **это**?{=[plain]a<b>c ~[html]<i>да</i>}"), Arriving)
    assert entry.draft.markup == "html"
    assert entry.draft.stem == "Что **это**?"
    assert roles(entry.draft) == [("a&lt;b&gt;c", True), ("<em>да</em>", False)]
    assert codes(entry) == {("note", "markdown")}


def test_what_we_wrote_and_somebody_broke_is_told(file: Path) -> None:
    entry = only(read(file, '// [accreditation:{"home":7}]\n[plain]Что?{=a ~b}'), Arriving)
    assert entry.home == ""
    assert codes(entry) == {("loss", "own_unread")}


def test_what_passed_through_a_moodle_keeps_what_tags_say(file: Path) -> None:
    entry = only(read(file, "// [tag:bank:requirement=ЛД-01] [tag:bank:limit=90000] [tag:ЭКГ]\nЧто?{=a ~b}"), Arriving)
    assert (entry.draft.requirement, entry.draft.limit, entry.draft.tags) == ("ЛД-01", 90_000, ("ЭКГ",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("// " + "[id:" * 240_000 + "\nЧто?{=a ~b}", "read"),
        ("// " + "[tag:" * 190_000 + "\nЧто?{=a ~b}", "read"),
        ("Что?{" + "=~" * 400_000 + "}", "syntax"),
        ("{" + "\n" * 900_000 + "x", "unclosed"),
        ("{" * 900_000, "unclosed"),
        ("{\n\n" * 50_000, "unclosed"),
        ("::" * 400_000 + "{=a ~b}", "read"),
        ("Что?{=a" + "%" * 900_000 + " ~b}", "read"),
        ("Что?{=a " + "\\" * 900_000 + " ~b}", "read"),
    ],
    ids=["ids", "tags", "answers", "blank", "braces", "unclosed", "titles", "per cent", "escapes"],
)
def test_what_is_made_to_take_long_does_not(file: Path, text: str, code: str) -> None:
    for entry in read(file, text)[:1]:
        assert (entry.code if isinstance(entry, Rejected) else "read") == code
    assert gift.recognise(Head("x", text.encode()[:HEAD_BYTES])) in (True, False)


def test_cases_and_pictures_are_told_on_the_way_out() -> None:
    case = four_option()
    case = replace(case, stages=(*case.stages, *case.stages))
    pictured = Leaving("i2", 1, four_option(), {"pic": (b"x", "image/png")})
    target = io.BytesIO()
    out, told = gift.write([Leaving("i1", 1, case), pictured], target)
    assert (out.left_out, out.remarks) == (True, (CASE,))
    assert [remark.code for remark in told.remarks] == ["pictures_left"]


@pytest.mark.parametrize(
    ("start", "name", "yes"),
    [
        ("::Q1::Что?{=a ~b}".encode(), "x.txt", True),
        ("Что?{\n=a\n~b\n}".encode("utf-16"), "x.txt", True),
        (b"$CATEGORY: x\n", "x.gift", True),
        (b'{"stem": "x"}', "x.jsonl", False),
        (b"<quiz><question>{=a ~b}</question></quiz>", "x.xml", False),
        ("Вопрос\nA. да\nANSWER: A".encode(), "x.txt", False),
        (b"PK\3\4\0\0{=a ~b}", "x.zip", False),
    ],
)
def test_it_is_known_by_what_is_in_the_file(start: bytes, name: str, yes: bool) -> None:
    assert gift.recognise(Head(name, start)) is yes
