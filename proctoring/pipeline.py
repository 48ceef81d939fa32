"""From a frame that arrived to an incident that is stored, shown and provable.

Everything here runs on the event loop except the looking itself: `offer` puts a frame into its sitting's only
slot (newest wins), a worker thread takes it and looks, and the reading comes back to the loop to be folded.
One sitting has at most one frame in work, so its readings keep their order. Nothing waits for the database.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs
from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError, Conflict, Invalid
from core.ids import SittingId
from core.live import Live, channel_of
from core.moments import SECOND, Moment
from proctoring import evidence, frames, incidents, news, signals, store
from proctoring.detectors import identity
from proctoring.evidence import Role, Still
from proctoring.incidents import STANDARD, Change, GapChange, IncidentChange, Policy
from proctoring.inspection import Inspector
from proctoring.models import Models
from proctoring.recording import Recorder, stop
from proctoring.signals import Kind, Reading, Watched
from proctoring.store import Progress, Reference
from proctoring.turns import Turns
from proctoring.watching import Counters, Frame, Showing, Watch
from proctoring.workers import Workers

TICK_SECONDS: Final = 1.0
STOP_SECONDS: Final = 10.0
PROGRESS_EVERY: Final = 10 * SECOND

_log = structlog.get_logger(__name__)


class Pipeline:
    """The cameras of one process. `workers`: threads that look at frames, one core each."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        live: Live,
        clock: Clock,
        models: Models,
        workers: int = 2,
        policy: Policy = STANDARD,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._policy = policy
        self._live = live
        self._recorder = Recorder(database)
        self._workers = Workers(models, workers)
        self._watches: dict[SittingId, Watch] = {}
        self._turns = Turns()
        self._slots = threading.Lock()
        self._loops: list[asyncio.Task[None]] = []
        self._progress_at: Moment = 0

    async def start(self) -> None:
        """Load the detectors and begin. Raises what kept them from loading."""
        try:
            await self._workers.start()
        except BaseException:
            await self._workers.stop()
            raise
        self._loops = [
            asyncio.create_task(self._recorder.run(), name="proctoring-recorder"),
            asyncio.create_task(self._tick(), name="proctoring-clock"),
        ]

    async def stop(self) -> None:
        """End, with everything decided so far stored, or given up where that takes longer than ten seconds.

        Sittings stay open: whoever opens them next goes on.
        """
        await self._workers.stop()
        await asyncio.sleep(0)  # readings that the threads have handed over are folded first
        self._record_progress()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._recorder.flush_stills()
        except TimeoutError:
            _log.error("proctoring_writes_lost")
        for task in self._loops:
            await stop(task)
        self._loops = []
        self._watches.clear()

    async def open(
        self,
        sitting: SittingId,
        reference_embedding: bytes | None = None,
        refused: Callable[[AccreditationError], None] | None = None,
    ) -> None:
        """Begin to watch a sitting, or go on after a lost connection or a crash; what those left is settled.

        `reference_embedding`: 512 bytes of `Reference.embedding`, None where nobody's face is compared; `refused` is
        called on the event loop with frame_broken for a frame that turned out unreadable after `offer` took it.
        Opening a sitting that is open replaces both. Raises Unavailable, Invalid reference_broken.
        """
        embedding = None
        if reference_embedding is not None:
            try:
                embedding = identity.unpack(reference_embedding)
            except ValueError as error:
                raise Invalid("reference_broken", "Контрольный снимок не читается. Сделайте его ещё раз.") from error
        async with self._turns.of(sitting):
            if (watch := self._watches.get(sitting)) is not None:
                watch.refused = refused
                if embedding is not None:
                    watch.refer(embedding)
                return
            now = self._clock.now()
            async with self._database.transaction() as connection:
                number = await store.open_watch(connection, sitting, self._policy.version, now)
            self._watches[sitting] = Watch(number, sitting, incidents.begin(now), embedding, refused)

    def offer(self, sitting: SittingId, jpeg: bytes, received_at: Moment) -> None:
        """Take a frame, instead of one that still waits. Returns at once.

        Raises AccreditationError frame_not_jpeg, frame_too_large, frame_bad_size, frame_broken, each of them
        counted, and Conflict camera_not_open.
        """
        watch = self._watch(sitting)
        watch.received += 1
        try:
            size = frames.check(jpeg)
        except AccreditationError:
            watch.broken += 1
            raise
        with self._slots:
            if watch.slot is not None:
                watch.dropped += 1
            watch.slot = Frame(jpeg, size, received_at)
        if not watch.in_work:
            self._look_at(watch)

    def report_window(self, sitting: SittingId, kind: Kind | str, at: Moment, over: bool = False) -> None:
        """The page's word on its window: tab_hidden, blur, fullscreen_left, paste; `over` when the first three end.

        What is never reported over lasts until the sitting is closed. Raises Invalid window_kind_unknown and
        Conflict camera_not_open.
        """
        watch = self._watch(sitting)
        if kind not in signals.WINDOW_KINDS:
            raise Invalid("window_kind_unknown", "Неизвестное событие окна. Обновите страницу экзамена.")
        watch.state, changes = incidents.fold(self._policy, watch.state, signals.report(Kind(kind), at, over))
        self._apply(watch, changes)

    def latest(self, sitting: SittingId) -> tuple[bytes, Moment] | None:
        """The newest frame that was looked at, for the proctor's wall: JPEG as received, and when."""
        watch = self._watches.get(sitting)
        still = None if watch is None else watch.ring.newest
        return None if still is None else (still.jpeg, still.at)

    def watching(self) -> tuple[SittingId, ...]:
        """Sittings that are open here."""
        return tuple(self._watches)

    def coverage(self, sitting: SittingId) -> Counters | None:
        """Counters of this stretch of watching, None where the sitting is not open here."""
        watch = self._watches.get(sitting)
        return None if watch is None else watch.counters

    async def embed(self, jpeg: bytes) -> Reference:
        """The reference picture's embedding and quality. Raises as `Inspector.refer`."""
        return await self._workers.ask(lambda inspector: inspector.refer(jpeg))

    async def settle(self, sitting: SittingId) -> None:
        """Wait until every frame offered so far has been looked at and everything about it is stored and told."""
        watch = self._watches.get(sitting)
        if watch is not None:
            await watch.rest()
        await self._recorder.flush_stills()

    async def close(self, sitting: SittingId, at: Moment) -> None:
        """End watching: the last frame is looked at, open incidents close, and on return all is stored but stills,
        which may follow."""
        async with self._turns.of(sitting):
            watch = self._watches.get(sitting)
            if watch is None:
                return
            watch.closing = True
            await watch.rest()
            watch.state, changes = incidents.finish(self._policy, watch.state, at)
            self._apply(watch, changes)
            self._record_progress([watch])
            number, closed_at = watch.number, watch.state.at

            async def work(connection: AsyncConnection) -> None:
                await store.close_watch(connection, number, closed_at)

            self._recorder.submit(work)
            self._tell(watch, news.COVERAGE)
            del self._watches[sitting]
            await self._recorder.flush()

    def advance(self) -> None:
        """Let time pass up to the clock's now, for every sitting: done once a second while started."""
        now = self._clock.now()
        for watch in self._watches.values():
            watch.state, changes = incidents.advance(self._policy, watch.state, now)
            self._apply(watch, changes)
        if now - self._progress_at >= PROGRESS_EVERY:
            self._progress_at = now
            self._record_progress()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                self.advance()
            except Exception:
                _log.exception("proctoring_clock_failed")

    # ---- frames

    def _watch(self, sitting: SittingId) -> Watch:
        watch = self._watches.get(sitting)
        if watch is None or watch.closing:
            raise Conflict("camera_not_open", "Наблюдение не начато. Обновите страницу экзамена.")
        return watch

    def _look_at(self, watch: Watch) -> None:
        watch.in_work = True
        self._workers.give(partial(self._look, asyncio.get_running_loop(), watch))

    def _look(self, loop: asyncio.AbstractEventLoop, watch: Watch, inspector: Inspector) -> None:
        """On a worker thread; the only place that reads the slot and the watched faces while in work."""
        with self._slots:
            frame, watch.slot = watch.slot, None
            reference, watched = watch.reference, watch.watched
        result: tuple[Reading, Watched] | AccreditationError
        try:
            if frame is None:
                raise RuntimeError("a watch without a frame was given to a worker")
            result = inspector.inspect(frame.jpeg, frame.size, frame.at, reference, watched)
        except AccreditationError as error:
            result = error
        except Exception:
            # A frame that breaks a detector must not stop the camera; it counts as one that was not seen.
            _log.exception("frame_not_inspected", sitting=watch.sitting)
            result = Invalid("frame_broken", "Кадр не удалось обработать. Следующий кадр будет принят.")
        loop.call_soon_threadsafe(self._seen, watch, frame, reference, result)

    def _seen(
        self,
        watch: Watch,
        frame: Frame | None,
        reference: identity.Embedding | None,
        result: tuple[Reading, Watched] | AccreditationError,
    ) -> None:
        watch.in_work = False
        try:
            if frame is None or isinstance(result, AccreditationError):
                watch.broken += 1
                if watch.refused is not None and isinstance(result, AccreditationError):
                    watch.refused(result)
            else:
                reading, watched = result
                if reference is watch.reference:
                    watch.watched = watched
                else:  # replaced meanwhile: the comparison means nothing
                    reading = msgspec.structs.replace(reading, identity=None)
                self._read(watch, frame, reading)
        finally:
            if watch.slot is not None:
                self._look_at(watch)
            else:
                watch.wake()

    def _read(self, watch: Watch, frame: Frame, reading: Reading) -> None:
        watch.ring.add(Still(frame.at, frame.jpeg))
        watch.state, changes = incidents.fold(self._policy, watch.state, signals.observe(reading))
        self._apply(watch, changes)
        watch.note_seen()
        self._tell(watch, news.of_frame(reading))
        for showing in watch.due(watch.state.at):
            self._keep(watch, showing, {Role.AFTER: Still(frame.at, frame.jpeg)})

    # ---- what follows from a change

    def _apply(self, watch: Watch, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, GapChange):
                self._record_gap(watch, change)
            else:
                self._record_incident(watch, change)

    def _record_incident(self, watch: Watch, change: IncidentChange) -> None:
        sitting, version = watch.sitting, self._policy.version
        holds = self._policy.rules[change.kind].holds

        async def work(connection: AsyncConnection) -> None:
            await store.record_incident(connection, sitting, change, holds, version)

        self._recorder.submit(work, partial(self._tell, watch, news.INCIDENT))
        if change.step == "opened":
            showing = watch.show(change.kind, change.began_at, watch.state.at + evidence.AFTER)
            self._keep(watch, showing, evidence.pick(watch.ring.stills, change.began_at))
        elif change.step == "closed":
            showing_left = watch.conceal(change.kind, change.began_at)
            newest = watch.ring.newest
            if showing_left is not None and newest is not None and newest.at > showing_left.newest_at:
                self._keep(watch, showing_left, {Role.AFTER: newest})

    def _record_gap(self, watch: Watch, change: GapChange) -> None:
        if change.step == "opened":
            # Frames that come in a burst at its end would tell another story.
            watch.gap_reason = watch.why_unseen
        reason = watch.gap_reason
        sitting = watch.sitting

        async def work(connection: AsyncConnection) -> None:
            await store.record_gap(connection, sitting, change, reason)

        self._recorder.submit(work, partial(self._tell, watch, news.COVERAGE))

    def _keep(self, watch: Watch, showing: Showing, stills: dict[Role, Still]) -> None:
        sitting, blobs = watch.sitting, self._blobs
        for role, still in stills.items():
            showing.newest_at = max(showing.newest_at, still.at)

            async def work(
                connection: AsyncConnection, role: Role = role, still: Still = still, showing: Showing = showing
            ) -> None:
                incident = await store.incident_of(connection, sitting, showing.kind, showing.began_at)
                await evidence.seal(connection, blobs, sitting, incident, role, still)

            # A still in the ring is the same bytes; only those that outlive it cost memory, and they are bounded.
            if not self._recorder.submit_still(work, len(still.jpeg)):
                _log.warning("evidence_left_out", sitting=sitting, role=role)

    # ---- counters and news

    def _record_progress(self, watches: list[Watch] | None = None) -> None:
        progress = [
            Progress(watch.number, watch.state.frame_at, watch.received, watch.processed, watch.dropped, watch.broken)
            for watch in (self._watches.values() if watches is None else watches)
        ]
        if not progress:
            return

        async def work(connection: AsyncConnection) -> None:
            await store.record_progress(connection, progress)

        self._recorder.submit(work)

    def _tell(self, watch: Watch, message: bytes) -> None:
        self._live.publish(channel_of(watch.sitting), message)
