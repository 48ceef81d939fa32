"""What a proctor can do to a sitting. The log decides; every act is journalled, and what needs a reason has it written.

Reasons of a pause and of an end are shown to the candidate too, as messages and warnings are.
"""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.clock import Clock
from core.database import Database, execute
from core.errors import Conflict, Invalid
from core.ids import PersonId, SittingId
from core.moments import HOUR, MINUTE, Moment, Span
from exam_server import interventions, store, wire
from exam_server.commands import (
    AnswerHelp,
    Extend,
    MoveClose,
    Pause,
    Resume,
    SetAllowance,
    StaffCommand,
    Stop,
    Tell,
)
from exam_server.conduct import Conduct
from exam_server.connectivity import Connectivity, Place, proposed_minutes, trace
from exam_server.events import Allowance, NoticeKind

MOST_EXTRA: Span = 4 * HOUR
SHORTEST_REASON, LONGEST_REASON = 3, 2_000
LONGEST_MESSAGE = 1_000
"""Characters of a message or a warning: the candidate reads it in the middle of an exam."""
LONGEST_SHOWN = 1_000
"""Characters of a reason that the candidate is shown."""

SENTENCES: dict[str, str] = {
    **wire.SENTENCES,
    "paused": "Тестирование уже приостановлено.",
    "on_break": "У кандидата перерыв: часы и так стоят. Дождитесь, пока он вернётся.",
    "ended": "Тестирование уже завершено.",
}
"""Why the engine did not take an act, as staff are told."""

ActKind = Literal["extend", "outage", "pause", "allowance", "close", "stop"]


class Invigilation:
    """Staff commands to sittings, wherever they are held: the log decides.

    Every act raises NotFound for an unknown sitting, Invalid for what was typed, and Conflict, with the engine's code
    and sentence, where the sitting does not allow it. Nothing is kept of an act that was refused.
    """

    def __init__(self, database: Database, clock: Clock, conduct: Conduct) -> None:
        self._database = database
        self._clock = clock
        self._conduct = conduct

    # --- time ---------------------------------------------------------------------------------------------

    async def give_time(self, sitting: SittingId, by: PersonId, minutes: int, reason: str) -> None:
        """Add minutes to the exam and to the item on screen; the page's countdown follows at once."""
        span = minutes * MINUTE
        if not 0 < span <= MOST_EXTRA:
            raise Invalid("bad_span", "Добавить можно от 1 до 240 минут.", fields={"minutes": "От 1 до 240."})
        note = await self._write(sitting, by, "extend", reason)
        await self._carry_out(sitting, Extend(span, by, note), note)
        await self._note_act(sitting, by, "sitting.extended", {"minutes": str(minutes)})

    async def make_good(self, sitting: SittingId, by: PersonId, minutes: int, reason: str) -> None:
        """Give back what a loss of the candidate's own connection cost: at most what the record proves since last."""
        async with self._database.transaction() as connection:
            # Held until it is in the log: two proctors must not give the same outage back.
            await execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('outage', :id))", id=sitting)
            record = await self._trace(connection, sitting)
            most = proposed_minutes(record)
            if most == 0:
                raise Conflict("no_outage", "Связь не терялась, или потерянное время уже возвращено.")
            if not 0 < minutes <= most:
                raise Invalid(
                    "bad_span",
                    "Столько времени записи о связи не подтверждают.",
                    fields={"minutes": "Не больше, чем показывают записи."},
                )
            note = await self._write(sitting, by, "outage", reason)
            await self._carry_out(sitting, Extend(minutes * MINUTE, by, note, "outage"), note)
        fields = {"minutes": str(minutes), "lost_ms": str(record.owed), "breaks": str(record.owed_breaks)}
        await self._note_act(sitting, by, "sitting.outage_made_good", fields)

    async def _trace(self, connection: AsyncConnection, sitting: SittingId) -> Connectivity:
        events = await store.load_events(connection, sitting)
        rows = await store.load_connections(connection, sitting)
        return trace(events, {row["epoch"]: Place(row["address"], row["device"]) for row in rows}, self._clock.now())

    async def set_allowance(
        self, sitting: SittingId, by: PersonId, percent: int, minutes: int, breaks: int, reason: str
    ) -> None:
        """Replace what the candidate is given beside the usual limits; the running countdown follows at once."""
        fields = {}
        if not 100 <= percent <= interventions.MOST_PERCENT:
            fields["percent"] = "От 100 до 400."
        if not 0 <= minutes * MINUTE <= interventions.MOST_EXTRA:
            fields["extra"] = "От 0 до 360."
        if not 0 <= breaks <= interventions.MOST_BREAKS:
            fields["breaks"] = "От 0 до 20."
        if fields:
            raise Invalid("bad_allowance", SENTENCES["bad_allowance"], fields=fields)
        note = await self._write(sitting, by, "allowance", reason)
        allowance = Allowance(percent, minutes * MINUTE, breaks)
        await self._carry_out(sitting, SetAllowance(allowance, by, note), note)
        told = {"percent": str(percent), "minutes": str(minutes), "breaks": str(breaks)}
        await self._note_act(sitting, by, "sitting.allowance_set", told)

    async def move_close(self, sitting: SittingId, by: PersonId, closes_at: Moment, reason: str) -> None:
        """Let the window close at another moment for this candidate alone."""
        note = await self._write(sitting, by, "close", reason)
        await self._carry_out(sitting, MoveClose(closes_at, by, note), note)
        await self._note_act(sitting, by, "sitting.close_moved", {"closes_at": str(closes_at)})

    async def pause(self, sitting: SittingId, by: PersonId, reason: str) -> None:
        """Stop the clocks and take the item off the screen; the candidate reads the reason."""
        note = await self._write(sitting, by, "pause", reason, LONGEST_SHOWN)
        await self._carry_out(sitting, Pause(by, note), note)
        await self._note_act(sitting, by, "sitting.paused", {})

    async def resume(self, sitting: SittingId, by: PersonId) -> None:
        """Let the clocks run on; the time of the pause is given back."""
        await self._know(sitting)
        await self._carry_out(sitting, Resume(by))
        await self._note_act(sitting, by, "sitting.resumed", {})

    async def end(self, sitting: SittingId, by: PersonId, reason: str) -> None:
        """End a sitting; what was answered so far is marked, and the candidate reads the reason."""
        note = await self._write(sitting, by, "stop", reason, LONGEST_SHOWN)
        await self._carry_out(sitting, Stop(by, note), note)
        await self._note_act(sitting, by, "sitting.stopped", {})

    # --- words --------------------------------------------------------------------------------------------

    async def tell(self, sitting: SittingId, by: PersonId, kind: NoticeKind, text: str) -> None:
        """Show the candidate a message or a warning, until they confirm having read it."""
        text = text.strip()
        if not 1 <= len(text) <= LONGEST_MESSAGE:
            raise Invalid(
                "message_unfit",
                "Сообщение не отправлено.",
                fields={"text": "Напишите от 1 до 1000 знаков."},
            )
        note = await self._keep(sitting, by, kind, text)
        await self._carry_out(sitting, Tell(kind, by, note), note)
        await self._note_act(sitting, by, "sitting.told", {"kind": kind})

    async def answer_help(self, sitting: SittingId, by: PersonId) -> None:
        """Take a call for help up. Somebody else may have done so already: then nothing happens."""
        await self._know(sitting)
        if await self._carry_out(sitting, AnswerHelp(by)):
            await self._note_act(sitting, by, "sitting.help_answered", {})

    # --- what all of them do ------------------------------------------------------------------------------

    async def _know(self, sitting: SittingId) -> None:
        async with self._database.transaction() as connection:
            await store.load_card(connection, sitting)

    async def _write(
        self, sitting: SittingId, by: PersonId, kind: ActKind, reason: str, longest: int = LONGEST_REASON
    ) -> int:
        reason = reason.strip()
        if not SHORTEST_REASON <= len(reason) <= longest:
            raise Invalid(
                "reason_missing",
                "Напишите причину: её прочитает комиссия.",
                fields={"reason": "Не короче 3 знаков." if len(reason) < SHORTEST_REASON else "Напишите короче."},
            )
        return await self._keep(sitting, by, kind, reason)

    async def _keep(self, sitting: SittingId, by: PersonId, kind: ActKind | NoticeKind, text: str) -> int:
        async with self._database.transaction() as connection:
            await store.load_card(connection, sitting)
            return await store.write_note(connection, sitting, by, kind, text, self._clock.now())

    async def _carry_out(self, sitting: SittingId, command: StaffCommand, note: int | None = None) -> bool:
        """Order it; True when anything happened. What was written for a refused act is dropped: no event names it."""
        ruling = await self._conduct.order(sitting, command)
        if ruling.refusal is None:
            return bool(ruling.events)
        if note is not None:
            async with self._database.transaction() as connection:
                await store.drop_note(connection, note)
        raise Conflict(ruling.refusal, SENTENCES[ruling.refusal])

    async def _note_act(self, sitting: SittingId, by: PersonId, action: str, fields: dict[str, str]) -> None:
        async with self._database.transaction() as connection:
            await journal.record(connection, f"person:{by}", action, f"sitting:{sitting}", fields, self._clock.now())
