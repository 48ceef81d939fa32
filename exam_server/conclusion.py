"""From an ended sitting to an outcome: marks, review and confirmation joined in one idempotent transaction.

An ended sitting without an outcome is itself the work item: whatever fails here is simply done again.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypeAlias

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal, outbox
from core.access.people import person
from core.clock import Clock
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict
from core.ids import BlueprintId, PersonId, ProtocolId, SittingId
from core.moments import MINUTE, SECOND, Moment, Span
from exam_server import store
from exam_server.late_answers import mark_again
from exam_server.reckoning import is_called_off, reckon, zone_of
from exam_server.scheduling import today_in
from exam_server.sitting import Sitting
from proctoring import review
from proctoring.store import Watched, incidents_of
from proctoring.store import settle as settle_watching
from proctoring.store import watched as watched_of
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Accreditation, Blueprint
from scoring import store as results
from scoring.decision import earliest_retake
from scoring.practice_store import record_practice

TOPIC = "exam.outcome"
STORED_WITHIN: Span = MINUTE
"""How long a conclusion waits for what the camera saw to be stored; after that a person decides."""
UNSEEN_AT_MOST: Span = MINUTE
"""Time without a frame that a sitting may have and still be confirmed by itself."""
ADMITTED_EVERY: Span = 30 * SECOND
"""How often it is looked for late answers that a crash left admitted and not counted."""

OutcomeState: TypeAlias = Literal["absent", "cancelled", "preliminary", "confirmed", "annulled"]
"""cancelled: by the organiser, or for want of anything that counts; like an absence it is no attempt."""

_log = structlog.get_logger()


class Outcome(Struct, frozen=True):
    """What became of a sitting. Preliminary until a person's protocol, or the exam's own rule, confirms it."""

    sitting: SittingId
    candidate: PersonId
    state: OutcomeState
    passed: bool | None
    flagged: bool
    concluded_at: Moment
    confirmed_at: Moment | None
    protocol: ProtocolId | None
    retake_on: date | None
    """The first day of a new attempt, should one be needed: after a failure, or a pass that is annulled."""
    register_number: str | None
    receipt: str | None


class OutcomeFact(Struct, frozen=True):
    """What leaves for the register: never the score, never the speed."""

    sitting: SittingId
    candidate: PersonId
    name: str
    blueprint: BlueprintId
    speciality: str
    speciality_title: str
    accreditation: Accreditation
    passed: bool
    decided_on: date
    basis: str


def choose_state(
    blueprint: Blueprint,
    flagged: bool,
    watched: Watched,
    *,
    late: bool = False,
    awaited: bool = False,
    stopped: bool = False,
) -> OutcomeState:
    """An exam may confirm itself, but never where an incident waits for a person or nobody was watching.

    `late`: there are answers that only the commission can admit, and only before the outcome is final.
    `awaited`: such answers may still come, and change the outcome.
    `stopped`: a proctor ended it for a reason that the commission considers, as the candidate was told.
    """
    seen = watched.complete and watched.unseen <= UNSEEN_AT_MOST
    clear = seen and not (flagged or late or awaited or stopped)
    return "confirmed" if blueprint.confirmation == "automatic" and clear else "preliminary"


def awaits_answers(sitting: Sitting, passed: bool) -> bool:
    """Whether answers that would turn a failure may still be on the candidate's device: the clock ended the sitting.

    Whoever submitted it has none: a page's edits arrive in order. Whether a connection that looked alive was so at the
    end shows only afterwards, so it is not asked.
    """
    if passed or sitting.end_reason == "submitted":
        return False
    return sitting.end_reason != "completed" or any(item.expired for item in sitting.items)


async def conclude(connection: AsyncConnection, sitting_id: SittingId, retake_days: int, now: Moment) -> bool:
    """Record result and outcome of an ended sitting; False when there was nothing to do.

    Practice is not watched, has no outcome, and its result stands apart. Everything happens in the caller's
    transaction, so it is whole or not there.
    """
    await execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('conclusion', :id))", id=sitting_id)
    if await load_outcome(connection, sitting_id) is not None:
        return False
    version = await store.newest_version(connection, sitting_id)
    sitting = await store.load_sitting(connection, sitting_id)
    if sitting.status != "ended" or sitting.ended_at is None:
        return False
    if (await store.load_card(connection, sitting_id)).practice:
        return await _conclude_practice(connection, sitting, now)
    if is_called_off(sitting):
        await _insert(connection, sitting, version, "cancelled", None, False, None, now)
        return True
    if sitting.started_at is None:
        await _insert(connection, sitting, version, "absent", None, False, None, now)
        return True
    watched = await watched_of(connection, sitting_id, sitting.started_at, sitting.ended_at)
    if not watched.complete and now - sitting.ended_at < STORED_WITHIN:
        return False
    if not watched.complete:
        await settle_watching(connection, sitting_id, sitting.ended_at)  # whoever watched is gone
    result, blueprint = await reckon(connection, sitting, retake_days, now)
    await results.record_result(connection, result)
    flagged = review.flagged(await incidents_of(connection, sitting_id))
    late = any(not one.admitted for one in sitting.late)
    state = choose_state(
        blueprint,
        flagged,
        watched,
        late=late,
        awaited=awaits_answers(sitting, result.decision.passed),
        stopped=sitting.end_reason == "proctor",
    )
    zone = await zone_of(connection, sitting.candidate)
    retake_on = earliest_retake(sitting.ended_at, zone, retake_days)
    await _insert(connection, sitting, version, "preliminary", result.decision.passed, flagged, retake_on, now)
    await journal.record(
        connection,
        "system",
        "outcome.computed",
        f"sitting:{sitting_id}",
        {"passed": str(result.decision.passed).lower(), "flagged": str(flagged).lower()},
        now,
    )
    if state == "confirmed":
        await confirm_outcome(connection, sitting_id, None, now)
    return True


async def _conclude_practice(connection: AsyncConnection, sitting: Sitting, now: Moment) -> bool:
    """A practice run's result: no outcome, no wait, nothing for the register. One that was not begun has none."""
    concluded = await execute(
        connection,
        "UPDATE exam_server.sitting SET concluded_at = :at WHERE id = :id AND concluded_at IS NULL",
        id=sitting.id,
        at=now,
    )
    if concluded and sitting.started_at is not None and not is_called_off(sitting):
        result, _ = await reckon(connection, sitting, 0, now)
        await record_practice(connection, result)
    return bool(concluded)


async def confirm_outcome(
    connection: AsyncConnection, sitting_id: SittingId, protocol: tuple[ProtocolId, str] | None, at: Moment
) -> None:
    """Make a preliminary outcome final and send it on its way to the register.

    `protocol` is its id and number; None where the exam confirms itself. Raises Conflict when it is not preliminary.
    """
    changed = await execute(
        connection,
        """UPDATE exam_server.outcome SET state = 'confirmed', confirmed_at = :at, protocol_id = :protocol
           WHERE sitting_id = :id AND state = 'preliminary'""",
        id=sitting_id,
        at=at,
        protocol=None if protocol is None else protocol[0],
    )
    if not changed:
        raise Conflict("not_preliminary", f"Результат тестирования {sitting_id} уже утверждён или не подлежит этому.")
    await results.confirm(connection, sitting_id, at, None if protocol is None else protocol[0])
    fact = await _state_fact(connection, sitting_id, protocol, at)
    actor = "system" if protocol is None else f"protocol:{protocol[0]}"
    await journal.record(connection, actor, "outcome.confirmed", f"sitting:{sitting_id}", {"basis": fact.basis}, at)
    await outbox.post(connection, TOPIC, f"sitting:{sitting_id}", msgspec.json.encode(fact))


async def annul_outcome(
    connection: AsyncConnection, sitting_id: SittingId, protocol: tuple[ProtocolId, str], at: Moment
) -> None:
    """Annul a preliminary outcome by a protocol. Raises Conflict when it is not preliminary."""
    changed = await execute(
        connection,
        """UPDATE exam_server.outcome SET state = 'annulled', confirmed_at = :at, protocol_id = :protocol
           WHERE sitting_id = :id AND state = 'preliminary'""",
        id=sitting_id,
        at=at,
        protocol=protocol[0],
    )
    if not changed:
        raise Conflict("not_preliminary", f"Результат тестирования {sitting_id} уже утверждён или не подлежит этому.")
    await journal.record(
        connection,
        f"protocol:{protocol[0]}",
        "outcome.annulled",
        f"sitting:{sitting_id}",
        {"protocol": protocol[1]},
        at,
    )


async def record_receipt(
    connection: AsyncConnection, sitting_id: SittingId, register_number: str | None, receipt: str
) -> None:
    """Keep the register's signed answer."""
    await execute(
        connection,
        "UPDATE exam_server.outcome SET register_number = :number, receipt = :receipt WHERE sitting_id = :id",
        id=sitting_id,
        number=register_number,
        receipt=receipt,
    )


async def load_outcome(connection: AsyncConnection, sitting_id: SittingId) -> Outcome | None:
    row = await fetch_one(connection, f"{_OUTCOME} WHERE sitting_id = :id", id=sitting_id)
    return None if row is None else _outcome(row)


async def load_outcomes(connection: AsyncConnection, sittings: Sequence[SittingId]) -> dict[SittingId, Outcome]:
    """The outcomes of those sittings that have one."""
    rows = await fetch_all(connection, f"{_OUTCOME} WHERE sitting_id = ANY(CAST(:ids AS bigint[]))", ids=list(sittings))
    return {SittingId(row["sitting_id"]): _outcome(row) for row in rows}


class Conclusion:
    """Concludes sittings as they end, and sweeps up those that were missed."""

    def __init__(self, database: Database, clock: Clock, retake_days: int) -> None:
        self._database = database
        self._clock = clock
        self._retake_days = retake_days
        self._swept_at: Moment | None = None

    async def conclude(self, sitting_id: SittingId) -> bool:
        """One sitting, in a transaction of its own."""
        async with self._database.transaction() as connection:
            return await conclude(connection, sitting_id, self._retake_days, self._clock.now())

    async def sweep(self, limit: int = 100) -> int:
        """Conclude whatever ended without an outcome, and count what was admitted late and is not counted yet.

        One that fails does not hold the others.
        """
        return await self._sweep_admitted() + await self._sweep_ended(limit)

    async def _sweep_admitted(self) -> int:
        now = self._clock.now()
        if self._swept_at is not None and now - self._swept_at < ADMITTED_EVERY:
            return 0
        self._swept_at = now
        async with self._database.transaction() as connection:
            waiting = await store.stale(connection)
        done = 0
        for sitting_id in waiting:
            try:
                async with self._database.transaction() as connection:
                    done += await mark_again(connection, sitting_id, now)
            except Exception as error:  # it stays stale and is tried again
                _log.error("conclusion.failed", sitting=sitting_id, error=repr(error))
        return done

    async def _sweep_ended(self, limit: int) -> int:
        done, last = 0, SittingId(0)
        while True:
            async with self._database.transaction() as connection:
                waiting = await store.unconcluded(connection, last, limit)
            for sitting_id in waiting:
                try:
                    done += await self.conclude(sitting_id)
                except Exception as error:  # the sitting stays a work item and is tried again
                    _log.error("conclusion.failed", sitting=sitting_id, error=repr(error))
            if len(waiting) < limit:
                return done
            last = waiting[-1]


_OUTCOME = """SELECT sitting_id, candidate, state, passed, flagged, concluded_at, confirmed_at, protocol_id,
                     retake_on, register_number, receipt FROM exam_server.outcome"""


async def _insert(
    connection: AsyncConnection,
    sitting: Sitting,
    version: int,
    state: OutcomeState,
    passed: bool | None,
    flagged: bool,
    retake_on: date | None,
    at: Moment,
) -> None:
    await execute(
        connection,
        """INSERT INTO exam_server.outcome
               (sitting_id, candidate, state, passed, flagged, concluded_at, retake_on, marked_version)
           VALUES (:id, :candidate, :state, :passed, :flagged, :at, :retake_on, :version)""",
        id=sitting.id,
        version=version,
        candidate=sitting.candidate,
        state=state,
        passed=passed,
        flagged=flagged,
        at=at,
        retake_on=retake_on,
    )
    await execute(connection, "UPDATE exam_server.sitting SET concluded_at = :at WHERE id = :id", id=sitting.id, at=at)


async def _state_fact(
    connection: AsyncConnection, sitting_id: SittingId, protocol: tuple[ProtocolId, str] | None, at: Moment
) -> OutcomeFact:
    card = await store.load_card(connection, sitting_id)
    blueprint = await load_blueprint(connection, card.blueprint, card.blueprint_version)
    who = await person(connection, card.candidate)
    outcome = await load_outcome(connection, sitting_id)
    assert outcome is not None
    assert who is not None
    return OutcomeFact(
        sitting=sitting_id,
        candidate=card.candidate,
        name=who.name,
        blueprint=blueprint.id,
        speciality=blueprint.speciality,
        speciality_title=blueprint.speciality_title,
        accreditation=blueprint.accreditation,
        passed=bool(outcome.passed),
        decided_on=today_in(at, who.zone),
        basis="автоматическое подтверждение" if protocol is None else f"протокол № {protocol[1]}",
    )


def _outcome(row: RowMapping) -> Outcome:
    protocol = row["protocol_id"]
    return Outcome(
        SittingId(row["sitting_id"]),
        PersonId(row["candidate"]),
        row["state"],
        row["passed"],
        row["flagged"],
        row["concluded_at"],
        row["confirmed_at"],
        None if protocol is None else ProtocolId(protocol),
        row["retake_on"],
        row["register_number"],
        row["receipt"],
    )
