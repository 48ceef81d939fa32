"""Bugs that are planted to see whether they are found. Each changes the running program, never the product."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar
from unittest.mock import patch

from msgspec.structs import replace

from core.clock import Clock
from exam_server import announcements, rulings, settlement, timing
from exam_server import conduct as conducting
from exam_server.commands import Command, Respond
from exam_server.event_log import Fate, Log
from exam_server.events import AnyEvent, Responded
from exam_server.held import Draft, Held, Pending
from exam_server.open_stage import OpenStage
from exam_server.ruling import Ruling
from exam_server.sitting import Sitting
from exam_server.source import Source
from question_bank.candidate_copy import CandidateItem
from question_bank.items import Item, candidate_copy
from tests.simulation.node import WatchedConduct

Patch = tuple[Any, str, object]
"""A module or class, a name in it, and what stands there instead."""


class Plant:
    """No bug. `conduct` makes a process's conduct, `copy` what candidates see of an item, `spoiled` changes texts of
    the page's queue, `patches` are in force while a seed is played.
    """

    conduct: Callable[[Log, Source, Clock], WatchedConduct] = WatchedConduct
    spoiled: Mapping[str, str] = {}
    patches: tuple[Patch, ...] = ()

    def copy(self, item: Item) -> CandidateItem:
        return candidate_copy(item)

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for place, name, bad in self.patches:
                stack.enter_context(patch.object(place, name, bad))
            yield


_respond, _expire, _take = rulings._respond, settlement._expire, OpenStage.take


class AckBeforeCommit(Plant):
    """What was decided is told as soon as it is on its way to the log."""

    class conduct(WatchedConduct):
        def _launch(self, held: Held) -> None:
            super()._launch(held)
            if held.flight is not None:
                held.flight.tell()


def _take_and_read_again(stage: OpenStage, command: Respond, received: int) -> Responded | None:
    event = _take(stage, command, received)
    if event is None:
        return None
    stage.last_at = max(stage.last_at, ClockReadTwice.clock.now())
    stage.newest = replace(event, at=stage.last_at)
    return stage.newest


def _take_anything(stage: OpenStage, command: Respond, received: int) -> Responded | None:
    stage.heard = min(stage.heard, command.seq - 1)
    return _take(stage, command, received)


class ClockReadTwice(Plant):
    """The deadline is judged by one reading of the clock, the event is stamped with another."""

    clock: ClassVar[Clock]

    class conduct(WatchedConduct):
        def _decide(self, held: Held, pending: Pending) -> None:
            ClockReadTwice.clock = self._clock
            super()._decide(held, pending)

    @staticmethod
    def decide(sitting: Sitting, command: Command, now: int) -> Ruling:
        ruling = rulings.decide(sitting, command, now)
        again = max(now, ClockReadTwice.clock.now())
        return replace(
            ruling, events=tuple(_stamp(event, again) if event.at == now else event for event in ruling.events)
        )

    patches = ((conducting, "decide", decide), (OpenStage, "take", _take_and_read_again))


class DedupeForgotten(Plant):
    """An edit that is stored already is decided like a new one."""

    @staticmethod
    def respond(sitting: Sitting, command: Respond, now: int) -> Ruling:
        if command.seq <= sitting.streams.get(sitting.stream, 0):
            sitting = replace(sitting, streams={**sitting.streams, sitting.stream: command.seq - 1})
        return _respond(sitting, command, now)

    patches = ((rulings, "_respond", respond), (OpenStage, "take", _take_anything))


class ReceiptForgotten(Plant):
    """What has to be decided again is decided as if it had only now been received."""

    class conduct(WatchedConduct):
        def _settle_in(self, held: Held, again: list[Pending], alone: bool) -> None:
            for pending in again:
                pending.received = self._clock.now()
            super()._settle_in(held, again, alone)


class OvertakenTakenForDurable(Plant):
    """A row that was not written counts as written."""

    class conduct(WatchedConduct):
        def _landed(self, held: Held, draft: Draft, fate: Fate) -> None:
            super()._landed(held, draft, "durable" if fate == "overtaken" else fate)


class PageDeletesEarly(Plant):
    """The page deletes an edit once it is sent."""

    spoiled: Mapping[str, str] = {
        "this._send({ ...first.edit, seq: first.seq, ...instead });": (
            "this._send({ ...first.edit, seq: first.seq, ...instead }); this.storage.drop([first.seq]);"
        )
    }


class LongGraceForAll(Plant):
    """Ten seconds of grace on a connection that was up all the time."""

    patches = ((timing, "LIVE_GRACE", timing.BROKEN_GRACE),)


class SettledLate(Plant):
    """A deadline is stamped with the moment of its settlement."""

    @staticmethod
    def expire(sitting: Sitting, deadline: int) -> AnyEvent:
        return _stamp(_expire(sitting, deadline), deadline + timing.grace(sitting, deadline))

    patches = ((settlement, "_expire", expire),)


class SweepWithoutMargin(Plant):
    """Whoever sweeps does not wait for the owner, nor for the grace."""

    @staticmethod
    def grace(sitting: Sitting, deadline: int) -> int:
        return 0

    patches = ((timing, "SWEEP_MARGIN", -timing.BROKEN_GRACE), (timing, "grace", grace))


class PaceForgotten(Plant):
    """Pages may come as often as they like."""

    patches = ((rulings, "ATTACH_BURST", 1_000_000),)


class StagesOpenEarly(Plant):
    """All stages of a case are sent with its first one."""

    @staticmethod
    def open_stages(copy: CandidateItem, count: int) -> CandidateItem:
        return copy

    patches = ((announcements, "open_stages", open_stages),)


class KeyInTheCopy(Plant):
    """What candidates see of an item has its explanation in it."""

    def copy(self, item: Item) -> CandidateItem:
        return replace(candidate_copy(item), stem=f"{item.stem} {item.explanation}")


def _stamp(event: AnyEvent, at: int) -> AnyEvent:
    changed: AnyEvent = replace(event, at=at)
    return changed


PLANTS: dict[str, type[Plant]] = {
    "none": Plant,
    "ack_before_commit": AckBeforeCommit,
    "clock_read_twice": ClockReadTwice,
    "dedupe_forgotten": DedupeForgotten,
    "receipt_forgotten": ReceiptForgotten,
    "overtaken_taken_for_durable": OvertakenTakenForDurable,
    "page_deletes_early": PageDeletesEarly,
    "long_grace_for_all": LongGraceForAll,
    "settled_late": SettledLate,
    "sweep_without_margin": SweepWithoutMargin,
    "pace_forgotten": PaceForgotten,
    "stages_open_early": StagesOpenEarly,
    "key_in_the_copy": KeyInTheCopy,
}
