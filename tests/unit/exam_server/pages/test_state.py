"""What the page knows of the sitting: messages folded, unconfirmed edits laid over."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.exam_server.pages.engine import Module

ITEM = {
    "position": 0,
    "content": {"kind": "four_option", "stages": []},
    "answers": [[]],
    "stage": 0,
    "deadline": 50_000,
    "limit": 45_000,
}
SECTION = {"number": 0, "count": 2, "first": 0, "items": 2, "begun": True}
SNAPSHOT = {
    "type": "snapshot",
    "now": 5_000,
    "protocol": 1,
    "sitting": 7,
    "epoch": 3,
    "seq": 4,
    "status": "running",
    "navigation": "free",
    "flags": True,
    "marks": [{}, {}, {}],
    "deadline": 100_000,
    "closes_at": 900_000,
    "item": ITEM,
}


@pytest.fixture(scope="module")
def module() -> Iterator[Module]:
    module = Module("state.js")
    yield module
    module.close()


def fold(module: Module, *messages: dict[str, Any]) -> dict[str, Any]:
    """The state after these messages."""
    state = module.run("module.blank")
    for message in messages:
        state = module.call("receive", state, message)
    return dict(state)


def pending(*edits: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"seq": seq, "edit": edit} for seq, edit in enumerate(edits, start=5)]


def test_a_snapshot_says_everything_and_what_it_leaves_out_is_not_there(module: Module) -> None:
    halted = {**SNAPSHOT, "halt": {"since": 4_000, "text": "Звук"}, "notices": [{"id": 1}], "help": True, "reason": "x"}
    state = fold(module, halted, SNAPSHOT)
    assert (state["halt"], state["unread"], state["help"], state["reason"]) == (None, [], False, "")
    assert (state["epoch"], state["deadline"], state["closesAt"], state["opensAt"]) == (3, 100_000, 900_000, 0)


def test_a_change_draws_anew_and_keeps_what_only_the_page_knows(module: Module) -> None:
    closed = {"type": "closed", "position": 1, "expired": True}
    changed = {**SNAPSHOT, "type": "changed", "halt": {"since": 6_000}, "item": None, "deadline": 160_000}
    del changed["epoch"]
    state = fold(module, SNAPSHOT, closed, changed)
    assert (state["epoch"], state["expired"], state["item"]) == (3, [1], None)
    assert module.call("examLeft", state, 90_000) == 154_000, "it stands while the clocks do"
    resumed = fold(module, SNAPSHOT, changed, {**changed, "halt": None})
    assert module.call("examLeft", resumed, 90_000) == 70_000


def test_a_notice_waits_until_it_is_read_and_comes_once(module: Module) -> None:
    notice = {"type": "notice", "id": 8, "kind": "warning", "text": "Телефон", "at": 6_000}
    state = fold(module, SNAPSHOT, notice, notice)
    assert [one["id"] for one in state["unread"]] == [8]
    read = {"type": "read", "notice": 8}
    assert module.call("look", state, pending(read))["unread"] == []
    assert module.call("fold", state, {"seq": 5, "edit": read})["unread"] == []
    assert len(state["unread"]) == 1


def test_what_waits_is_seen_and_does_not_take_the_screen_away(module: Module) -> None:
    state = fold(module, SNAPSHOT)
    seen = module.call(
        "look",
        state,
        pending(
            {"type": "respond", "position": 0, "stage": 0, "value": ["a"], "epoch": 3},
            {"type": "flag", "position": 1, "on": True},
            {"type": "remark", "position": 0, "text": "Опечатка"},
            {"type": "help", "text": ""},
        ),
    )
    assert seen["item"]["answers"] == [["a"]]
    assert seen["marks"] == [{"answered": True, "questioned": True}, {"flagged": True}, {}]
    assert (seen["help"], seen["moving"]) == (True, None)


@pytest.mark.parametrize("kind", ["start", "show", "lock", "submit", "close_section", "take_break", "end_break"])
def test_what_changes_the_screen_is_on_its_way_until_the_server_says_so(module: Module, kind: str) -> None:
    edit = {"type": kind, "position": 1, "stage": 0, "section": 0}
    assert module.call("look", fold(module, SNAPSHOT), pending(edit))["moving"] == edit


def test_neighbours_stay_in_the_section_and_pass_over_what_is_locked(module: Module) -> None:
    marks = [{}, {"locked": True}, {}, {"locked": True, "withdrawn": True}, {}]
    whole = fold(module, {**SNAPSHOT, "marks": marks})
    assert [module.call("neighbour", whole, place, 1) for place in range(5)] == [2, 2, 4, 4, None]
    second = {"number": 1, "count": 2, "first": 2, "items": 3}
    later = fold(module, {**SNAPSHOT, "marks": marks, "section": second, "item": None})
    assert module.call("neighbour", later, 2, -1) is None
    assert module.call("entryOf", later) == 2
    assert module.call("isBetween", later)
    assert not module.call("hasNextSection", later)
    first = fold(module, {**SNAPSHOT, "marks": marks, "section": SECTION})
    assert (module.call("bounds", first), module.call("neighbour", first, 0, 1)) == ([0, 2], None)
    assert module.call("hasNextSection", first)
    assert not module.call("isBetween", first)


def test_what_was_withdrawn_counts_nowhere(module: Module) -> None:
    marks = [{"answered": True}, {"flagged": True}, {"locked": True}, {"locked": True, "withdrawn": True}]
    assert module.call("count", marks) == {"all": 3, "answered": 1, "unanswered": 2, "flagged": 1, "open": 1}


def test_one_notice_is_shown_and_stays_until_it_is_read_then_warnings_come_first(module: Module) -> None:
    unread = [{"id": 1, "kind": "message"}, {"id": 2, "kind": "warning"}, {"id": 3, "kind": "warning"}]
    shown, order = None, []
    while (one := module.call("pickNotice", unread, shown)) is not None:
        shown = one["id"]
        order.append(shown)
        assert module.call("pickNotice", [*unread, {"id": 9, "kind": "warning"}], shown)["id"] == shown
        unread = [other for other in unread if other["id"] != shown]
    assert order == [2, 3, 1]


def test_what_was_said_of_the_time_is_over_with_its_screen_or_when_the_clocks_stand(module: Module) -> None:
    state = fold(module, SNAPSHOT)
    halted = fold(module, SNAPSHOT, {**SNAPSHOT, "type": "changed", "halt": {"since": 6_000}, "item": None})
    moved = fold(module, SNAPSHOT, {"type": "item", "now": 9_000, "item": {**ITEM, "position": 1}})
    ended = fold(module, SNAPSHOT, {"type": "ended", "reason": "exam_time"})
    clocks = fold(module, SNAPSHOT, {"type": "deadlines", "now": 9_000, "deadline": 120_000})
    assert [module.call("isElsewhere", state, after) for after in (halted, moved, ended)] == [True] * 3
    assert [module.call("isElsewhere", state, after) for after in (state, clocks)] == [False] * 2


def test_what_was_withdrawn_meanwhile_is_named_once(module: Module) -> None:
    before = fold(module, {**SNAPSHOT, "marks": [{"locked": True, "withdrawn": True}, {}, {}]})
    after = fold(module, {**SNAPSHOT, "marks": [{"locked": True, "withdrawn": True}, {}, {"withdrawn": True}]})
    assert module.call("withdrawnSince", before, after) == [3]
    assert module.call("withdrawnSince", after, after) == []
    assert module.call("withdrawnSince", module.run("module.blank"), after) == []


def test_an_end_brings_what_was_written_to_it(module: Module) -> None:
    state = fold(module, SNAPSHOT, {"type": "ended", "reason": "proctor", "text": "Вы вышли."})
    assert (state["status"], state["ended"], state["reason"], state["item"]) == ("ended", "proctor", "Вы вышли.", None)


def test_an_explanation_is_open_until_the_next_item_comes(module: Module) -> None:
    practice = {**SNAPSHOT, "explanations": "item"}
    locked = {**practice, "type": "changed", "item": None, "explained": 0, "marks": [{"locked": True}, {}, {}]}
    state = fold(module, practice, locked)
    assert (state["explained"], state["item"], state["explanations"]) == (0, None, "item")
    gone_on = fold(module, practice, locked, {"type": "item", "now": 9_000, "item": {**ITEM, "position": 1}})
    assert gone_on["explained"] is None
    assert fold(module, SNAPSHOT)["explained"] is None


@pytest.mark.parametrize(("explanations", "explained"), [("item", 0), ("end", None), ("none", None)])
def test_the_last_item_of_a_run_is_explained_after_its_end(
    module: Module, explanations: str, explained: int | None
) -> None:
    practice = {**SNAPSHOT, "explanations": explanations}
    state = fold(module, practice, {"type": "ended", "reason": "completed"})
    assert (state["status"], state["explained"]) == ("ended", explained)


def test_what_closed_is_said_until_the_candidate_moves_on(module: Module) -> None:
    state = fold(module, SNAPSHOT, {"type": "closed", "position": 1, "expired": True})
    for edit in ({"type": "show", "position": 2}, {"type": "take_break"}):
        assert module.call("fold", state, {"seq": 5, "edit": edit})["expired"] == []
    flag = {"type": "flag", "position": 0, "on": True}
    assert module.call("fold", state, {"seq": 5, "edit": flag})["expired"] == [1]
