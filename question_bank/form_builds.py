"""Searches for parallel forms beside everything else: begun, followed, stopped, their result kept."""

import asyncio
import threading
from collections.abc import Callable

import structlog

from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError, Conflict
from core.ids import BlueprintId, PersonId
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.fixed_form_store import begin_build, end_build, keep_built, tell_progress
from question_bank.fixed_forms import Built, Order, Progress
from question_bank.form_model import SOLVER
from question_bank.form_report import compare_forms
from question_bank.parallel_forms import build_forms
from question_bank.pool import Pool
from question_bank.pool_store import load_pool, save_snapshot

TELL_EVERY = 0.5
"""Seconds between two looks at how far a search is, and at whether it is to stop."""
MOST_AT_ONCE = 2
"""Searches of one process: each takes a core."""

_log = structlog.get_logger()


class FormBuilds:
    """The searches of one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._ending = threading.Event()

    async def begin(
        self, blueprint_id: BlueprintId, order: Order, who: PersonId | None, version: int | None = None
    ) -> int:
        """Begin a search and return its number.

        Raises NotFound, Invalid (`order_invalid`), Conflict (`builds_busy`).
        """
        if len(self._running) >= MOST_AT_ONCE:
            raise Conflict("builds_busy", "Уже идёт подбор других наборов. Дождитесь его конца или остановите его.")
        number, blueprint, pool = await self._prepare(blueprint_id, order, who, version)
        task = asyncio.create_task(self._see_through(number, blueprint, pool, order), name=f"build-{number}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return number

    async def run(
        self,
        blueprint_id: BlueprintId,
        order: Order,
        who: PersonId | None,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> int:
        """A whole search; returns its number. Raises as `begin` and as parallel_forms.build_forms."""
        number, blueprint, pool = await self._prepare(blueprint_id, order, who, None)
        await self._search(number, blueprint, pool, order, tell)
        return number

    async def close(self) -> None:
        """Stop what runs."""
        self._ending.set()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _prepare(
        self, blueprint_id: BlueprintId, order: Order, who: PersonId | None, version: int | None
    ) -> tuple[int, Blueprint, Pool]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            blueprint = await load_blueprint(connection, blueprint_id, version)
            order.validate(blueprint)
            pool = await load_pool(connection, blueprint)
            snapshot = await save_snapshot(connection, pool, now)
            number = await begin_build(connection, blueprint.id, blueprint.version, order, snapshot, who, now)
        return number, blueprint, pool

    async def _see_through(self, number: int, blueprint: Blueprint, pool: Pool, order: Order) -> None:
        try:
            await self._search(number, blueprint, pool, order, lambda _: None)
        except AccreditationError:
            pass  # stands in the row of the search
        except Exception:
            _log.exception("build.failed", build=number)

    async def _search(
        self, number: int, blueprint: Blueprint, pool: Pool, order: Order, tell: Callable[[Progress], None]
    ) -> None:
        stop, latest = threading.Event(), [Progress(0.0, None)]

        def hear(progress: Progress) -> None:
            latest[0] = progress
            tell(progress)

        def is_cancelled() -> bool:
            return stop.is_set() or self._ending.is_set()

        work = asyncio.create_task(
            asyncio.to_thread(build_forms, blueprint, pool, order, tell=hear, is_cancelled=is_cancelled)
        )
        try:
            while not (await asyncio.wait([work], timeout=TELL_EVERY))[0]:
                async with self._database.transaction() as connection:
                    if await tell_progress(connection, number, latest[0], self._clock.now()):
                        stop.set()
            built = await work
        except BaseException as error:
            stop.set()
            await self._fail(number, error)
            raise
        await self._keep(number, built, pool)

    async def _keep(self, number: int, built: Built, pool: Pool) -> None:
        figures = await asyncio.to_thread(compare_forms, pool, built.forms)
        async with self._database.transaction() as connection:
            await keep_built(connection, number, built, figures, SOLVER, self._clock.now())

    async def _fail(self, number: int, error: BaseException) -> None:
        cancelled = isinstance(error, asyncio.CancelledError) or getattr(error, "code", "") == "build_cancelled"
        message = error.message if isinstance(error, AccreditationError) else "Подбор прерван ошибкой программы."
        async with self._database.transaction() as connection:
            await end_build(connection, number, "cancelled" if cancelled else "failed", message, self._clock.now())
