"""What a proctor can do to a sitting: give time back, end it. Every act has a written reason."""

from core import journal
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Invalid
from core.ids import PersonId, SittingId
from core.moments import HOUR, MINUTE, Moment, Span
from exam_server import store, wire
from exam_server.commands import Extend, Stop
from exam_server.conduct import Conduct

MOST_EXTRA: Span = 4 * HOUR
SHORTEST_REASON, LONGEST_REASON = 3, 2_000


class Invigilation:
    """Staff commands to sittings, wherever they are held: the log decides."""

    def __init__(self, database: Database, clock: Clock, conduct: Conduct) -> None:
        self._database = database
        self._clock = clock
        self._conduct = conduct

    async def give_time(self, sitting: SittingId, by: PersonId, minutes: int, reason: str) -> None:
        """Add minutes to the exam and to the item on screen; the page's countdown follows at once."""
        span = minutes * MINUTE
        if not 0 < span <= MOST_EXTRA:
            raise Invalid("bad_span", "Добавить можно от 1 до 240 минут.", fields={"minutes": "От 1 до 240."})
        note = await self._write(sitting, by, "extend", reason)
        ruling = await self._conduct.order(sitting, Extend(span, by, note))
        self._insist(ruling.refusal)
        await self._note_act(sitting, by, "sitting.extended", {"minutes": str(minutes)})

    async def end(self, sitting: SittingId, by: PersonId, reason: str) -> None:
        """End a sitting; what was answered so far is marked."""
        note = await self._write(sitting, by, "stop", reason)
        ruling = await self._conduct.order(sitting, Stop(by, note))
        self._insist(ruling.refusal)
        await self._note_act(sitting, by, "sitting.stopped", {})

    async def _write(self, sitting: SittingId, by: PersonId, kind: str, reason: str) -> int:
        reason = reason.strip()
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise Invalid(
                "reason_missing",
                "Напишите причину: её прочитает комиссия.",
                fields={"reason": "Не короче 3 знаков."},
            )
        async with self._database.transaction() as connection:
            await store.load_card(connection, sitting)
            return await store.write_note(connection, sitting, by, kind, reason, self._clock.now())

    async def _note_act(self, sitting: SittingId, by: PersonId, action: str, fields: dict[str, str]) -> None:
        at: Moment = self._clock.now()
        async with self._database.transaction() as connection:
            await journal.record(connection, f"person:{by}", action, f"sitting:{sitting}", fields, at)

    @staticmethod
    def _insist(refusal: str | None) -> None:
        if refusal is not None:
            raise Conflict(refusal, wire.SENTENCES[refusal])
