"""How often items were drawn and how often they were seen, by window; and the cap on that, kept as forms are drawn.

An ended sitting is counted once: its form says which items it had, its log which of them were shown. Until then its
form counts as drawn and not as seen, wherever that is asked.
"""

from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import BlueprintId, ItemId, SittingId, WindowId
from core.moments import Moment
from exam_server.sitting import Sitting
from exam_server.store import load_sitting
from question_bank.exposure import control, horizon
from question_bank.exposure_store import list_capped, load_controlled, load_opennesses, save_opennesses
from question_bank.health import Used
from question_bank.wanted import Condition

BATCH = 50
"""Sittings that are counted in one transaction."""
PAGE = 100
MOST_WINDOWS = 20
"""The newest windows that a line tells apart."""

_log = structlog.get_logger()


class ExposureRow(Struct, frozen=True):
    """One item of an exam."""

    item: ItemId
    drawn: int
    seen: int
    share: float
    """Of all forms of the exam those that it stood on, 0..1."""
    open_to: float
    """Of the next forms those that it is open to, 0..1."""
    windows: dict[WindowId, Used]
    """By the newest windows, see ExposurePage."""


class ExposureWindow(Struct, frozen=True):
    """A window of the exam: how many forms were drawn for it, and how many of those sittings have ended."""

    window: WindowId
    opens_at: Moment
    forms: int
    ended: int


class ExposurePage(Struct, frozen=True):
    """Items of an exam, those seen most often first."""

    forms: int
    rows: tuple[ExposureRow, ...]
    total: int
    """How many items were ever drawn."""
    windows: tuple[ExposureWindow, ...]
    """The newest first."""


_DRAWN = """
    SELECT e.window_id, e.item_id, e.drawn, e.seen FROM exam_server.exposure e
    JOIN exam_server."window" w ON w.id = e.window_id WHERE w.blueprint_id = :blueprint
    UNION ALL
    SELECT b.window_id, item.id, CAST(count(*) AS int), 0 FROM exam_server.form f
    JOIN exam_server.sitting s ON s.id = f.sitting_id
    JOIN exam_server.booking b ON b.id = s.booking_id
    JOIN exam_server."window" w ON w.id = b.window_id
    CROSS JOIN LATERAL unnest(f.items) AS item(id)
    WHERE f.seen IS NULL AND NOT s.practice AND w.blueprint_id = :blueprint GROUP BY b.window_id, item.id"""
_FORMS = """
    SELECT c.window_id, c.forms, c.forms AS ended FROM exam_server.counted_forms c
    JOIN exam_server."window" w ON w.id = c.window_id WHERE w.blueprint_id = :blueprint
    UNION ALL
    SELECT b.window_id, count(*), 0 FROM exam_server.form f
    JOIN exam_server.sitting s ON s.id = f.sitting_id
    JOIN exam_server.booking b ON b.id = s.booking_id
    JOIN exam_server."window" w ON w.id = b.window_id
    WHERE f.seen IS NULL AND NOT s.practice AND w.blueprint_id = :blueprint GROUP BY b.window_id"""

_AHEAD = """
    SELECT item.id FROM exam_server.form f
    JOIN exam_server.sitting s ON s.id = f.sitting_id
    CROSS JOIN LATERAL unnest(f.items) AS item(id)
    WHERE f.seen IS NULL AND NOT s.practice"""
_ANYWHERE = f"""
    SELECT item_id, drawn FROM exam_server.exposure UNION ALL SELECT id, 1 FROM ({_AHEAD}) ahead"""
EVER_DRAWN = Condition(f"i.id IN (SELECT item_id FROM exam_server.exposure UNION ALL {_AHEAD})")
"""It stood on a form, of whichever exam."""
# Not the other one's opposite: of few that were drawn it is quicker to make a list, of all others to ask for each.
NEVER_DRAWN = Condition(
    f"""NOT EXISTS (SELECT FROM exam_server.exposure e WHERE e.item_id = i.id) AND i.id NOT IN ({_AHEAD})"""
)


async def count_forms(connection: AsyncConnection, blueprint: BlueprintId) -> int:
    """How many forms of an exam were drawn, all versions of its blueprint together; practice apart."""
    row = await fetch_one(
        connection,
        f"SELECT CAST(coalesce(sum(forms), 0) AS bigint) AS forms FROM ({_FORMS}) t",
        blueprint=blueprint,
    )
    return 0 if row is None else int(row["forms"])


async def count_uses(connection: AsyncConnection, blueprint: BlueprintId) -> dict[ItemId, Used]:
    """Of every item of an exam that was ever drawn."""
    rows = await fetch_all(
        connection,
        f"""SELECT item_id, CAST(sum(drawn) AS bigint) AS drawn, CAST(sum(seen) AS bigint) AS seen
            FROM ({_DRAWN}) t GROUP BY item_id""",
        blueprint=blueprint,
    )
    return {ItemId(row["item_id"]): Used(row["drawn"], row["seen"]) for row in rows}


async def count_drawn(connection: AsyncConnection, items: Sequence[ItemId]) -> dict[ItemId, int]:
    """On how many forms each of these stood, of all exams together; those that stood on none are left out."""
    rows = await fetch_all(
        connection,
        f"""SELECT item_id, CAST(sum(drawn) AS bigint) AS drawn FROM ({_ANYWHERE}) t
            WHERE item_id = ANY(CAST(:items AS text[])) GROUP BY item_id""",
        items=items,
    )
    return {ItemId(row["item_id"]): row["drawn"] for row in rows}


async def list_overdrawn(connection: AsyncConnection) -> tuple[ItemId, ...]:
    """The items that stood on a larger share of forms of some exam than its cap allows."""
    found: set[ItemId] = set()
    for blueprint, cap in (await list_capped(connection)).items():
        rows = await fetch_all(
            connection,
            f"""SELECT item_id FROM ({_DRAWN}) t GROUP BY item_id
                HAVING CAST(sum(drawn) AS float8) / :forms > :cap""",
            blueprint=blueprint,
            forms=float(max(1, await count_forms(connection, blueprint))),
            cap=cap,
        )
        found.update(ItemId(row["item_id"]) for row in rows)
    return tuple(sorted(found))


async def list_exposure(
    connection: AsyncConnection, blueprint: BlueprintId, *, limit: int = PAGE, offset: int = 0
) -> ExposurePage:
    """One page of the items of an exam, those seen most often first."""
    windows = await fetch_all(
        connection,
        f"""SELECT t.window_id, w.opens_at, CAST(sum(t.forms) AS bigint) AS forms, CAST(sum(t.ended) AS bigint) AS ended
            FROM ({_FORMS}) t JOIN exam_server."window" w ON w.id = t.window_id
            GROUP BY t.window_id, w.opens_at ORDER BY w.opens_at DESC, t.window_id DESC""",
        blueprint=blueprint,
    )
    forms = sum(row["forms"] for row in windows)
    rows = await fetch_all(
        connection,
        f"""SELECT t.item_id, CAST(sum(t.drawn) AS bigint) AS drawn, CAST(sum(t.seen) AS bigint) AS seen,
                   coalesce(min(o.share), 1000000) AS share, count(*) OVER () AS total
            FROM ({_DRAWN}) t
            LEFT JOIN question_bank.openness o ON o.blueprint_id = :blueprint AND o.item_id = t.item_id
            GROUP BY t.item_id ORDER BY seen DESC, drawn DESC, t.item_id LIMIT :limit OFFSET :offset""",
        blueprint=blueprint,
        limit=limit,
        offset=offset,
    )
    shown = windows[:MOST_WINDOWS]
    parts = await fetch_all(
        connection,
        f"""SELECT window_id, item_id, CAST(sum(drawn) AS bigint) AS drawn, CAST(sum(seen) AS bigint) AS seen
            FROM ({_DRAWN}) t
            WHERE item_id = ANY(CAST(:items AS text[])) AND window_id = ANY(CAST(:windows AS bigint[]))
            GROUP BY window_id, item_id ORDER BY window_id DESC""",
        blueprint=blueprint,
        items=[row["item_id"] for row in rows],
        windows=[row["window_id"] for row in shown],
    )
    by_window: dict[str, dict[WindowId, Used]] = {}
    for part in parts:
        by_window.setdefault(part["item_id"], {})[WindowId(part["window_id"])] = Used(part["drawn"], part["seen"])
    return ExposurePage(
        forms,
        tuple(
            ExposureRow(
                ItemId(row["item_id"]),
                row["drawn"],
                row["seen"],
                row["drawn"] / max(1, forms),
                row["share"] / 1_000_000,
                by_window.get(row["item_id"], {}),
            )
            for row in rows
        ),
        rows[0]["total"] if rows else 0,
        tuple(ExposureWindow(WindowId(row["window_id"]), row["opens_at"], row["forms"], row["ended"]) for row in shown),
    )


class Exposure:
    """Counts what has ended, and works out anew to how many forms items are open."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def sweep(self) -> int:
        """Do both where there is something to do; how many sittings were counted here. Any process may at any time."""
        counted, after = 0, SittingId(0)
        while True:
            async with self._database.transaction() as connection:
                done = await count_some(connection, after)
            if not done:
                break
            counted += len(done)
            after = done[-1]
        await self._control()
        return counted

    async def _control(self) -> None:
        async with self._database.transaction() as connection:
            capped = await list_capped(connection)
        for blueprint, cap in capped.items():
            async with self._database.transaction() as connection:
                await control_exposure(connection, blueprint, cap, self._clock.now())


async def control_exposure(connection: AsyncConnection, blueprint: BlueprintId, cap: float, now: Moment) -> bool:
    """Work out to how many forms the items of an exam are open, where enough were drawn since the last time."""
    before, forms = await load_controlled(connection, blueprint), await count_forms(connection, blueprint)
    if forms < before + horizon(before):
        return False
    uses = await count_uses(connection, blueprint)
    drawn = {item: one.drawn for item, one in uses.items()}
    opennesses = await load_opennesses(connection, blueprint)
    return await save_opennesses(
        connection, blueprint, before, forms, control(forms, drawn, before, opennesses, cap), now
    )


async def count_some(connection: AsyncConnection, after: SittingId, limit: int = BATCH) -> list[SittingId]:
    """Count ended sittings that come after this one and are not counted yet; which were looked at.

    One whose log can't be read is left for `sitting verify` to report.
    """
    rows = await fetch_all(
        connection,
        """SELECT s.id, b.window_id, s.practice FROM exam_server.form f
           JOIN exam_server.sitting s ON s.id = f.sitting_id
           LEFT JOIN exam_server.booking b ON b.id = s.booking_id
           WHERE f.seen IS NULL AND s.next_deadline IS NULL AND s.id > :after
           ORDER BY s.id LIMIT :limit FOR UPDATE OF f SKIP LOCKED""",
        after=after,
        limit=limit,
    )
    read: dict[SittingId, Sitting] = {}
    for row in rows:
        try:
            read[SittingId(row["id"])] = await load_sitting(connection, SittingId(row["id"]))
        except (ValueError, NotFound) as error:
            _log.error("exposure.unreadable", sitting=row["id"], error=repr(error))
    windows = {
        SittingId(row["id"]): WindowId(row["window_id"])
        for row in rows
        if row["window_id"] is not None and not row["practice"] and row["id"] in read
    }
    await _keep(connection, read, windows)
    return [SittingId(row["id"]) for row in rows]


async def _keep(
    connection: AsyncConnection, read: Mapping[SittingId, Sitting], windows: Mapping[SittingId, WindowId]
) -> None:
    seen = {sitting: [item.visited for item in state.items] for sitting, state in read.items()}
    await execute(
        connection,
        """UPDATE exam_server.form f
           SET seen = ARRAY(SELECT CAST(jsonb_array_elements_text(CAST(t.seen AS jsonb)) AS boolean))
           FROM unnest(CAST(:ids AS bigint[]), CAST(:seen AS text[])) AS t(id, seen) WHERE f.sitting_id = t.id""",
        ids=list(seen),
        seen=[msgspec.json.encode(one).decode() for one in seen.values()],
    )
    totals: dict[tuple[WindowId, ItemId], list[int]] = {}
    forms: dict[WindowId, int] = {}
    for sitting, window in windows.items():
        forms[window] = forms.get(window, 0) + 1
        for entry, shown in zip(read[sitting].form.entries, seen[sitting], strict=True):
            total = totals.setdefault((window, entry.item), [0, 0])
            total[0] += 1
            total[1] += shown
    # In one order everywhere: processes that count at the same time must not wait for each other in a circle.
    await _add_forms(connection, sorted(forms.items()))
    keys = sorted(totals)
    await execute(
        connection,
        """INSERT INTO exam_server.exposure AS e (window_id, item_id, drawn, seen)
           SELECT * FROM unnest(CAST(:windows AS bigint[]), CAST(:items AS text[]), CAST(:drawn AS int[]),
                                CAST(:seen AS int[]))
           ON CONFLICT (window_id, item_id) DO UPDATE
           SET drawn = e.drawn + excluded.drawn, seen = e.seen + excluded.seen""",
        windows=[window for window, _ in keys],
        items=[item for _, item in keys],
        drawn=[totals[key][0] for key in keys],
        seen=[totals[key][1] for key in keys],
    )


async def _add_forms(connection: AsyncConnection, forms: Sequence[tuple[WindowId, int]]) -> None:
    await execute(
        connection,
        """INSERT INTO exam_server.counted_forms AS c (window_id, forms)
           SELECT * FROM unnest(CAST(:windows AS bigint[]), CAST(:forms AS int[]))
           ON CONFLICT (window_id) DO UPDATE SET forms = c.forms + excluded.forms""",
        windows=[window for window, _ in forms],
        forms=[count for _, count in forms],
    )
