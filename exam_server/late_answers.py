"""Answers that came after their time: evidence, until the commission admits one with a written reason."""

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access.roles import Permission, Principal
from core.clock import Clock
from core.database import Database, execute, fetch_one
from core.errors import Conflict, Forbidden, Invalid
from core.ids import SittingId
from core.moments import Moment
from exam_server import store, wire
from exam_server.commands import AdmitLate
from exam_server.conduct import Conduct
from exam_server.reckoning import reckon
from scoring import store as results

SHORTEST_REASON, LONGEST_REASON = 10, 2_000


async def mark_again(connection: AsyncConnection, sitting_id: SittingId, now: Moment) -> bool:
    """Work a preliminary outcome out anew from what the log says now; False when it counts nothing new.

    In the caller's transaction, which holds the outcome from here on. What the result was before is kept.
    """
    row = await fetch_one(
        connection,
        "SELECT state, passed, retake_on, marked_version FROM exam_server.outcome WHERE sitting_id = :id FOR UPDATE",
        id=sitting_id,
    )
    version = await store.newest_version(connection, sitting_id)
    if row is None or row["state"] != "preliminary" or row["marked_version"] >= version:
        return False
    sitting = await store.load_sitting(connection, sitting_id)
    result, _ = await reckon(connection, sitting, 0, now)
    passed = result.decision.passed
    result = replace(result, retake_on=None if passed else row["retake_on"])  # the date stands since the conclusion
    changed = await results.replace_result(connection, result, "late_admitted", now)
    await execute(
        connection,
        "UPDATE exam_server.outcome SET passed = :passed, marked_version = :version WHERE sitting_id = :id",
        id=sitting_id,
        passed=passed,
        version=version,
    )
    if changed:
        fields = {"passed": str(passed).lower(), "passed_before": str(row["passed"]).lower()}
        await journal.record(connection, "system", "outcome.recomputed", f"sitting:{sitting_id}", fields, now)
    return changed


async def mark_stale_again(connection: AsyncConnection, sittings: Sequence[SittingId], now: Moment) -> None:
    """The same for those of the sittings where a late answer was admitted and not counted yet: a crash lay between."""
    for sitting_id in await store.stale(connection, sittings):
        await mark_again(connection, sitting_id, now)


class LateAnswers:
    """What the commission does with them, while the outcome is preliminary and not a moment longer."""

    def __init__(self, database: Database, clock: Clock, conduct: Conduct) -> None:
        self._database = database
        self._clock = clock
        self._conduct = conduct

    async def admit(self, sitting: SittingId, late: int, by: Principal, reason: str) -> bool:
        """Count the late answer of this number, from 0; True when the result is another one now.

        The outcome is held from before the event is written until the result is worked out from it, so that no
        protocol is signed in between. A crash in between leaves an outcome that the sweep, and every protocol before
        it is signed, finds stale. Raises NotFound, Forbidden, Invalid, and Conflict (`no_outcome_yet`,
        `already_final`, or as the engine rules).
        """
        if not by.may(Permission.REVIEW_DECIDE):
            raise Forbidden("forbidden", "Опоздавшие ответы засчитывают члены аккредитационной подкомиссии.")
        reason = reason.strip()
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise Invalid(
                "reason_missing",
                "Ответ не засчитан: нужна причина.",
                fields={"reason": "Напишите от 10 до 2000 знаков."},
            )
        note = await self._write(sitting, by, reason)
        try:
            async with self._database.transaction() as connection:
                return await self._carry_out(connection, sitting, AdmitLate(late, by.id, note))
        except Conflict:  # nothing names what was written
            async with self._database.transaction() as connection:
                await store.drop_note(connection, note)
            raise

    async def _write(self, sitting: SittingId, by: Principal, reason: str) -> int:
        async with self._database.transaction() as connection:
            if (await store.load_card(connection, sitting)).candidate == by.id:
                raise Forbidden("own_sitting", "Решать о собственном тестировании нельзя.")
            return await store.write_note(connection, sitting, by.id, "late", reason, self._clock.now())

    async def _carry_out(self, connection: AsyncConnection, sitting: SittingId, command: AdmitLate) -> bool:
        outcome = await fetch_one(
            connection, "SELECT state FROM exam_server.outcome WHERE sitting_id = :id FOR UPDATE", id=sitting
        )
        if outcome is None:
            raise Conflict("no_outcome_yet", "Результат ещё не подсчитан. Попробуйте через минуту.")
        if outcome["state"] != "preliminary":
            raise Conflict("already_final", "Результат уже утверждён или аннулирован. Изменить его может апелляция.")
        ruling = await self._conduct.order(sitting, command)
        if ruling.refusal is not None:
            raise Conflict(ruling.refusal, wire.SENTENCES[ruling.refusal])
        now = self._clock.now()
        await journal.record(
            connection,
            f"person:{command.by}",
            "sitting.late_admitted",
            f"sitting:{sitting}",
            {"late": str(command.late)},
            now,
        )
        return await mark_again(connection, sitting, now)
