"""What an import tells of an item that is not ready for review."""

import pytest

from question_bank.exchange.entries import KEY_FAULTS, Remark
from question_bank.judging import untold

FOUR, ONE, BLANK = "Нужно ровно четыре варианта.", "Отметьте ровно один правильный вариант.", "Заполните поле."
UNREADY = {"stem": BLANK, "stages.0.choices": FOUR, "stages.1.key": ONE}


def fault(code: str, sentence: str = "…") -> Remark:
    return Remark("fault", code, sentence)


def test_all_is_told_where_the_reader_said_nothing_of_it() -> None:
    assert untold(UNREADY, ()) == [BLANK, FOUR, ONE]
    assert untold(UNREADY, (fault("fraction_unread"), Remark("note", "order", "…"))) == [BLANK, FOUR, ONE]
    assert untold({}, (fault("no_key"),)) == []


@pytest.mark.parametrize("code", sorted(KEY_FAULTS))
def test_a_key_is_spoken_of_once(code: str) -> None:
    assert untold(UNREADY, (fault(code),)) == [BLANK, FOUR]


def test_one_remark_does_not_speak_for_two_keys() -> None:
    keys = UNREADY | {"stages.2.key": ONE}
    assert untold(keys, (fault("no_key"),)) == [BLANK, FOUR, ONE]
    assert untold(keys, (fault("no_key"), fault("several_keys"))) == [BLANK, FOUR]


def test_no_sentence_is_said_twice() -> None:
    assert untold({"stem": BLANK, "stages.0.choices": FOUR, "stages.1.choices": FOUR}, (fault("unready", BLANK),)) == [
        FOUR
    ]
