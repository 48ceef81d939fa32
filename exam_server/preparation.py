"""Forms drawn before their window opens, and entering the sitting that a booking turns into.

Thousands begin in the same minute. By then their sittings are there, so that a start reads one log and writes one row.
"""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access.people import person
from core.clock import Clock
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict
from core.ids import BlueprintId, BookingId, ItemId, PersonId, SittingId, WindowId
from core.moments import Moment, Span
from core.randomness import fresh_seed
from exam_server import timing
from exam_server.allowances import load_allowances
from exam_server.eligibility import SENTENCES
from exam_server.events import NO_ALLOWANCE, Allowance, Created
from exam_server.exposure import control_exposure
from exam_server.scheduling import find_reason_to_wait, line_up, lock_booking, past_attempts, unknown_window
from exam_server.source import Source
from exam_server.store import Draft, create_sittings
from question_bank.assembly import assemble
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.fixed_form_store import is_in_service, load_fixed
from question_bank.fixed_forms import draw_fixed
from question_bank.forms import Form
from question_bank.pool_store import PreparedPools, save_snapshot

BATCH = 50
"""Sittings that are prepared in one transaction."""
WARMED_AT_ONCE = 500

_log = structlog.get_logger()


async def enter(
    connection: AsyncConnection,
    booking_id: BookingId,
    candidate: PersonId,
    *,
    pools: PreparedPools,
    seed: int,
    now: Moment,
    attempts_allowed: int,
) -> SittingId:
    """The sitting of a booking: the one that was prepared, or one made now; the same at every later call.

    Raises NotFound for a booking that is not this candidate's, Conflict with the reason why not now.
    """
    # Two bookings of one candidate that are entered at once must see each other's attempt.
    await line_up(connection, candidate)
    booking = await lock_booking(connection, booking_id, candidate)
    if booking.sitting is not None:
        return booking.sitting
    blueprint = await load_blueprint(connection, booking.window.blueprint, booking.window.blueprint_version)
    who = await person(connection, candidate)
    zone = who.zone if who is not None else "UTC"
    attempts = await past_attempts(connection, candidate, blueprint.id)
    refusal = await find_reason_to_wait(connection, booking, blueprint, attempts, now, attempts_allowed, zone)
    if refusal is not None:
        raise refusal
    if booking.prepared is not None:
        await execute(
            connection,
            "UPDATE exam_server.sitting SET entered_at = :now, attempt = :attempt WHERE id = :id",
            now=now,
            attempt=len(attempts) + 1,
            id=booking.prepared,
        )
        return booking.prepared
    opens_at, closes_at = await _span(connection, booking.window.id)
    draw = await find_draw(connection, blueprint, booking.window.fixed_form, pools, now)
    allowances = await load_allowances(connection, blueprint.id, [candidate])
    created = create(
        candidate, blueprint, draw(seed), opens_at, closes_at, allowances.get(candidate, NO_ALLOWANCE), now
    )
    (made,) = await create_sittings(connection, [Draft(booking_id, len(attempts) + 1, created, now)])
    return made


async def _span(connection: AsyncConnection, window: WindowId) -> tuple[Moment, Moment]:
    """When the window opens and closes; it is neither moved nor cancelled before the transaction ends.

    Raises NotFound, Conflict (`window_cancelled`).
    """
    row = await fetch_one(
        connection,
        """SELECT opens_at, closes_at, cancelled_at FROM exam_server."window" WHERE id = :id FOR SHARE""",
        id=window,
    )
    if row is None:
        raise unknown_window()
    if row["cancelled_at"] is not None:
        raise Conflict("window_cancelled", SENTENCES["window_cancelled"])
    return row["opens_at"], row["closes_at"]


async def find_draw(
    connection: AsyncConnection, blueprint: Blueprint, fixed_form: str | None, pools: PreparedPools, now: Moment
) -> Callable[[int], Form]:
    """What makes a form of a seed: the fixed form in another order, or a form of its own; raises as `assemble` does.

    A fixed form of which an item has left the bank is given to nobody any more; forms are drawn then.
    """
    if fixed_form is not None:
        fixed, items = await load_fixed(connection, fixed_form)
        if await is_in_service(connection, fixed, blueprint.speciality):
            return lambda seed: draw_fixed(fixed, blueprint, items, seed)
        _log.warning("preparation.fixed_form_left", form=fixed_form, blueprint=blueprint.id)
    pool = await pools.pool(connection, blueprint)
    await save_snapshot(connection, pool, now)
    return lambda seed: assemble(blueprint, pool, seed)


def create(
    candidate: PersonId,
    blueprint: Blueprint,
    form: Form,
    opens_at: Moment,
    closes_at: Moment,
    allowance: Allowance,
    now: Moment,
) -> Created:
    """A sitting's first event. The candidate's allowance moves the close, so that the window never cuts it off."""
    rules = blueprint.rules
    return Created(
        now,
        candidate,
        form,
        rules,
        closes_at + timing.gain(rules, allowance),
        opens_at,
        allowance,
    )


async def prepare_some(
    connection: AsyncConnection,
    window: WindowId,
    *,
    pools: PreparedPools,
    seeds: Callable[[], int],
    now: Moment,
    limit: int = BATCH,
) -> list[SittingId]:
    """Sittings for up to `limit` bookings of a window that have none yet; bookings that others are at are left to them.

    Nobody's eligibility is asked: that is done at entering. Raises Conflict (`blueprint_unfillable`,
    `window_cancelled`), NotFound.
    """
    opens_at, closes_at = await _span(connection, window)
    rows = await fetch_all(
        connection,
        """SELECT b.id, b.candidate, w.blueprint_id, w.blueprint_version, w.fixed_form
           FROM exam_server.booking b JOIN exam_server."window" w ON w.id = b.window_id
           WHERE b.window_id = :window AND b.cancelled_at IS NULL
             AND NOT EXISTS (SELECT FROM exam_server.sitting s WHERE s.booking_id = b.id)
           ORDER BY b.id LIMIT :limit FOR UPDATE OF b SKIP LOCKED""",
        window=window,
        limit=limit,
    )
    if not rows:
        return []
    blueprint = await load_blueprint(connection, BlueprintId(rows[0]["blueprint_id"]), rows[0]["blueprint_version"])
    if blueprint.exposure_cap is not None:
        # Thousands of forms are drawn in a row: to how many of them an item is open follows from those before.
        await control_exposure(connection, blueprint.id, blueprint.exposure_cap, now)
    draw = await find_draw(connection, blueprint, rows[0]["fixed_form"], pools, now)
    allowances = await load_allowances(connection, blueprint.id, [PersonId(row["candidate"]) for row in rows])
    drafts = []
    for row in rows:
        candidate = PersonId(row["candidate"])
        allowance = allowances.get(candidate, NO_ALLOWANCE)
        created = create(candidate, blueprint, draw(seeds()), opens_at, closes_at, allowance, now)
        drafts.append(Draft(BookingId(row["id"]), 1, created))
        await asyncio.sleep(0)  # a form takes a millisecond, and candidates at work come first
    return await create_sittings(connection, drafts)


class Preparation:
    """Sees to it that whoever is booked for a window that opens soon has a form by then."""

    def __init__(self, database: Database, clock: Clock, pools: PreparedPools, source: Source, ahead: Span) -> None:
        self._database = database
        self._clock = clock
        self._pools = pools
        self._source = source
        self._ahead = ahead
        self._warmed = SittingId(0)

    async def sweep(self) -> int:
        """Prepare what is due, batch by batch, and have its items at hand; how many sittings were made here.

        Any number of processes may do this at once. A window that can't be prepared does not hold up the others.
        """
        made = 0
        for window in await self._due():
            try:
                while batch := await self._prepare(window):
                    made += batch
            except Conflict as refusal:
                _log.error("preparation.failed", window=window, code=refusal.code, message=refusal.message)
        await self._warm()
        return made

    async def _due(self) -> list[WindowId]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            rows = await fetch_all(
                connection,
                """SELECT w.id FROM exam_server."window" w
                   WHERE w.opens_at > :now AND w.opens_at <= :until AND w.cancelled_at IS NULL
                     AND EXISTS (SELECT FROM exam_server.booking b
                                 WHERE b.window_id = w.id AND b.cancelled_at IS NULL
                                   AND NOT EXISTS (SELECT FROM exam_server.sitting s WHERE s.booking_id = b.id))
                   ORDER BY w.opens_at, w.id""",
                now=now,
                until=now + self._ahead,
            )
        return [WindowId(row["id"]) for row in rows]

    async def _prepare(self, window: WindowId) -> int:
        async with self._database.transaction() as connection:
            return len(
                await prepare_some(
                    connection, window, pools=self._pools, seeds=fresh_seed, now=self._clock.now(), limit=BATCH
                )
            )

    async def _warm(self) -> None:
        """Have the items of prepared forms in memory. One that is missed is read when it is needed."""
        while True:
            async with self._database.transaction() as connection:
                rows = await fetch_all(
                    connection,
                    """SELECT f.sitting_id, f.items, f.versions FROM exam_server.sitting s
                       JOIN exam_server.form f ON f.sitting_id = s.id
                       WHERE s.entered_at IS NULL AND s.next_deadline IS NOT NULL AND s.id > :after
                       ORDER BY s.id LIMIT :limit""",
                    after=self._warmed,
                    limit=WARMED_AT_ONCE,
                )
            refs = {
                (ItemId(item), version)
                for row in rows
                for item, version in zip(row["items"], row["versions"], strict=True)
            }
            await self._source.copies(refs)
            if rows:
                self._warmed = SittingId(rows[-1]["sitting_id"])
            if len(rows) < WARMED_AT_ONCE:
                return
