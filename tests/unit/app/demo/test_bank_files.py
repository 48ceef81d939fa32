"""The demo bank's files: those that ship are sound, and a faulty one says where and what."""

from collections import Counter
from pathlib import Path

import pytest

from app.demo.bank_files import FOLDER, read_bank
from core.errors import Invalid
from question_bank.items import Role

GOOD = """
speciality = "S"
title = "Дело"
[[requirement]]
code = "R1"
title = "Первое"
[[item]]
id = "i1"
requirement = "R1"
level = "recall"
difficulty = 0.8
limit_s = 60
stem = "Вопрос?"
options = { a = "Один", b = "Два", c = "Три", d = "Четыре" }
key = "c"
explanation = "Потому."
[[case]]
id = "c1"
requirement = "R1"
level = "analysis"
difficulty = 0.6
limit_s = 480
stem = "Условие."
explanation = "Потому."
[[case.stage]]
kind = "actions"
prompt = "Что сделать?"
ordered = true
weight = 2
options = [{ text = "Да", role = "required" }, { text = "Нет", role = "harmful" }]
"""


def test_a_file_becomes_items(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, "utf-8")
    bank = read_bank(tmp_path)
    assert [item.id for item in bank.items] == ["i1", "c1"]
    first, second = bank.items
    assert [(choice.text, choice.role) for choice in first.stages[0].choices] == [
        ("Один", Role.DISTRACTOR),
        ("Два", Role.DISTRACTOR),
        ("Три", Role.KEY),
        ("Четыре", Role.DISTRACTOR),
    ]
    assert (first.kind, first.limit, first.version) == ("four_option", 60_000, 1)
    assert (second.kind, second.stages[0].ordered, second.stages[0].weight) == ("case", True, 2)
    assert bank.titles == {"R1": "Первое"}


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ('key = "c"', 'key = "e"', "a.toml: i1", "key among them"),
        ('b = "Два"', 'e = "Два"', "a.toml: i1", "options a, b, c, d"),
        ('b = "Два"', 'b = "один"', "a.toml: i1", "различаться"),
        ('requirement = "R1"\nlevel = "recall"', 'requirement = "R7"\nlevel = "recall"', "a.toml: i1", "R7"),
        ('id = "c1"', 'id = "i1"', "a.toml: i1", "taken"),
        ('role = "required"', 'role = "neutral"', "a.toml: c1", "необходимое"),
        ('role = "required"', 'role = "good"', "a.toml", "role"),
        ("limit_s = 480", "limit_s = 4", "a.toml: c1", "limit"),
        ("difficulty = 0.8", "difficulty = 8.0", "a.toml: i1", "difficulty"),
        ('level = "recall"', 'level = "easy"', "a.toml", "easy"),
        ("weight = 2", "wieght = 2", "a.toml", "wieght"),
        ("[[item]]", "[item", "a.toml", "line"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, place: str, words: str) -> None:
    assert old in GOOD
    (tmp_path / "a.toml").write_text(GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(Invalid) as refusal:
        read_bank(tmp_path)
    assert refusal.value.code == "bank_invalid"
    assert words in refusal.value.fields[place]


def test_the_shipped_bank_is_sound_and_large_enough() -> None:
    bank = read_bank(FOLDER)
    kinds = Counter(item.kind for item in bank.items)
    assert len(bank.specialities) == 3
    assert kinds["four_option"] >= 150
    assert kinds["case"] >= 8
    assert sum(item.kind == "case" and len(item.stages) > 1 for item in bank.items) >= 3
    for speciality in bank.specialities:
        mine = [item for item in bank.items if item.speciality == speciality.code]
        keys = Counter(
            [choice.role for choice in item.stages[0].choices].index(Role.KEY)
            for item in mine
            if item.kind == "four_option"
        )
        assert len(mine) >= 30
        # A key that is mostly "c" can be guessed in the files, and shows that nobody looked.
        assert max(keys.values()) <= 2 * min(keys.values())


def test_the_longest_option_is_not_the_key_too_often() -> None:
    items = [item for item in read_bank(FOLDER).items if item.kind == "four_option"]
    longest = sum(max(item.stages[0].choices, key=lambda choice: len(choice.text)).role is Role.KEY for item in items)
    assert longest < 0.5 * len(items)
