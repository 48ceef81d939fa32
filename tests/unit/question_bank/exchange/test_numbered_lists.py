"""Paragraphs become items as a person would read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.exchange.entries import Arriving, Rejected
from question_bank.exchange.numbered_lists import Label, Paragraph, read_paragraphs
from question_bank.items import Role


def read(*lines: str | Paragraph) -> list[Arriving | Rejected]:
    """A line in ** is bold."""
    paragraphs = []
    for number, line in enumerate(lines, 1):
        if isinstance(line, Paragraph):
            paragraphs.append(line)
            continue
        text = line.removeprefix("**").removesuffix("**")
        paragraphs.append(Paragraph(number, text, text, bold=line.startswith("**")))
    return list(read_paragraphs(paragraphs))


def told(entries: list[Arriving | Rejected]) -> list[tuple[str, list[str], list[str]]]:
    """Stem, options and keys of each."""
    found = []
    for entry in entries:
        assert isinstance(entry, Arriving), entry
        choices = entry.draft.stages[0].choices
        keys = [choice.text for choice in choices if choice.role == Role.KEY]
        found.append((entry.draft.stem, [choice.text for choice in choices], keys))
    return found


FOUR = ["один", "два", "три", "четыре"]


@pytest.mark.parametrize(
    "lines",
    [
        ("1. Сколько?", "А) один", "**Б) два**", "В) три", "Г) четыре"),
        ("1) Сколько?", "а. один", "*б. два", "в. три", "г. четыре"),
        ("Вопрос №1. Сколько?", "А) один", "Б) два*", "В) три", "Г) четыре"),
        ("1. Сколько?", "А) один", "Б) два", "В) три", "Г) четыре", "Ответ: Б"),
        ("1. Сколько?", "A. один", "B. два", "C. три", "D. четыре", "Answer: В"),
        ("1. Сколько?", "1) один", "2) два", "3) три", "4) четыре", "Правильный ответ – 2."),
        ("Сколько?", "А) один", "Б) два", "В) три", "Г) четыре", "Ключ: два"),
        ("1. Сколько?", "А) один", "+Б) два", "В) три", "Г) четыре"),
    ],
)
def test_typed_labels_and_every_way_to_mark_a_key(lines: tuple[str, ...]) -> None:
    assert told(read(*lines)) == [("Сколько?", FOUR, ["два"])]
    twice = read(*lines, *(line.replace("1.", "2.", 1) if line.startswith("1.") else line for line in lines))
    assert told(twice) == [("Сколько?", FOUR, ["два"])] * 2


def listed(number: int, text: str, label: Label, *, bold: bool = False) -> Paragraph:
    return Paragraph(number, text, text, bold=bold, label=label)


@pytest.mark.parametrize(
    ("options", "level"), [("number", 1), ("cyrillic", 0), ("latin", 1), ("bullet", 0), ("number", 0)]
)
def test_labels_that_the_word_processor_draws(options: str, level: int) -> None:
    paragraphs = []
    for question in range(2):
        paragraphs.append(listed(1, "Сколько?", Label("number", question, "7", 0)))
        paragraphs += [
            listed(2, text, Label(options, place, f"{8 + question}" if level == 0 else "7", level), bold=place == 1)  # type: ignore[arg-type]
            for place, text in enumerate(FOUR)
        ]
    assert told(read(*paragraphs)) == [("Сколько?", FOUR, ["два"])] * 2


def test_lines_below_say_more_and_lines_between_belong_to_what_is_above() -> None:
    (entry,) = read(
        "1. Больной 50 лет.", "Что делать?", "А) лечить", "ЭКГ: норма", "Б) наблюдать", "Ответ: А",
        "Пояснение: потому.", "Источник: рекомендации, п. 2", "Требование: ЛД-01",
    )  # fmt: skip
    assert isinstance(entry, Arriving)
    assert told([entry]) == [
        ("Больной 50 лет.\nЧто делать?", ["лечить\nЭКГ: норма", "наблюдать"], ["лечить\nЭКГ: норма"])
    ]
    draft = entry.draft
    assert (draft.explanation, draft.sources, draft.requirement) == ("потому.", ("рекомендации, п. 2",), "ЛД-01")
    assert (entry.identifier, entry.place.line) == ("1", 1)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("А) один", "Б) два"), "no_key"),
        (("**А) один**", "**Б) два**"), "no_key"),
        (("А) один", "Б) два", "Ответ: Г"), "key_unread"),
        (("**А) один**", "Б) два", "Ответ: Б"), "key_ambiguous"),
        (("А) один", "Б) два", "В) три", "Ответ: А, Б"), "several_keys"),
    ],
)
def test_an_unclear_key_is_told(lines: tuple[str, ...], code: str) -> None:
    (entry,) = read("1. Сколько?", *lines)
    assert isinstance(entry, Arriving)
    assert [(remark.weight, remark.code) for remark in entry.remarks] == [("fault", code)]


def test_what_belongs_to_no_item_is_rejected_as_it_stands() -> None:
    entries = read(
        Paragraph(1, "Раздел 1", "Раздел 1", heading=True), "1. Где?", "2. Кто?", "А) он", "*Б) она", "Конец.", "И всё."
    )
    assert [(type(entry), entry.place.line) for entry in entries] == [
        (Rejected, 1), (Rejected, 2), (Arriving, 3), (Rejected, 6), (Rejected, 7),
    ]  # fmt: skip
    codes = [(entry.code, entry.original.decode()) for entry in entries if isinstance(entry, Rejected)]
    assert codes[:2] == [("outside", "Раздел 1"), ("no_options", "Где?")]


def test_formatting_makes_all_texts_of_an_item_html() -> None:
    rich = Paragraph(2, "А) H2O & <вода>", "А) H<sub>2</sub>O &amp; &lt;вода&gt;", rich=True)
    (entry,) = read("1. Что?", rich, "*Б) a < b")
    assert isinstance(entry, Arriving)
    assert entry.draft.markup == "html"
    assert [choice.text for choice in entry.draft.stages[0].choices] == [
        "H<sub>2</sub>O &amp; &lt;вода&gt;",
        "a &lt; b",
    ]


LINES = ["1. x", "2) y", "А) a", "*B. b", "Ответ: А", "Ответ: ", "слово", "", "* ", "Пояснение: z"]
labels = st.builds(Label, st.sampled_from(["number", "latin", "bullet"]), st.integers(0, 3), st.text(max_size=1))
paragraphs = st.builds(
    Paragraph,
    st.integers(1, 9),
    st.sampled_from(LINES),
    st.text(max_size=5),
    st.booleans(),
    st.booleans(),
    st.none() | labels,
    st.booleans(),
)


@given(st.lists(paragraphs, max_size=12))
def test_any_paragraphs_give_entries(found: list[Paragraph]) -> None:
    entries = list(read_paragraphs(found))
    assert [entry.place.number for entry in entries] == list(range(1, len(entries) + 1))


def test_spaces_without_end_before_no_asterisk_are_read_once() -> None:
    (item,) = read("1. Где?", "*А) тут", "Б) там" + " " * 500_000 + "нет")
    assert isinstance(item, Arriving)
    assert len(item.draft.stages[0].choices) == 2
