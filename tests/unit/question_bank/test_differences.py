"""What changed between two drafts: nothing invented, nothing left out, and read in one glance."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from question_bank.differences import MOST_PAIRS, Piece, TextDifference, compare
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.items import Role
from question_bank.markup import Markup

words = st.text(alphabet="абв ,.\n", max_size=40)
ITEM = Draft(
    stem="Что делают первым?",
    stages=(
        DraftStage(
            (
                DraftChoice("Вызывают помощь", Role.KEY),
                DraftChoice("Ждут", Role.DISTRACTOR),
                DraftChoice("Уходят", Role.DISTRACTOR),
                DraftChoice("Измеряют давление", Role.DISTRACTOR),
            )
        ),
    ),
    explanation="По стандарту.",
    sources=("Приказ 1",),
    tags=("помощь",),
    difficulty=0.7,
    limit=60_000,
)
CASE = replace(
    ITEM,
    stages=tuple(
        replace(ITEM.stages[0], prompt=f"Шаг {number}", kind="actions", choices=(DraftChoice("Осмотр", Role.REQUIRED),))
        for number in range(3)
    ),
)


def with_choices(*choices: DraftChoice) -> Draft:
    return replace(ITEM, stages=(DraftStage(choices),))


def compare_texts(before: str, after: str, markup: Markup = "text") -> TextDifference:
    return compare(Draft(before, (), markup=markup), Draft(after, (), markup=markup)).stem


def said(pieces: tuple[Piece, ...]) -> str:
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[piece.kind].format(piece.text) for piece in pieces)


@given(words, words)
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces = compare_texts(before, after).pieces
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Боль в груди", "Боль в груди", "Боль в груди"),
        ("Боль в груди", "Боль в животе", "Боль в [-груди-]{+животе+}"),
        ("Боль.", "Острая боль.", "[-Боль-]{+Острая боль+}."),
        ("120 на 80", "150 на 90", "[-120-]{+150+} на [-80-]{+90+}"),
        ("раз два три", "раз четыре пять три", "раз [-два-]{+четыре пять+} три"),
        ("один два", "три четыре", "[-один два-]{+три четыре+}"),
        ("", "ново", "{+ново+}"),
    ],
)
def test_words_that_changed_are_marked(before: str, after: str, expected: str) -> None:
    assert said(compare_texts(before, after).pieces) == expected


def test_texts_beyond_the_bound_are_shown_whole() -> None:
    many = int(MOST_PAIRS**0.5) + 1
    before, after = " ".join("а" * n for n in range(1, many)), " ".join("б" * n for n in range(1, many))
    assert [piece.kind for piece in compare_texts(f"раз {before} конец", f"раз {after} конец").pieces] == [
        "same", "gone", "new", "same",
    ]  # fmt: skip


def test_all_texts_of_a_draft_share_the_bound() -> None:
    half = int(MOST_PAIRS**0.5 * 0.8)
    old, new = " ".join("а" for _ in range(half // 2)), " ".join("б" for _ in range(half // 2))
    difference = compare(
        replace(ITEM, stem=f"раз {old} два", explanation=f"{old} а раз а а"),
        replace(ITEM, stem=f"раз {new} два", explanation=f"{new} б раз б б"),
    )
    assert [piece.kind for piece in difference.stem.pieces] == ["same", "gone", "new", "same"]
    assert [piece.kind for piece in difference.explanation.pieces] == ["gone", "new"], "nothing is left to spend"


def test_of_rich_texts_words_are_compared_and_looks_are_told() -> None:
    assert said(compare_texts("<p>Доза <strong>5</strong> мг</p>", "<p>Доза 10 мг</p>", "html").pieces) == (
        "Доза [-5-]{+10+} мг"
    )
    bold = compare_texts("<p>Доза</p>", "<p><strong>Доза</strong></p>", "html")
    assert bold.restyled
    assert not bold.same
    assert not compare_texts("Доза", "Доза").restyled


def test_the_same_draft_differs_in_nothing() -> None:
    for draft in (ITEM, CASE):
        assert compare(draft, draft).same


def test_each_field_that_changed_is_named_once() -> None:
    difference = compare(ITEM, replace(ITEM, difficulty=0.5, limit=90_000, level="recall", sources=("Приказ 2",)))
    assert [(one.field, one.before, one.after) for one in difference.values] == [
        ("level", "", "recall"),
        ("difficulty", "0.7", "0.5"),
        ("limit", "60000", "90000"),
    ]
    assert said(difference.sources) == "[-Приказ 1-]{+Приказ 2+}"
    assert said(difference.tags) == "помощь"
    assert not difference.same


def test_an_option_that_was_rewritten_is_one_option() -> None:
    first, second, third, fourth = ITEM.stages[0].choices
    (stage,) = compare(ITEM, with_choices(first, second, third, replace(fourth, text="Измеряют пульс"))).stages
    assert [said(choice.text.pieces) for choice in stage.choices][3] == "Измеряют [-давление-]{+пульс+}"


def test_an_option_that_has_nothing_in_common_is_another() -> None:
    first, second, third, _ = ITEM.stages[0].choices
    other = DraftChoice("Проверяют пульс", Role.DISTRACTOR)
    (stage,) = compare(ITEM, with_choices(first, second, third, other)).stages
    assert {(choice.role_before, choice.role_after) for choice in stage.choices[3:]} == {
        (None, "distractor"),
        ("distractor", None),
    }


def test_options_that_changed_places_and_roles_say_so() -> None:
    first, second, third, fourth = ITEM.stages[0].choices
    (moved,) = compare(ITEM, with_choices(second, first, third, fourth)).stages
    assert [choice.moved for choice in moved.choices] == [True, True, False, False]
    swapped = with_choices(replace(first, role=Role.DISTRACTOR), replace(second, role=Role.KEY), third, fourth)
    (stage,) = compare(ITEM, swapped).stages
    assert [(choice.role_before, choice.role_after) for choice in stage.choices[:2]] == [
        ("key", "distractor"),
        ("distractor", "key"),
    ]
    (fewer,) = compare(ITEM, with_choices(first, third, fourth)).stages
    assert not any(choice.moved for choice in fewer.choices)


def test_stages_come_go_and_change() -> None:
    dropped = compare(CASE, replace(CASE, stages=(CASE.stages[0], CASE.stages[2])))
    assert [(stage.before, stage.after, stage.same) for stage in dropped.stages] == [
        (1, 1, True),
        (2, None, False),
        (3, 2, False),
    ]
    heavier = compare(CASE, replace(CASE, stages=(replace(CASE.stages[0], weight=3, ordered=True), *CASE.stages[1:])))
    assert [one.field for one in heavier.stages[0].values] == ["ordered", "weight"]
    longer = compare(replace(CASE, stages=CASE.stages[:1]), CASE)
    assert [(stage.before, stage.after) for stage in longer.stages] == [(1, 1), (None, 2), (None, 3)]
