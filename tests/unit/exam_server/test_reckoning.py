"""Which items and responses count."""

from core.ids import ItemId, PersonId
from core.moments import MINUTE, SECOND
from exam_server.commands import AdmitLate, Settle, Stop, Withdraw
from exam_server.reckoning import counted_form, gather_responses, is_called_off
from tests.histories.sittings import CHOICE, NOW, PROCTOR, UNFOLDING, Drive, make_created, make_form


def test_responses_are_gathered_by_item_and_stage() -> None:
    drive = Drive(make_created(make_form(CHOICE, UNFOLDING, CHOICE))).start()
    drive.do(drive.answer(0, "b"))
    drive.do(drive.answer(0, "c"))
    assert gather_responses(drive.state) == {ItemId("i0"): {0: ("0.0.c",)}, ItemId("i1"): {}, ItemId("i2"): {}}


def test_an_answer_taken_back_and_a_late_one_do_not_count() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, limit=20 * SECOND))).start()
    first = drive.answer(0, "a")
    drive.do(first)
    drive.do(type(first)(0, 0, 0, ()))
    assert gather_responses(drive.state)[ItemId("i0")] == {}
    drive.do(Settle(), at=NOW + MINUTE)
    drive.do(drive.answer(0, "a"))
    assert len(drive.state.late) == 1
    assert gather_responses(drive.state)[ItemId("i0")] == {}


def test_a_late_one_counts_once_it_was_admitted() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, limit=20 * SECOND))).start()
    drive.do(Settle(), at=NOW + MINUTE)
    drive.do(drive.answer(0, "a"))
    drive.do(Stop(PROCTOR, 1))
    drive.do(AdmitLate(0, PersonId(5), 2))
    assert gather_responses(drive.state)[ItemId("i0")] == {0: ("0.0.a",)}


def test_what_was_withdrawn_unseen_does_not_count_and_with_nothing_left_it_is_called_off() -> None:
    drive = Drive(make_created(make_form(CHOICE, CHOICE, CHOICE))).start()
    drive.do(Withdraw(ItemId("i2")))
    assert [entry.item for entry in counted_form(drive.state).entries] == [ItemId("i0"), ItemId("i1")]
    assert not is_called_off(drive.state)
    cancelled = Drive(make_created())
    cancelled.do(Stop(PROCTOR, 1, "window_cancelled"))
    assert is_called_off(cancelled.state)
