"""What a page is told once events are durable. Pure."""

from collections.abc import Mapping
from typing import Any

from core.ids import ItemId
from core.moments import Moment
from exam_server import timing, wire
from exam_server.events import (
    AllowanceSet,
    AnyEvent,
    Attached,
    BreakBegun,
    BreakOver,
    CloseMoved,
    Ended,
    Extended,
    FormReplaced,
    HelpAnswered,
    ItemExpired,
    ItemLocked,
    ItemWithdrawn,
    OutageCompensated,
    Paused,
    RespondedLate,
    Resumed,
    SectionClosed,
    SectionExpired,
    Shown,
    StageLocked,
    Started,
    Told,
)
from exam_server.media import NO_KEY, address_all
from exam_server.sitting import Sitting
from question_bank.candidate_copy import CandidateItem, open_stages, order_choices

Copies = Mapping[tuple[ItemId, int], CandidateItem]
Texts = Mapping[int, str]
"""What staff wrote to the candidate, by the ids that events name."""

REDRAWN = (
    AllowanceSet,
    BreakBegun,
    BreakOver,
    CloseMoved,
    FormReplaced,
    HelpAnswered,
    ItemWithdrawn,
    OutageCompensated,
    Paused,
    Resumed,
    SectionClosed,
    SectionExpired,
)
"""Events so rare and so far-reaching that the page is told everything anew."""

LOCKS = (ItemExpired, ItemLocked, StageLocked)
"""What may open the explanation of an item in practice."""


def quoted(sitting: Sitting) -> tuple[int, ...]:
    """The notes whose texts the page is shown as the sitting stands."""
    notes = [one.note for one in sitting.unread]
    if sitting.halt is not None and sitting.halt.note is not None:
        notes.append(sitting.halt.note)
    if sitting.end_note is not None:
        notes.append(sitting.end_note)
    return tuple(notes)


def announce(
    sitting: Sitting,
    events: tuple[AnyEvent, ...],
    copies: Copies,
    texts: Texts,
    now: Moment,
    key: bytes = NO_KEY,
) -> list[wire.AnyOutgoing]:
    """Messages for the live page, in order; `sitting` is the state after all the events."""
    if any(type(event) is Attached for event in events):
        return [take_snapshot(sitting, copies, texts, now, key)]
    anew = any(
        type(event) in REDRAWN
        or (type(event) in LOCKS and sitting.explaining is not None)
        or _moves_section(sitting, event)
        for event in events
    )
    told: list[wire.AnyOutgoing] = []
    redraw = longer = False
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
            case Told():
                told.append(wire.Notice(event.note, event.kind, texts.get(event.note, ""), event.at))
            case Started() | Extended() if not anew:
                told.append(wire.Deadlines(now, timing.exam_deadline(sitting), timing.item_deadline(sitting)))
                longer = True
            case Ended():
                text = "" if event.note is None else texts.get(event.note, "")
                told.append(wire.Finished(event.reason, text))
    if anew and sitting.status != "ended":
        told.append(take_change(sitting, copies, texts, now, key))
        return told
    item = draw_item(sitting, copies, key) if redraw or longer else None
    if item is not None and (redraw or item.media):  # the addresses it has now end with its old deadline
        told.append(wire.ShownItem(now, item))
    return told


def _moves_section(sitting: Sitting, event: AnyEvent) -> bool:
    """Does the present section begin with it, or get more time?"""
    if not sitting.rules.sections:
        return False
    begins = type(event) is Shown and event.at == sitting.section_started_at
    return begins or type(event) in (Started, Extended)


def draw_item(sitting: Sitting, copies: Copies, key: bytes = NO_KEY) -> wire.OpenItem | None:
    """The item on screen with its opened stages in this candidate's order; None when there is none.

    The addresses of its pictures are signed with `key`, for as long as it may be open.
    """
    deadline = timing.item_deadline(sitting)
    if sitting.current is None or deadline is None or sitting.status != "running":
        return None
    entry = sitting.form.entries[sitting.current]
    progress = sitting.items[sitting.current]
    whole = order_choices(copies[entry.item, entry.version], tuple(stage.choices for stage in entry.stages))
    content = open_stages(whole, progress.stage + 1)
    return wire.OpenItem(
        position=sitting.current,
        content=content,
        answers=progress.answers[: progress.stage + 1],
        stage=progress.stage,
        deadline=deadline,
        limit=timing.item_limit(sitting, sitting.current),
        media=address_all(
            key, sitting.id, sitting.candidate, sitting.current, content.assets, deadline + timing.BROKEN_GRACE
        ),
    )


def take_snapshot(sitting: Sitting, copies: Copies, texts: Texts, now: Moment, key: bytes = NO_KEY) -> wire.Snapshot:
    """The whole state as its page may see it."""
    return wire.Snapshot(
        protocol=wire.PROTOCOL,
        sitting=sitting.id,
        epoch=sitting.epoch,
        seq=sitting.streams.get(sitting.stream, 0),
        **_view(sitting, copies, texts, now, key),
    )


def take_change(sitting: Sitting, copies: Copies, texts: Texts, now: Moment, key: bytes = NO_KEY) -> wire.Changed:
    """The same without what only a page that has just attached needs."""
    return wire.Changed(**_view(sitting, copies, texts, now, key))


def _view(sitting: Sitting, copies: Copies, texts: Texts, now: Moment, key: bytes) -> dict[str, Any]:
    return {
        "now": now,
        "status": sitting.status,
        "navigation": sitting.rules.navigation,
        "flags": sitting.rules.flags,
        "marks": tuple(
            wire.Mark(
                any(item.answers),
                item.visited,
                item.locked,
                item.expired,
                item.flagged,
                item.withdrawn,
                item.questioned,
            )
            for item in sitting.items
        ),
        "deadline": timing.exam_deadline(sitting),
        "closes_at": sitting.closes_at,
        "opens_at": sitting.opens_at if sitting.status == "ready" else 0,
        "item": draw_item(sitting, copies, key),
        "section": _section(sitting),
        "halt": _halt(sitting, texts),
        "breaks_left": max(0, sitting.rules.breaks + sitting.allowance.breaks - sitting.breaks_taken),
        "break_limit": sitting.rules.break_limit or timing.USUAL_BREAK,
        "notices": tuple(
            wire.NoticeView(one.note, one.kind, texts.get(one.note, ""), one.at) for one in sitting.unread
        ),
        "help": sitting.help_since is not None,
        "explanations": sitting.rules.explanations,
        "explained": sitting.explaining,
        "ended": sitting.end_reason,
        "reason": "" if sitting.end_note is None else texts.get(sitting.end_note, ""),
    }


def _section(sitting: Sitting) -> wire.SectionView | None:
    if not sitting.rules.sections:
        return None
    places = sitting.section_range
    return wire.SectionView(
        number=sitting.section,
        count=len(sitting.rules.sections),
        first=places.start,
        items=len(places),
        begun=sitting.section_started_at is not None,
        deadline=timing.section_deadline(sitting),
    )


def _halt(sitting: Sitting, texts: Texts) -> wire.HaltView | None:
    halt = sitting.halt
    if halt is None:
        return None
    return wire.HaltView(halt.since, halt.until, "" if halt.note is None else texts.get(halt.note, ""))
