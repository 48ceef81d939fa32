"""Stretches of watching a camera, and the gaps between and inside them."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.ids import SittingId
from core.moments import Moment, Span
from proctoring.incidents import GapChange

INTERRUPTED: Final = "interrupted"


class Gap(msgspec.Struct, frozen=True):
    """A time in which nothing was seen. `reason`: silent (no frames came), overload (frames came and were dropped),
    broken (frames came and could not be read), disconnected, interrupted (our own restart)."""

    began_at: Moment
    ended_at: Moment | None
    reason: str


class Coverage(msgspec.Struct, frozen=True):
    """Frames of a sitting over all stretches of watching, and how long it was watched, milliseconds."""

    received: int
    processed: int
    dropped: int
    broken: int
    watched: int


class Watched(msgspec.Struct, frozen=True):
    """How well a time was watched. `complete`: everything decided so far is stored, no stretch is open any more;
    `unseen`: milliseconds of it outside every stretch of watching or inside a gap."""

    complete: bool
    unseen: Span


async def open_watch(connection: AsyncConnection, sitting: SittingId, policy: str, at: Moment) -> int:
    """Begin a stretch of watching and settle what an earlier one left (`settle`).

    The time since a stretch that was closed is a coverage gap too (disconnected).
    """
    await settle(connection, sitting, at)
    last = await fetch_one(
        connection,
        "SELECT closed_at FROM proctoring.watch WHERE sitting = :sitting ORDER BY id DESC LIMIT 1 FOR UPDATE",
        sitting=sitting,
    )
    if last is not None:
        await _leave_out(connection, sitting, last["closed_at"], at, "disconnected")
    row = await fetch_one(
        connection,
        "INSERT INTO proctoring.watch (sitting, policy, opened_at, last_frame_at)"
        " VALUES (:sitting, :policy, :at, :at) RETURNING id",
        sitting=sitting,
        policy=policy,
        at=at,
    )
    assert row is not None
    return int(row["id"])


async def settle(connection: AsyncConnection, sitting: SittingId, at: Moment) -> None:
    """Close whatever of a sitting is open although nobody watches it: what a crash left. Repeating it changes nothing.

    A stretch that was never closed ends with its last frame, the time from then to `at` is a coverage gap, and
    incidents end where they were last seen (interrupted).
    """
    left = await fetch_one(
        connection,
        "UPDATE proctoring.watch SET closed_at = GREATEST(opened_at, LEAST(last_frame_at, :at))"
        " WHERE sitting = :sitting AND closed_at IS NULL RETURNING closed_at",
        sitting=sitting,
        at=at,
    )
    await execute(
        connection,
        "UPDATE proctoring.incident SET ended_at = seen_at, reason = :reason"
        " WHERE sitting = :sitting AND ended_at IS NULL",
        sitting=sitting,
        reason=INTERRUPTED,
    )
    await execute(
        connection,
        "UPDATE proctoring.coverage_gap SET ended_at = GREATEST(began_at, :at)"
        " WHERE sitting = :sitting AND ended_at IS NULL",
        sitting=sitting,
        at=at,
    )
    if left is not None:
        await _leave_out(connection, sitting, left["closed_at"], at, INTERRUPTED)


async def _leave_out(
    connection: AsyncConnection, sitting: SittingId, began_at: Moment, ended_at: Moment, reason: str
) -> None:
    """Write a gap that is over; one that began at the same moment keeps its reason."""
    if began_at < ended_at:
        await execute(
            connection,
            "INSERT INTO proctoring.coverage_gap (sitting, began_at, ended_at, reason)"
            " VALUES (:sitting, :began_at, :ended_at, :reason) ON CONFLICT (sitting, began_at) DO UPDATE"
            " SET ended_at = GREATEST(coverage_gap.ended_at, excluded.ended_at)",
            sitting=sitting,
            began_at=began_at,
            ended_at=ended_at,
            reason=reason,
        )


class Progress(msgspec.Struct, frozen=True):
    """How far a stretch of watching has come: totals, not differences."""

    watch: int
    last_frame_at: Moment
    received: int
    processed: int
    dropped: int
    broken: int


async def record_progress(connection: AsyncConnection, progress: Sequence[Progress]) -> None:
    """Counters of any number of stretches in one statement, in the order of their ids."""
    ordered = sorted(progress, key=lambda one: one.watch)
    await execute(
        connection,
        """
        UPDATE proctoring.watch w
           SET last_frame_at = b.last_frame_at, received = b.received, processed = b.processed,
               dropped = b.dropped, broken = b.broken
          FROM unnest(CAST(:watches AS bigint[]), CAST(:frames AS bigint[]), CAST(:received AS int[]),
                      CAST(:processed AS int[]), CAST(:dropped AS int[]), CAST(:broken AS int[]))
               AS b(id, last_frame_at, received, processed, dropped, broken)
         WHERE w.id = b.id
        """,
        watches=[one.watch for one in ordered],
        frames=[one.last_frame_at for one in ordered],
        received=[one.received for one in ordered],
        processed=[one.processed for one in ordered],
        dropped=[one.dropped for one in ordered],
        broken=[one.broken for one in ordered],
    )


async def close_watch(connection: AsyncConnection, watch: int, at: Moment) -> None:
    await execute(
        connection,
        "UPDATE proctoring.watch SET closed_at = :at WHERE id = :id AND closed_at IS NULL",
        id=watch,
        at=at,
    )


async def record_gap(connection: AsyncConnection, sitting: SittingId, change: GapChange, reason: str) -> None:
    """Write a change of a coverage gap, known by (sitting, began_at)."""
    await execute(
        connection,
        """
        INSERT INTO proctoring.coverage_gap AS g (sitting, began_at, ended_at, reason)
        VALUES (:sitting, :began_at, :ended_at, :reason)
        ON CONFLICT (sitting, began_at) DO UPDATE SET
            ended_at = COALESCE(excluded.ended_at, g.ended_at), reason = excluded.reason
        """,
        sitting=sitting,
        began_at=change.began_at,
        ended_at=change.ended_at,
        reason=reason,
    )


async def gaps_of(connection: AsyncConnection, sitting: SittingId) -> list[Gap]:
    """In order of time."""
    rows = await fetch_all(
        connection,
        "SELECT began_at, ended_at, reason FROM proctoring.coverage_gap WHERE sitting = :sitting ORDER BY began_at",
        sitting=sitting,
    )
    return [Gap(row["began_at"], row["ended_at"], row["reason"]) for row in rows]


async def coverage_of(connection: AsyncConnection, sitting: SittingId) -> Coverage:
    row = await fetch_one(
        connection,
        """
        SELECT COALESCE(sum(received), 0) AS received, COALESCE(sum(processed), 0) AS processed,
               COALESCE(sum(dropped), 0) AS dropped, COALESCE(sum(broken), 0) AS broken,
               COALESCE(sum(COALESCE(closed_at, last_frame_at) - opened_at), 0) AS watched
          FROM proctoring.watch WHERE sitting = :sitting
        """,
        sitting=sitting,
    )
    assert row is not None
    return Coverage(**{name: int(row[name]) for name in Coverage.__struct_fields__})


async def watched(connection: AsyncConnection, sitting: SittingId, began_at: Moment, ended_at: Moment) -> Watched:
    """How well a sitting was watched between two moments. Without any stretch of watching all of it is unseen.

    A stretch is closed by the one writer after everything it decided, so none open means that all is stored.
    """
    row = await fetch_one(
        connection,
        """
        WITH stretch AS (
            SELECT COALESCE(bool_and(closed_at IS NOT NULL), true) AS complete,
                   range_agg(int8range(opened_at, GREATEST(opened_at, COALESCE(closed_at, last_frame_at)))) AS times
              FROM proctoring.watch WHERE sitting = :sitting
        ), gap AS (
            SELECT range_agg(int8range(began_at, ended_at)) AS times
              FROM proctoring.coverage_gap WHERE sitting = :sitting
        ), seen AS (
            SELECT unnest(int8multirange(int8range(:began_at, :ended_at)) * stretch.times
                          - COALESCE(gap.times, int8multirange())) AS time
              FROM stretch, gap
        )
        SELECT complete, (SELECT COALESCE(sum(upper(time) - lower(time)), 0) FROM seen) AS seen FROM stretch
        """,
        sitting=sitting,
        began_at=began_at,
        ended_at=max(began_at, ended_at),
    )
    assert row is not None
    return Watched(row["complete"], max(0, ended_at - began_at) - int(row["seen"]))
