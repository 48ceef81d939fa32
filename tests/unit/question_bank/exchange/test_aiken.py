"""Aiken: letters of either alphabet, and the key that a person means; what is no item here is told."""

import contextlib
import tracemalloc
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import Invalid
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange import aiken
from question_bank.exchange.aiken import KEPT, LONGEST
from question_bank.exchange.carried import CASE
from question_bank.exchange.entries import Arriving, Leaving, Rejected
from question_bank.exchange.head import HEAD_BYTES, Head
from question_bank.items import Role
from question_bank.markup import read_plain
from tests.drafts import four_option, leavings

Entry = TypeVar("Entry", Arriving, Rejected)
many = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.txt"


def read(file: Path, text: str | bytes) -> list[Arriving | Rejected]:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(aiken.read(file))


def only(entries: list[Arriving | Rejected], kind: type[Entry]) -> Entry:
    (entry,) = entries
    assert isinstance(entry, kind)
    return entry


def texts(draft: Draft) -> list[str]:
    return [choice.text for choice in draft.stages[0].choices]


def key(draft: Draft) -> int | None:
    roles = [choice.role for choice in draft.stages[0].choices]
    return roles.index(Role.KEY) if Role.KEY in roles else None


def codes(entry: Arriving) -> set[tuple[str, str]]:
    return {(remark.weight, remark.code) for remark in entry.remarks}


def carried(draft: Draft) -> Draft:
    """The draft as the format can carry it: texts of one line, and the key."""

    def told(text: str) -> str:
        return read_plain(text) if draft.markup == "html" else " ".join(text.split())

    choices = tuple(DraftChoice(told(choice.text), choice.role) for choice in draft.stages[0].choices)
    return Draft(told(draft.stem), (DraftStage(choices),))


@many
@given(st.lists(leavings(), max_size=4))
def test_texts_and_key_come_back(file: Path, items: list[Leaving]) -> None:
    with file.open("wb") as target:
        written = list(aiken.write(items, target))
    assert [one.item for one in written] == [item.item for item in items]
    assert all(one.remarks for one in written)
    kept = [item for item, one in zip(items, written, strict=True) if not one.left_out]
    back = list(aiken.read(file))
    assert [one.draft for one in back if isinstance(one, Arriving)] == [carried(item.draft) for item in kept]
    assert not any(one.remarks for one in back if isinstance(one, Arriving))
    assert len(back) == len(kept)


TELLING = ("A.", "б)", "В. ", "ANSWER: A", "Ответ:", "ОТВЕТ: Б", "\n", "\n\n", " ", "да", "Г) ")


@many
@given(st.lists(st.sampled_from(TELLING), max_size=9).map("".join), st.integers(0, 3))
def test_a_text_that_looks_like_the_format_comes_back_or_is_left_out(file: Path, hard: str, place: int) -> None:
    draft = four_option(hard)
    choices = tuple(
        replace(choice, text=hard) if number == place else choice
        for number, choice in enumerate(draft.stages[0].choices)
    )
    draft = replace(draft, stages=(replace(draft.stages[0], choices=choices),))
    with file.open("wb") as target:
        (written,) = aiken.write([Leaving("i1", 1, draft)], target)
    back = list(aiken.read(file))
    if written.left_out:
        assert not back
    else:
        assert only(back, Arriving).draft == carried(draft)


@many
@given(st.text() | st.lists(st.sampled_from(TELLING), max_size=40).map("".join))
def test_any_text_gives_entries_or_a_refusal(file: Path, text: str) -> None:
    for encoding in ("utf-8", "utf-16", "cp1251"):
        with contextlib.suppress(Invalid):
            entries = read(file, text.encode(encoding, "replace"))
            assert all(isinstance(entry, Arriving | Rejected) for entry in entries)


@many
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_or_a_refusal(file: Path, data: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert all(isinstance(entry, Arriving | Rejected) for entry in read(file, data))
    assert aiken.recognise(Head("x", data)) in (True, False)


@pytest.mark.parametrize(
    ("letters", "said", "place"),
    [
        ("ABCD", "ANSWER: B", 1),
        ("ABCD", "answer: (c).", 2),
        ("АБВГ", "ОТВЕТ: Б", 1),
        ("абвг", "Ответ: г", 3),
        ("АБВГ", "Правильный ответ: В", 2),
    ],
)
def test_letters_of_either_alphabet(file: Path, letters: str, said: str, place: int) -> None:
    for sign in (".", ")"):
        options = "".join(f"{letter}{sign} вариант {number}\n" for number, letter in enumerate(letters))
        entry = only(read(file, f"Что это?\n{options}{said}\n"), Arriving)
        assert entry.draft.stem == "Что это?"
        assert texts(entry.draft) == [f"вариант {number}" for number in range(4)]
        assert key(entry.draft) == place
        assert not entry.remarks


@pytest.mark.parametrize(
    ("letters", "said", "place"),
    [
        ("ABCD", "В", 1),  # Cyrillic В looks like the second, and is the third of its own
        ("ABCD", "С", 2),
        ("АБВГ", "B", 2),  # Latin B
        ("АВСD", "В", 1),  # typed half in Cyrillic
        ("АВС", "В", 1),
        ("АВ", "B", 1),
        ("AБB", "B", 2),  # Cyrillic, but for its A and B
    ],
)
def test_letters_that_look_the_same_mean_what_is_seen(file: Path, letters: str, said: str, place: int) -> None:
    options = "".join(f"{letter}. вариант\n" for letter in letters)
    entry = only(read(file, f"Что это?\n{options}ANSWER: {said}\n"), Arriving)
    assert len(texts(entry.draft)) == len(letters)
    assert key(entry.draft) == place
    # Only where the two alone are read as Latin is the key a letter of their own alphabet.
    assert codes(entry) == (set() if len(letters) == 2 else {("note", "key_alphabet")})


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("Раздел 1\n\nРаздел 2", "description", 1),
        ("\n\nСколько?\nОТВЕТ: 5", "no_options", 3),
        ("ANSWER: A", "no_stem", 1),
        ("Что?\nA. 1\nB. 2\nANSWER: A, B", "several_keys", 1),
        ("Что?\nА) 1\nБ) 2\nОтвет: А и Б", "several_keys", 1),
        ("Что?\nA. 1\nB. 2\nЕщё?\nA. 3\nB. 4\nANSWER: B", "syntax", 1),
        ("Что?\nA. 1\nB. 2\nD. 4\nANSWER: B", "syntax", 1),
    ],
)
def test_what_cannot_be_an_item_is_told_and_kept(file: Path, text: str, code: str, line: int) -> None:
    entry = read(file, text)[-1 if code != "description" else 0]
    assert isinstance(entry, Rejected)
    assert (entry.code, entry.place.line) == (code, line)
    assert entry.sentence
    assert entry.original.decode().strip() == text.split("\n\n")[-1 if code != "description" else 0].strip()


@pytest.mark.parametrize(
    ("said", "code"),
    [("", "no_key"), ("ANSWER: \n", "key_unread"), ("ANSWER: E\n", "key_unread"), ("ОТВЕТ: 5\n", "key_unread")],
)
def test_an_item_without_a_key_is_a_draft(file: Path, said: str, code: str) -> None:
    first, second = read(file, f"Что?\nA. 1\nB. 2\n{said}\nЕщё?\nA. 3\nB. 4\nANSWER: B")
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert (key(first.draft), key(second.draft)) == (None, 1)
    assert codes(first) == {("fault", code)}


def test_lines_that_belong_to_no_letter_go_on_the_text_above(file: Path) -> None:
    entry = only(read(file, "А. С. Пушкин —\nкто он?\n\nА) Поэт\nи прозаик\n\nБ)\nОТВЕТ: А"), Arriving)
    assert entry.draft.stem == "А. С. Пушкин —\nкто он?"
    assert texts(entry.draft) == ["Поэт\nи прозаик", ""]


def test_a_bracket_needs_no_space_behind_it(file: Path) -> None:
    entry = only(read(file, "Сколько?\nа)2,5\nб)3\nОтвет: б"), Arriving)
    assert texts(entry.draft) == ["2,5", "3"]
    assert key(entry.draft) == 1


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_every_encoding_and_line_end_is_read(file: Path, end: str, encoding: str) -> None:
    text = end.join(("Что это?", "А) ёж", "Б) уж", "ОТВЕТ: А", "", "И ещё?", "А) да", "Б) нет", "ОТВЕТ: Б"))
    assert aiken.recognise(Head("x.txt", text.encode(encoding)))
    first, second = read(file, text.encode(encoding))
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert texts(first.draft) == ["ёж", "уж"]
    assert second.place.line == 6
    assert codes(first) == ({("note", "encoding_guessed")} if encoding == "cp1251" else set())


@pytest.mark.parametrize("begin", ["", "Что?\nA. ", "Что?\nA. 1\nANSWER: "])
def test_a_line_without_end_is_cut_and_reading_goes_on(file: Path, begin: str) -> None:
    with file.open("w") as target:
        target.write(begin)
        for _ in range(30):
            target.write("x" * LONGEST)
        target.write("\nANSWER: A\n\nЕщё?\nA. 1\nB. 2\nANSWER: B\n")
    tracemalloc.start()
    try:
        cut, read_on = aiken.read(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(cut, Rejected)
    assert (cut.code, len(cut.original.decode())) == ("too_long", KEPT)
    assert isinstance(read_on, Arriving)
    assert read_on.draft.stem == "Ещё?"
    assert peak < 12 * LONGEST


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Что?\nA. 1\n" + "x\n" * 400_000 + "B. 2\nANSWER: A", "read"),
        ("Что?\nA. 1\nB. 2\nANSWER: A" + " " * 900_000 + "5", "read"),
        ("Что?\n" + "A. \n" * 200_000 + "ANSWER: A", "syntax"),
        ("\n" * 900_000 + "ANSWER: A", "no_stem"),
    ],
    ids=["lines", "key", "letters", "blank"],
)
def test_what_is_made_to_take_long_does_not(file: Path, text: str, code: str) -> None:
    entry = read(file, text)[0]
    assert (entry.code if isinstance(entry, Rejected) else "read") == code
    assert aiken.recognise(Head("x", text.encode()[:HEAD_BYTES])) in (True, False)


def test_what_does_not_fit_is_told_on_the_way_out(file: Path) -> None:
    case = four_option()
    case = replace(case, stages=(*case.stages, *case.stages))
    with file.open("wb") as target:
        out, told = aiken.write([Leaving("i1", 1, case), Leaving("i2", 1, four_option())], target)
    assert (out.left_out, out.remarks) == (True, (CASE,))
    assert told.remarks[0].sentence == (
        "В этот формат не помещаются: специальность и требование, уровень, трудность, время, язык, пул."
    )
    assert file.read_text() == "Вопрос?\nA. Первый\nB. Второй\nC. Третий\nD. Четвёртый\nANSWER: B\n\n"


@pytest.mark.parametrize(
    ("start", "yes"),
    [
        ("Что?\nA) да\nB) нет\nANSWER: A", True),
        ("Что?\r\n  а. да\r\n  б. нет\r\nПравильный ответ: а", True),
        ("Что?{=a ~b}", False),
        ("1. Что?\nA) да\nB) нет", False),
    ],
)
def test_it_is_known_by_what_is_in_the_file(start: str, yes: bool) -> None:
    assert aiken.recognise(Head("x.txt", start.encode())) is yes
