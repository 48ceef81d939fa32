import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin import proctor_room
from admin.proctor_room import Tile, Watching, by_need, changes, follow, in_slices
from core.ids import PersonId, SittingId
from exam_server.events import Attached, Detached, Started
from proctoring.incidents import Severity
from proctoring.signals import Kind
from tests.histories.sittings import CHOICE, NOW, SITTING, make_created, make_form

CALM = Tile(SittingId(1), PersonId(1), "Имя", "Экзамен", "running", True, 1, 20, 0, 1_000, Watching())


def tile(**changed: object) -> Tile:
    return msgspec.structs.replace(CALM, **changed)


def noticed(severity: Severity) -> Watching:
    return Watching(incidents=1, open_now=(Kind.ABSENT,), severity=severity)


def test_a_person_who_waits_comes_first_and_calm_places_last() -> None:
    in_order = [
        tile(help_since=1),
        tile(stage="identity", connected=False),
        tile(watching=noticed(Severity.HIGH)),
        tile(connected=False),
        tile(watching=noticed(Severity.MEDIUM)),
        tile(watching=Watching(unseen_since=5)),
        tile(watching=noticed(Severity.LOW)),
        CALM,
    ]
    needs = [one.need for one in in_order]
    assert needs == sorted(set(needs), reverse=True)
    assert CALM.need == 0


def test_a_call_for_help_comes_before_everything_else() -> None:
    others = [tile(stage="identity"), tile(watching=noticed(Severity.HIGH)), tile(connected=False)]
    for calling in (tile(help_since=1), tile(help_since=1, break_until=9), tile(help_since=1, paused_since=1)):
        assert all(calling.need > other.need for other in others)


def test_on_a_break_nobody_need_look_and_a_pause_is_to_be_remembered() -> None:
    away = tile(connected=False, away_since=1, break_until=9, watching=noticed(Severity.HIGH))
    assert away.need == 1
    assert tile(connected=False, break_until=9).need == 0
    paused = tile(paused_since=1, connected=False)
    assert tile(connected=False).need > paused.need == tile(watching=noticed(Severity.MEDIUM)).need
    assert tile(paused_since=1, watching=noticed(Severity.HIGH)).need == tile(watching=noticed(Severity.HIGH)).need


def test_a_place_is_followed_row_by_row() -> None:
    created = make_created(make_form(CHOICE))
    known = follow(None, SITTING, 0, (created,))
    assert known is not None
    assert (known.version, known.state.status, known.away_since) == (0, "ready", None)
    known = follow(known, SITTING, 1, (Attached(NOW, "b1", 1), Started(NOW, 1), Detached(NOW + 5)))
    assert known is not None
    assert (known.version, known.state.status, known.away_since) == (1, "running", NOW + 5)
    known = follow(known, SITTING, 2, (Attached(NOW + 9, "b1", 2),))
    assert known is not None
    assert known.away_since is None
    assert follow(None, SITTING, 5, (Detached(NOW),)) is None


def test_what_is_over_weighs_less_than_what_goes_on() -> None:
    over = tile(watching=Watching(incidents=9))
    assert 0 < over.need < tile(watching=noticed(Severity.MEDIUM)).need


@given(st.permutations(range(1, 8)), st.lists(st.booleans(), min_size=7, max_size=7))
def test_the_order_depends_on_need_and_id_alone(ids: list[int], connected: list[bool]) -> None:
    states = dict(zip(sorted(ids), connected, strict=True))
    tiles = [tile(sitting=SittingId(one), connected=states[one]) for one in ids]
    assert by_need(tiles) == by_need(sorted(tiles, key=lambda one: one.sitting))
    assert [one.connected for one in by_need(tiles)] == sorted(states.values())


def test_only_what_changed_is_sent_again() -> None:
    other = tile(sitting=SittingId(2))
    known = {one.sitting: one for one in (CALM, other)}
    moved = tile(item=2)
    fresh = tile(sitting=SittingId(3))
    assert changes(known, [moved, other, fresh]) == [moved, fresh]


def test_kinds_are_told_in_words() -> None:
    assert tile(watching=noticed(Severity.HIGH)).titles == ("Нет лица в кадре",)


@pytest.mark.parametrize(("slice_seconds", "turns"), [(0.0, 3), (60.0, 0)])
async def test_others_get_a_turn_after_each_slice(
    monkeypatch: pytest.MonkeyPatch, slice_seconds: float, turns: int
) -> None:
    monkeypatch.setattr(proctor_room, "SLICE_SECONDS", slice_seconds)
    taken = 0

    async def other() -> None:
        nonlocal taken
        while True:
            taken += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    seen = [(thing, taken) async for thing in in_slices("абвг")]
    waiting.cancel()
    assert [thing for thing, _ in seen] == list("абвг")
    assert seen[-1][1] == turns
