"""What a page is told once events are durable. Pure."""

from collections.abc import Mapping

from core.ids import ItemId
from core.moments import Moment
from exam_server import timing, wire
from exam_server.events import (
    AnyEvent,
    Attached,
    Ended,
    Extended,
    ItemExpired,
    ItemLocked,
    RespondedLate,
    Shown,
    StageLocked,
    Started,
)
from exam_server.sitting import Sitting
from question_bank.candidate_copy import CandidateItem, open_stages, order_choices

Copies = Mapping[tuple[ItemId, int], CandidateItem]


def announce(sitting: Sitting, events: tuple[AnyEvent, ...], copies: Copies, now: Moment) -> list[wire.AnyOutgoing]:
    """Messages for the live page, in order; `sitting` is the state after all the events."""
    if any(type(event) is Attached for event in events):
        return [take_snapshot(sitting, copies, now)]
    told: list[wire.AnyOutgoing] = []
    redraw = False
    for event in events:
        match event:
            case ItemExpired():
                told.append(wire.Closed(event.position, expired=True))
            case ItemLocked():
                told.append(wire.Closed(event.position, expired=False))
            case Shown() | StageLocked():
                redraw = True
            case RespondedLate():
                told.append(wire.Late(event.seq, event.position))
            case Started() | Extended():
                told.append(wire.Deadlines(now, timing.exam_deadline(sitting), timing.item_deadline(sitting)))
            case Ended():
                told.append(wire.Finished(event.reason))
    item = draw_item(sitting, copies) if redraw else None
    if item is not None:
        told.append(wire.ShownItem(now, item))
    return told


def draw_item(sitting: Sitting, copies: Copies) -> wire.OpenItem | None:
    """The item on screen with its opened stages in this candidate's order; None when there is none."""
    deadline = timing.item_deadline(sitting)
    if sitting.current is None or deadline is None or sitting.status != "running":
        return None
    entry = sitting.form.entries[sitting.current]
    progress = sitting.items[sitting.current]
    whole = order_choices(copies[entry.item, entry.version], tuple(stage.choices for stage in entry.stages))
    return wire.OpenItem(
        position=sitting.current,
        content=open_stages(whole, progress.stage + 1),
        answers=progress.answers[: progress.stage + 1],
        stage=progress.stage,
        deadline=deadline,
        limit=entry.limit,
    )


def take_snapshot(sitting: Sitting, copies: Copies, now: Moment) -> wire.Snapshot:
    """The whole state as its page may see it."""
    return wire.Snapshot(
        protocol=wire.PROTOCOL,
        sitting=sitting.id,
        now=now,
        status=sitting.status,
        epoch=sitting.epoch,
        seq=sitting.streams.get(sitting.stream, 0),
        navigation=sitting.rules.navigation,
        flags=sitting.rules.flags,
        marks=tuple(
            wire.Mark(any(item.answers), item.visited, item.locked, item.expired, item.flagged)
            for item in sitting.items
        ),
        deadline=timing.exam_deadline(sitting),
        item=draw_item(sitting, copies),
        ended=sitting.end_reason,
    )
