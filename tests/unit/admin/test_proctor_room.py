import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin import proctor_room
from admin.proctor_room import Tile, Watching, by_need, changes, in_slices
from core.ids import PersonId, SittingId
from proctoring.incidents import Severity
from proctoring.signals import Kind

CALM = Tile(SittingId(1), PersonId(1), "Имя", "Экзамен", "running", True, 1, 20, 0, 1_000, Watching())


def tile(**changed: object) -> Tile:
    return msgspec.structs.replace(CALM, **changed)


def noticed(severity: Severity) -> Watching:
    return Watching(incidents=1, open_now=(Kind.ABSENT,), severity=severity)


def test_a_person_who_waits_comes_first_and_calm_places_last() -> None:
    in_order = [
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
