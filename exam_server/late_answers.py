"""Answers that came after their time: evidence, until the commission admits one with a written reason."""

from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access.roles import Permission, Principal
from core.clock import Clock
from core.database import Database, fetch_one
from core.errors import Conflict, Forbidden, Invalid
from core.ids import SittingId
from exam_server import store, wire
from exam_server.commands import AdmitLate
from exam_server.conclusion import mark_again
from exam_server.conduct import Conduct

SHORTEST_REASON, LONGEST_REASON = 10, 2_000


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
