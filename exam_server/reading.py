"""A sitting as the database has it: its log folded, and what its page is to be shown."""

import asyncio

import structlog
from msgspec import Struct

from core.ids import PersonId, SittingId
from exam_server.announcements import Copies, Texts, quoted
from exam_server.chain import Row, follow_chain
from exam_server.held import Held
from exam_server.sharing import Shared
from exam_server.sitting import Sitting
from exam_server.source import Source
from exam_server.store import unknown_sitting
from exam_server.turns import fold_in_turns

RETRY_FIRST, RETRY_MOST = 0.05, 1.0
"""Between tries to read what has to be read, s."""

_log = structlog.get_logger()


class Reading(Struct, eq=False):
    """`rows`: the whole log, oldest first. `texts`: what the page quotes and the reader did not know yet."""

    state: Sitting
    rows: list[Row]
    copies: Copies
    texts: Texts


class Reader:
    """Reads the sittings of one process; their forms share what they have in common."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._shared = Shared()

    async def read(self, sitting_id: SittingId, known: Texts, candidate: PersonId | None = None) -> Reading:
        """Raises NotFound, where it is not this candidate's too, chain.BrokenChain, and what the source raises."""
        rows = await self._source.rows(sitting_id, candidate)
        if not rows:
            raise unknown_sitting()
        state = self._shared.of(await fold_in_turns(sitting_id, follow_chain(sitting_id, rows)))
        if candidate is not None and state.candidate != candidate:
            raise unknown_sitting()
        copies = await self._source.copies((entry.item, entry.version) for entry in state.form.entries)
        missing = [note for note in quoted(state) if note not in known]
        return Reading(state, rows, copies, await self._source.texts(missing) if missing else {})

    async def refresh(self, held: Held) -> list[Row]:
        """Take over what the log says now, however often that has to be tried; the whole log."""
        pause = RETRY_FIRST
        while True:
            try:
                read = await self.read(held.id, held.texts)
                break
            except Exception as error:  # whatever it is, the commands wait and the next try may do
                _log.warning("reading.waits", sitting=held.id, error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MOST)
        held.reset(read.state, read.rows[-1].version, read.rows[-1].digest)
        held.copies = read.copies  # the form may be another one
        held.texts = {**held.texts, **read.texts}
        return read.rows
