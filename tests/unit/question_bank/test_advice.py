"""Advice: each rule by examples that it sees and that it does not; never a fault; sane rates over real items."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from question_bank.advice import SENTENCES, Code, advise
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.items import Role

ITEMS = Path(__file__).resolve().parents[4] / "shared" / "data" / "items"
PLAIN = ("пневмония", "плеврит", "бронхит", "эмфизема")
STEM = "Наиболее вероятный диагноз у этого больного"


def draft(stem: str = STEM, *options: str, key: int | None = 0, rich: bool = False) -> Draft:
    """With everything that is missed otherwise; the options are PLAIN by default."""
    choices = tuple(
        DraftChoice(text, Role.KEY if place == key else Role.DISTRACTOR) for place, text in enumerate(options or PLAIN)
    )
    return Draft(
        stem, (DraftStage(choices),), "Потому.", ("Клинические рекомендации",), "html" if rich else "text", limit=60_000
    )


def codes(one: Draft) -> list[Code]:
    return [advice.code for advice in advise(one)]


def test_where_all_is_well_nothing_is_said() -> None:
    assert advise(draft()) == ()


@pytest.mark.parametrize(
    ("code", "one"),
    [
        ("key_long", draft(STEM, "внебольничная пневмония нижней доли справа", *PLAIN[1:])),
        ("all_of_these", draft(STEM, *PLAIN[:3], "Всё перечисленное верно")),
        ("all_of_these", draft(STEM, *PLAIN[:3], "все ответы верны")),
        ("all_of_these", draft(STEM, *PLAIN[:3], "все вышеуказанные")),
        ("all_of_these", draft(STEM, *PLAIN[:3], "верно все")),
        ("all_of_these", draft(STEM, *PLAIN[:3], "All of the above")),
        ("none_of_these", draft(STEM, *PLAIN[:3], "ни один из перечисленных")),
        ("none_of_these", draft(STEM, *PLAIN[:3], "ничего из вышеперечисленного")),
        ("none_of_these", draft(STEM, *PLAIN[:3], "нет правильного ответа")),
        ("none_of_these", draft(STEM, *PLAIN[:3], "None of these")),
        ("combined", draft(STEM, *PLAIN[:3], "верно А и Б")),
        ("combined", draft(STEM, *PLAIN[:3], "правильны ответы 1, 2 и 3")),
        ("combined", draft(STEM, *PLAIN[:3], "A and C")),
        ("negative", draft("Для острого бронхита не характерно")),
        ("negative", draft("К осложнениям относятся все, кроме")),
        ("negative", draft("Какой препарат при отёке лёгких не применяют?")),
        ("negative", draft("Противопоказаниями являются все перечисленные, за исключением:")),
        ("negative", draft("<p>Больной 40 лет. Что <sub>не</sub> является показанием?</p>", rich=True)),
        ("negative", draft("Which of the following is not a symptom?")),
        ("double_negative", draft("Что НЕ показано больному?", "не вставать", *PLAIN[1:])),
        ("absolute", draft(STEM, "пневмония", "всегда плеврит", *PLAIN[2:])),
        ("contained", draft(STEM, "пневмония", "пневмония и плеврит", *PLAIN[2:])),
        ("overlap", draft("Нормальный уровень калия", "3,5–5,1 ммоль/л", "4–6 ммоль/л", "1–2 ммоль/л", "7–8 ммоль/л")),
        ("overlap", draft("Нормальный уровень калия", "от 3,5 до 5", "4", "7", "8")),
        ("repeated", draft(STEM, *(f"воспаление лёгочной ткани {word}" for word in ("а", "б", "в", "г")))),
        (
            "clang",
            draft(
                "Гипертоническая болезнь ведёт к поражению сердца",
                "гипертоническая астма",
                "бронхиальная астма",
                *PLAIN[2:],
            ),
        ),
        ("article", draft("The patient most likely has an", "embolism", "stroke", "fracture", "cyst")),
        ("odd_stop", draft(STEM, "пневмония", "плеврит.", *PLAIN[2:])),
        ("short_stem", draft("Менингит – это:")),
        ("no_explanation", replace(draft(), explanation=" ")),
        ("no_sources", replace(draft(), sources=())),
        ("hasty", replace(draft("слово " * 60), limit=30_000)),
    ],
)
def test_what_a_rule_sees(code: Code, one: Draft) -> None:
    assert codes(one) == [code]


@pytest.mark.parametrize(
    "one",
    [
        draft("Что НЕ характерно для острого бронхита?"),
        draft("К осложнениям относятся все, КРОМЕ"),
        draft("Что <strong>не</strong> характерно для острого бронхита?", rich=True),
        draft("Больной не курит, лекарств не принимал. Наиболее вероятный диагноз"),
        draft("Женщинам, которые не имеют факторов риска, показано обследование в возрасте"),
        draft("Обследование не только матери, но и ребёнка включает"),
        draft("Соотношение вдохов и нажатий", "2 и 30", "1 и 5", "2 и 15", "2 и 10"),
        draft("Нормальный уровень калия", "3,5–5,1", "5,1–6", "1–2", "7–8"),
        draft("Нормальный уровень калия", "до 2 часов", "до 3 часов", "до 6 часов", "до 12 часов"),
        draft("Скорость клубочковой фильтрации", "90 мл/мин", "28 мл/мин", "70 мл/мин", "59 мл/мин"),
        draft(
            "Повреждён нерв верхней конечности", "лучевой нерв", "плече-лучевой нерв", "локтевой нерв", "кожный нерв"
        ),
        draft("Назначьте препарат в дозе", "10 мг", "20 мг", "5 мг в сут.", "15 мг"),
        draft(STEM, "все формы пневмонии", *PLAIN[1:3], "туберкулёз"),
        draft(STEM, key=None),
        draft("Все перечисленное", "все перечисленное", key=0),
        Draft("Что назначить больному?", (), "Потому.", ("Приказ",)),
    ],
)
def test_what_is_none_of_its_business(one: Draft) -> None:
    assert set(codes(one)) <= {"all_of_these", "short_stem"}


def test_of_a_case_each_stage_is_looked_at_in_its_place() -> None:
    stage = draft().stages[0]
    case = replace(
        draft("Больной 60 лет доставлен с болью."),
        stages=(
            replace(stage, prompt="Наиболее вероятный диагноз"),
            replace(
                draft(STEM, *PLAIN[:3], "все перечисленное").stages[0],
                prompt="Что не показано больному?",
            ),
        ),
    )
    assert [(one.code, one.field, one.choices) for one in advise(case)] == [
        ("negative", "stages.1.prompt", ()),
        ("all_of_these", "stages.1.choices", (3,)),
    ]


TEXT = st.text(alphabet="абвеё не.,:;–-12 АН<>&", max_size=40)


@given(
    TEXT, st.lists(TEXT, max_size=6), st.sampled_from(["text", "html"]), st.none() | st.integers(0, 5), st.booleans()
)
def test_whatever_is_written_advice_can_be_given(
    stem: str, options: list[str], markup: str, key: int | None, prompted: bool
) -> None:
    choices = tuple(
        DraftChoice(text, Role.KEY if number == key else Role.DISTRACTOR) for number, text in enumerate(options)
    )
    stage = DraftStage(choices, prompt="Что не так?" if prompted else "")
    for one in advise(Draft(stem, (stage,), markup="html" if markup == "html" else "text")):
        assert one.sentence == SENTENCES[one.code]
        assert all(0 <= place < len(options) for place in one.choices)
        assert one.field.split(".")[0] in {"stem", "stages", "explanation", "sources", "limit"}


@pytest.mark.parametrize("begun", ["<", "<em>", "<em><strong>", "кроме" + " " * 200_000 + "x"])
def test_a_text_of_any_length_is_read_once(begun: str) -> None:
    """By the square of their length these would take hours."""
    text = "Чем лечат пневмонию? " + begun * (400_000 // len(begun))
    one = replace(draft(text, "а", "б", "в", "г"), sources=(), markup="html" if "<" in begun else "text")
    assert "no_sources" in {found.code for found in advise(one)}


# --- real items


def russian() -> Iterator[Draft]:
    file = ITEMS / "rumedtest" / "private_test_v1.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        yield draft(item["question"], *(item[place] for place in "1234"), key=None)


def english() -> Iterator[Draft]:
    for file in sorted((ITEMS / "mmlu_medical").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as rows:
            for row in csv.reader(rows):
                if len(row) == 6 and row[5] in "ABCD":
                    yield draft(row[0], *row[1:5], key="ABCD".index(row[5]))


@pytest.mark.skipif(not ITEMS.is_dir(), reason=f"needs the items under {ITEMS}")
@pytest.mark.parametrize(("items", "least", "most"), [(russian, 0.03, 0.2), (english, 0.15, 0.4)])
def test_of_real_items_some_are_told_and_most_are_not(
    items: Callable[[], Iterator[Draft]], least: float, most: float
) -> None:
    drafts = list(items())
    said = [set(codes(one)) - {"hasty"} for one in drafts]
    assert len(drafts) > 300
    assert least <= sum(map(bool, said)) / len(drafts) <= most
    rates = {code: count / len(drafts) for code, count in Counter(code for one in said for code in one).items()}
    assert all(rate < 0.1 for rate in rates.values()), rates
