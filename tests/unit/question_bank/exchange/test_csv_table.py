"""Tables as text: what leaves comes back equal; tables of others are read as people read them."""

import contextlib
import csv
import io
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from question_bank.drafts import Draft
from question_bank.exchange import csv_table
from question_bank.exchange.entries import Arriving, Leaving, Rejected
from question_bank.exchange.formats import find_format
from question_bank.exchange.head import look
from question_bank.items import Role
from tests.drafts import four_option, leavings

Entry = TypeVar("Entry", Arriving, Rejected)
many = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bank.csv"


def read(file: Path, text: str | bytes) -> list[Arriving | Rejected]:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(csv_table.read(file))


def only(entries: list[Arriving | Rejected], kind: type[Entry]) -> Entry:
    (entry,) = entries
    assert isinstance(entry, kind)
    return entry


def key_of(draft: Draft) -> list[str]:
    return [choice.text for choice in draft.stages[0].choices if choice.role == Role.KEY]


def codes(entry: Arriving) -> set[tuple[str, str]]:
    return {(remark.weight, remark.code) for remark in entry.remarks}


@many
@given(st.lists(leavings(), max_size=4))
def test_what_leaves_comes_back_equal(file: Path, items: list[Leaving]) -> None:
    with file.open("wb") as target:
        written = list(csv_table.write(items, target))
    assert [one.item for one in written] == [item.item for item in items]
    assert not any(one.remarks or one.left_out for one in written)
    back = list(csv_table.read(file))
    assert [(one.home, one.draft, one.enemies) for one in back if isinstance(one, Arriving)] == [
        (item.item, item.draft, item.enemies) for item in items
    ]
    assert len(back) == len(items)


@many
@given(st.lists(leavings(), min_size=1, max_size=3))
def test_no_cell_that_leaves_is_a_formula(items: list[Leaving]) -> None:
    target = io.BytesIO()
    list(csv_table.write(items, target))
    for row in csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline="")):
        for cell in row:
            assert cell.lstrip()[:1] not in tuple("=+-@＝＋－＠")
            assert cell[:1] not in tuple("\t\r\n")


@many
@given(st.binary(max_size=300))
def test_any_bytes_give_entries_or_a_refusal(file: Path, data: bytes) -> None:
    for head in (b"", "вопрос;а;б;эталон\n".encode(), b"question,A,B,key,stage\r\n"):
        with contextlib.suppress(Invalid):
            assert all(isinstance(entry, Arriving | Rejected) for entry in read(file, head + data))


RUSSIAN = "№;Вопрос;Вариант А;Вариант Б;Вариант В;Вариант Г;Правильный ответ;Сложность;Время;Теги;Уровень\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_russian_titles_in_the_usual_encodings(file: Path, encoding: str) -> None:
    row = "7;«Где?»;там;тут;здесь;нигде;В;70 %;1:30;ЭКГ, сердце;Анализ\r\n"
    entry = only(read(file, (RUSSIAN + row).encode(encoding)), Arriving)
    assert (entry.identifier, entry.home, entry.place.line) == ("7", "", 2)
    draft = entry.draft
    assert (draft.stem, key_of(draft)) == ("«Где?»", ["здесь"])
    assert (draft.difficulty, draft.limit, draft.tags, draft.level) == (0.7, 90_000, ("ЭКГ", "сердце"), "analysis")
    assert entry.remarks == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(file: Path, delimiter: str) -> None:
    rows = [["question", "A", "B", "C", "D", "answer"], ["Q; a, b", "1;1", "2,2", "3", "4", "B"]]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(rows)
    for text in (written.getvalue(), f"sep={delimiter}\r\n{written.getvalue()}"):
        assert key_of(only(read(file, text), Arriving).draft) == ["2,2"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("B", "b2"), ("b)", "b2"), ("2", "b2"), ("b2", "b2"), ("B2.", "b2"), ("В", "b2"), ("Б", "b2"), ("Г", "d4"),
        ("Option D", "d4"), ("С", "c3"),
    ],
)  # fmt: skip
def test_a_key_is_a_letter_a_number_or_a_text(file: Path, key: str, found: str) -> None:
    entry = only(read(file, f"question,A,B,C,D,key\nQ,a1,b2,c3,d4,{key}\n"), Arriving)
    assert key_of(entry.draft) == [found]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("Q,a,b,c,d,", "no_key"),
        ("Q,a,b,c,d,E", "key_unread"),
        ("Q,a,b,c,d,x", "key_unread"),
        ("Q,икс,икс,c,d,икс", "key_unread"),
        ('Q,a,b,c,d,"A, C"', "several_keys"),
        ("Q,4,3,2,1,4", "key_ambiguous"),
        ("Q,В,А,О,АВ,В", "key_ambiguous"),
    ],
)
def test_an_unclear_key_is_told_and_never_guessed(file: Path, row: str, code: str) -> None:
    entry = only(read(file, f"question,A,B,C,D,key\n{row}\n"), Arriving)
    assert ("fault", code) in codes(entry)
    assert len(key_of(entry.draft)) == (2 if code == "several_keys" else 0)


def test_a_table_without_titles_is_question_options_key(file: Path) -> None:
    text = 'Which is "largest"?,Liver,"Skin, of course",Heart,Lung,B\r\nSecond?,1,2,3,4,D\r\n'
    first, second = read(file, text)
    assert isinstance(first, Arriving)
    assert isinstance(second, Arriving)
    assert (first.draft.stem, key_of(first.draft), key_of(second.draft)) == (
        'Which is "largest"?', ["Skin, of course"], ["4"],
    )  # fmt: skip
    assert first.remarks == ()


def test_three_or_five_options_are_read_as_they_are(file: Path) -> None:
    three, five = read(file, "вопрос;а;б;в;г;д;ответ\nТри?;1;2;3;;;б\nПять?;1;2;3;4;5;д\n")
    assert isinstance(three, Arriving)
    assert isinstance(five, Arriving)
    assert (len(three.draft.stages[0].choices), key_of(three.draft)) == (3, ["2"])
    assert (len(five.draft.stages[0].choices), key_of(five.draft)) == (5, ["5"])


def test_a_case_is_a_row_and_below_it_a_row_per_stage(file: Path) -> None:
    text = (
        "Строка;Условие;А;Б;В;Г;Эталон;Вредные;Вид шага;По порядку;Новые данные;Вес\n"
        "задание;Больной 50 лет.;;;;;;;;;;\n"
        "шаг;Что сделать?;Вызвать;Ждать;Дать воды;;А;В;действия;да;;\n"
        "шаг;Диагноз?;ОИМ;ТЭЛА;ПЭ;ГБ;1;;выбор;;ЭКГ: подъём ST;2\n"
    )
    draft = only(read(file, text), Arriving).draft
    actions, choice = draft.stages
    assert draft.stem == "Больной 50 лет."
    assert (actions.kind, actions.ordered, actions.prompt, actions.weight) == ("actions", True, "Что сделать?", 1)
    assert [one.role for one in actions.choices] == [Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL]
    assert (choice.kind, choice.reveal, choice.weight) == ("choice", "ЭКГ: подъём ST", 2)


def test_what_is_no_item_is_rejected_with_its_row(file: Path) -> None:
    entries = read(file, "Строка;Вопрос;А;Б;Ключ\nшаг;Куда?;1;2;А\n;Раздел 1;;;\n\n;;;;\n;Кто?;он;она;А\n")
    assert [(type(one), one.place.number, one.place.line) for one in entries] == [
        (Rejected, 1, 2), (Rejected, 2, 3), (Arriving, 3, 6),
    ]  # fmt: skip
    alone, section = (one for one in entries if isinstance(one, Rejected))
    assert (alone.code, section.code) == ("stage_alone", "no_options")
    assert "Раздел 1" in section.original.decode()


def test_what_is_not_read_is_told(file: Path) -> None:
    text = "Вопрос;А;Б;Ключ;Автор;Уровень;Трудность;Время\nКто?;он;она;А;Иванов;высший;трудно;скоро\n"
    entry = only(read(file, text), Arriving)
    assert codes(entry) == {
        ("loss", "column_unread"), ("loss", "level_unread"), ("loss", "difficulty_unread"), ("loss", "limit_unread"),
    }  # fmt: skip
    assert "«Автор»" in next(remark.sentence for remark in entry.remarks if remark.code == "column_unread")


def test_titles_may_stand_below_a_heading(file: Path) -> None:
    assert key_of(only(read(file, "Банк кафедры;;;\n;;;\nВопрос;А;Б;Ключ\nКто?;он;она;2\n"), Arriving).draft) == ["она"]


def test_control_characters_are_dropped_and_told(file: Path) -> None:
    entry = only(read(file, "question,A,B,key\n\x0bQ\x07,a,b,A\n"), Arriving)
    assert (entry.draft.stem, codes(entry)) == ("Q", {("note", "controls_dropped")})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "exchange_columns_unknown"),
        (b"just,some\nwords,here\n", "exchange_columns_unknown"),
        (b"question,A,B,key\nQ,a\0,b,A\n", "exchange_not_text"),
        ("вопрос,А,Б,ключ\nКто,он,она,А\n".encode() + b"\xff\xff\n", "exchange_encoding"),
        (b'question,A,B,key\n"' + b"Q" * 200_000, "exchange_csv_broken"),
        (b"\xff\xfea", "exchange_encoding"),
    ],
)
def test_what_is_no_table_is_refused(file: Path, data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(file, data)
    assert refusal.value.code == code


def test_a_broken_place_is_named(file: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        read(file, "вопрос,А,Б,ключ\nКто,он,она,А\n".encode() + b"\xff\xff\n")
    assert refusal.value.fields == {"line": "3"}


def test_pictures_stay_behind_and_it_is_told(file: Path) -> None:
    target = io.BytesIO()
    (written,) = csv_table.write([Leaving("i1", 1, four_option(), {"ekg-1": (b"", "image/png")})], target)
    assert [(remark.weight, remark.code) for remark in written.remarks] == [("loss", "pictures_left")]


def test_it_is_recognised(file: Path) -> None:
    read(file, "question,A,B,key\nQ,a,b,A\n")
    assert find_format(look(file)).name == "csv"
