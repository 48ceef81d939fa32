"""The wall of live sittings: who needs a look first, and what is going on at each place.

The state of every live sitting is folded here from its log, a piece at a time, so that the wall is the same in
every process, whoever holds the sittings. What is on the wall decides nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal, TypeAlias, TypeVar

from msgspec import Struct
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import elapsed_seconds
from core.database import Database, fetch_all
from core.ids import PersonId, SittingId
from core.moments import Moment
from exam_server import timing
from exam_server.events import (
    NO_ALLOWANCE,
    AnyEvent,
    Attached,
    Created,
    Detached,
    HelpAsked,
    Started,
    decode_batch,
    trace_of,
)
from exam_server.sitting import Sitting, create, evolve
from proctoring.incidents import Severity
from proctoring.signals import TITLES, Kind

MOST_TILES = 1_000
FRESH_SECONDS = 0.8
"""How long one reading serves everybody who looks at the wall of this process."""

SLICE_SECONDS = 0.005
"""How long the wall works at a stretch: the clocks of candidates run in the same process."""
_ROWS = 100
"""Rows of the log that are fetched at once."""

_Thing = TypeVar("_Thing")
_SEVERITIES = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)


Stage: TypeAlias = Literal["identity", "ready", "running"]
"""`ready`: not begun yet, on the wall for a call for help alone."""


class Watching(Struct, frozen=True):
    """What was noticed at one place. `open_now`: kinds with an open incident; `unseen_since`: of an open gap."""

    incidents: int = 0
    open_now: tuple[Kind, ...] = ()
    severity: Severity | None = None
    unseen_since: Moment | None = None


class Tile(Struct, frozen=True):
    """One place on the wall. `item` counts from 1; `deadline` is the exam's.

    `away_since`: of a break in the connection that lasts. The clocks stand for a proctor's pause (`paused_since`) or
    for the candidate's own break (`break_until`). `help_since`: the candidate asks for a person. `unread`: messages
    that were not confirmed. `allowed`: there is an allowance, and nothing about why.
    """

    sitting: SittingId
    candidate: PersonId
    name: str
    title: str
    stage: Stage
    connected: bool
    item: int | None
    items: int
    answered: int
    deadline: Moment
    watching: Watching
    away_since: Moment | None = None
    paused_since: Moment | None = None
    break_until: Moment | None = None
    help_since: Moment | None = None
    unread: int = 0
    allowed: bool = False

    @property
    def need(self) -> int:
        """How soon somebody should look, 0 is not at all: a person who waits, then what is going on right now.

        On a break nothing that the candidate does matters; a pause is to be remembered.
        """
        if self.help_since is not None:
            return 7
        if self.stage == "identity":
            return 6
        if self.break_until is not None:
            return 1 if self.watching.incidents else 0
        if self.watching.open_now and self.watching.severity is Severity.HIGH:
            return 5
        if self.paused_since is not None:
            return 3
        if not self.connected:
            return 4
        if self.watching.open_now and self.watching.severity is Severity.MEDIUM:
            return 3
        if self.watching.unseen_since is not None:
            return 2
        return 1 if self.watching.incidents else 0

    @property
    def titles(self) -> tuple[str, ...]:
        """What is going on right now, in words."""
        return tuple(TITLES[kind] for kind in self.watching.open_now)


def by_need(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Who needs a look first; places of equal need keep still, in the order of their ids."""
    return tuple(sorted(tiles, key=lambda tile: (-tile.need, tile.sitting)))


async def in_slices(things: Iterable[_Thing]) -> AsyncIterator[_Thing]:
    """The same things in the same order; whoever else waits gets a turn each SLICE_SECONDS."""
    since = elapsed_seconds()
    for thing in things:
        yield thing
        if elapsed_seconds() - since >= SLICE_SECONDS:
            await asyncio.sleep(0)
            since = elapsed_seconds()


class Followed(Struct, frozen=True):
    """A sitting folded up to a row of its log. `away_since`: its connection was lost then and did not come back."""

    version: int
    state: Sitting
    away_since: Moment | None = None


def follow(known: Followed | None, sitting: SittingId, version: int, events: Iterable[AnyEvent]) -> Followed | None:
    """What is known of a sitting after one more row of its log; None while its creation was not read."""
    state = None if known is None else known.state
    away_since = None if known is None else known.away_since
    for event in events:
        if state is not None:
            state = evolve(state, event)
        elif isinstance(event, Created):
            state = create(sitting, event)
        if isinstance(event, Attached | Detached):
            away_since = event.at if isinstance(event, Detached) else None
    return None if state is None else Followed(version, state, away_since)


class Wall:
    """The live sittings, read at most once in FRESH_SECONDS however many people look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states: dict[SittingId, Followed] = {}
        self._reading = asyncio.Lock()
        self._tiles: tuple[Tile, ...] = ()
        self._read_at: float | None = None

    async def tiles(self) -> tuple[Tile, ...]:
        """Everybody who is sitting or waits for a person to confirm who they are. Raises Unavailable."""
        async with self._reading:
            now = elapsed_seconds()
            if self._read_at is None or now - self._read_at >= FRESH_SECONDS:
                async with self._database.transaction() as connection:
                    self._tiles = await self._read(connection)
                self._read_at = now
            return self._tiles

    async def _read(self, connection: AsyncConnection) -> tuple[Tile, ...]:
        rows = await fetch_all(connection, _LIVE, started=_STARTED, help=_HELP, limit=MOST_TILES)
        ids = [SittingId(row["id"]) for row in rows]
        await self._follow(connection, ids)
        watched = await watching(connection, ids)
        tiles = [
            tile
            async for row in in_slices(rows)
            if (known := self._states.get(row["id"])) is not None
            and (tile := _tile(row, known, watched.get(row["id"], Watching()))) is not None
        ]
        return by_need(tiles)

    async def _follow(self, connection: AsyncConnection, ids: Sequence[SittingId]) -> None:
        """Fold what was written since the last look, and forget who is no longer live."""
        self._states = {one: self._states[one] for one in ids if one in self._states}
        known = {
            "ids": list(ids),
            "versions": [self._states[one].version if one in self._states else -1 for one in ids],
        }
        # A stream: nobody has looked for an hour, and there are as many rows as the hour had answers.
        async with connection.stream(text(_UNREAD), known, execution_options={"yield_per": _ROWS}) as result:
            async for rows in result.mappings().partitions():
                async for row in in_slices(rows):
                    self._take(row)

    def _take(self, row: RowMapping) -> None:
        sitting = SittingId(row["sitting_id"])
        followed = follow(self._states.get(sitting), sitting, row["version"], decode_batch(row["events"]))
        if followed is not None:
            self._states[sitting] = followed


async def watching(connection: AsyncConnection, sittings: Sequence[SittingId]) -> dict[SittingId, Watching]:
    """What was noticed at these places, those where nothing was left out."""
    rows = await fetch_all(connection, _WATCHING, ids=list(sittings))
    return {SittingId(row["sitting"]): _watching(row) for row in rows}


def _watching(row: RowMapping) -> Watching:
    kinds = tuple(sorted(Kind(kind) for kind in row["open_now"] or ()))
    worst = [severity for severity in _SEVERITIES if severity in (row["severities"] or ())]
    return Watching(row["incidents"] or 0, kinds, worst[-1] if worst else None, row["unseen_since"])


def _tile(row: RowMapping, followed: Followed, watched: Watching) -> Tile | None:
    state = followed.state
    if state.status == "running":
        stage: Stage = "running"
    elif state.status == "ready" and row["waits_for_person"]:
        stage = "identity"
    elif state.status == "ready" and state.help_since is not None:
        stage = "ready"
    else:
        return None
    return Tile(
        sitting=SittingId(row["id"]),
        candidate=PersonId(row["candidate"]),
        name=row["name"],
        title=row["title"] or "",
        stage=stage,
        connected=state.connected,
        item=None if state.current is None else state.current + 1,
        items=len(state.items),
        answered=sum(1 for item in state.items if any(item.answers)),
        deadline=timing.exam_deadline(state),
        watching=watched,
        away_since=followed.away_since,
        paused_since=None if state.halt is None or state.halt.until is not None else state.halt.since,
        break_until=None if state.halt is None else state.halt.until,
        help_since=state.help_since,
        unread=len(state.unread),
        allowed=state.allowance != NO_ALLOWANCE,
    )


async def open_tile(connection: AsyncConnection, sitting: Sitting, away_since: Moment | None = None) -> Tile | None:
    """The tile of one sitting, None when it is not live any more or not yet."""
    rows = await fetch_all(connection, f"{_ROW} WHERE s.id = :id", id=sitting.id)
    watched = await watching(connection, [sitting.id])
    followed = Followed(0, sitting, away_since)
    return _tile(rows[0], followed, watched.get(sitting.id, Watching())) if rows else None


def changes(before: dict[SittingId, Tile], after: Sequence[Tile]) -> list[Tile]:
    """The tiles that are new or not what they were."""
    return [tile for tile in after if before.get(tile.sitting) != tile]


_WAITS = "(e.consented_at IS NOT NULL AND e.biometrics IS FALSE AND e.identified_at IS NULL)"
_ROW = f"""
    SELECT s.id, s.candidate, b.content ->> 'title' AS title,
           concat_ws(' ', p.family_name, NULLIF(p.given_name, ''), NULLIF(p.patronymic, '')) AS name,
           {_WAITS} AS waits_for_person
    FROM exam_server.sitting s
    JOIN core.person p ON p.id = s.candidate
    LEFT JOIN question_bank.blueprint b ON b.id = s.blueprint_id AND b.version = s.blueprint_version
    LEFT JOIN exam_server.entrance e ON e.sitting_id = s.id
"""
_STARTED, _HELP = trace_of(Started), trace_of(HelpAsked)
# Row 0 is the form, which is large and never a start or a call.
_LIVE = f"""{_ROW}
    LEFT JOIN LATERAL (
        SELECT true AS begun FROM exam_server.log l
        WHERE l.sitting_id = s.id AND l.version > 0
          AND (position(CAST(:started AS bytea) IN l.events) > 0 OR position(CAST(:help AS bytea) IN l.events) > 0)
        ORDER BY l.version LIMIT 1) start ON true
    WHERE s.next_deadline IS NOT NULL AND NOT s.practice AND (start.begun OR {_WAITS})
    ORDER BY s.next_deadline LIMIT :limit
"""
_UNREAD = """
    SELECT l.sitting_id, l.version, l.events
    FROM unnest(CAST(:ids AS bigint[]), CAST(:versions AS int[])) AS known(id, version)
    JOIN exam_server.log l ON l.sitting_id = known.id AND l.version > known.version
    ORDER BY l.sitting_id, l.version
"""
_WATCHING = """
    SELECT k.id AS sitting, i.incidents, i.open_now, i.severities, g.unseen_since
    FROM unnest(CAST(:ids AS bigint[])) AS k(id)
    LEFT JOIN LATERAL (
        SELECT count(*) AS incidents, array_agg(DISTINCT kind) FILTER (WHERE ended_at IS NULL) AS open_now,
               array_agg(DISTINCT severity) FILTER (WHERE ended_at IS NULL) AS severities
        FROM proctoring.incident WHERE sitting = k.id) i ON true
    LEFT JOIN LATERAL (
        SELECT min(began_at) AS unseen_since FROM proctoring.coverage_gap
        WHERE sitting = k.id AND ended_at IS NULL) g ON true
    WHERE i.incidents > 0 OR g.unseen_since IS NOT NULL
"""
