"""A history for the demo: finished sittings of made-up candidates, decided by the real engine on a moved clock.

Answers follow a Rasch model (Rasch 1960): an item of expected score p is answered rightly with probability
logistic(ability + logit(p)). Times are lognormal (van der Linden 2006). Incidents come from made-up observations
folded by the real rules; there are no pictures, since there was no camera.
"""

import asyncio
import math
from collections.abc import Callable
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo.seed import FULL, QUICK
from core.access.people import create_person, find_person
from core.access.roles import Role
from core.clock import ManualClock
from core.database import Database, fetch_all, fetch_one
from core.ids import BlueprintId, ChoiceId, ItemId, PersonId, SittingId, WindowId
from core.moments import DAY, HOUR, MINUTE, SECOND, Moment, Span
from core.signatures import Signer
from exam_server import store
from exam_server.commands import Admit, Attach, Command, Detach, LockStage, Respond, Show, Start, Submit
from exam_server.conclusion import conclude
from exam_server.conduct import Conduct
from exam_server.entrance import CONSENT_VERSION
from exam_server.event_log import Log
from exam_server.preparation import enter
from exam_server.protocols import sign_protocol
from exam_server.rulings import following_item
from exam_server.scheduling import book, decide_admission, open_window
from exam_server.sitting import Sitting
from exam_server.source import Source
from proctoring import incidents, signals
from proctoring.incidents import STANDARD, IncidentChange
from proctoring.signals import CAMERA_KINDS, WINDOW_KINDS, Kind, Observation, Signal
from proctoring.store import close_watch, open_watch, record_incident
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.items import Item, Stage
from question_bank.items import Role as ChoiceRole
from question_bank.pool_store import PreparedPools
from question_bank.store import load_items

AT_ONCE = 24
STREAM = "simulated0"
RETAKE_DAYS = 30
ATTEMPTS = 3
PROCTOR, CHAIR = "proktor", "predsedatel"
SURNAMES = (
    "Абрамов",
    "Белкин",
    "Власов",
    "Громов",
    "Дёмин",
    "Ершов",
    "Жилин",
    "Зуев",
    "Ильин",
    "Котов",
    "Лыков",
    "Мохов",
)
GIVEN = ("Алексей", "Борис", "Виктор", "Глеб", "Даниил", "Егор", "Захар", "Игорь", "Кирилл", "Лев", "Марк", "Никита")
PATRONYMICS = ("Андреевич", "Борисович", "Викторович", "Денисович", "Евгеньевич", "Игоревич", "Львович", "Павлович")

_OBSERVED: tuple[tuple[Kind, float, Span], ...] = (
    (Kind.ABSENT, 0.08, 7 * SECOND),
    (Kind.SEVERAL_FACES, 0.05, 6 * SECOND),
    (Kind.DARK, 0.08, 9 * SECOND),
    (Kind.TAB_HIDDEN, 0.06, 4 * SECOND),
    (Kind.BLUR, 0.15, 3 * SECOND),
)
"""How often a sitting has an incident of a kind, and how long it lasts."""


class Simulation:
    """One run: the same seed gives the same candidates, answers and incidents."""

    def __init__(self, database: Database, log: Log, source: Source, seed: int) -> None:
        self._database = database
        self._log = log
        self._source = source
        self._seed = seed
        self._pools = PreparedPools()
        self._items: dict[tuple[ItemId, int], Item] = {}

    async def run(self, now: Moment, count: int, progress: Callable[[int], None]) -> list[SittingId]:
        """Hold `count` sittings over the sixty days before `now`: three quick exams to one full."""
        async with self._database.transaction() as connection:
            first = await _count_people(connection)
        plans = [(number, QUICK if number % 4 else FULL) for number in range(first, first + count)]
        windows: dict[tuple[BlueprintId, int], tuple[WindowId, Blueprint, Moment]] = {}
        async with self._database.transaction() as connection:
            for blueprint_id in (QUICK, FULL):
                blueprint = await load_blueprint(connection, blueprint_id)
                for week in range(8):
                    opens = now - (60 - 7 * week) * DAY
                    window = await open_window(connection, blueprint, opens, opens + 5 * DAY, count + 1, "Онлайн")
                    windows[blueprint_id, week] = (window, blueprint, opens)
        slots = asyncio.Semaphore(AT_ONCE)
        done: list[SittingId] = []

        async def hold(number: int, blueprint_id: BlueprintId) -> None:
            async with slots:
                window, blueprint, opens = windows[blueprint_id, number % 8]
                done.append(await self._hold(number, window, blueprint, opens))
                progress(len(done))

        async with asyncio.TaskGroup() as group:
            for number, blueprint_id in plans:
                group.create_task(hold(number, blueprint_id))
        return sorted(done)

    async def _hold(self, number: int, window: WindowId, blueprint: Blueprint, opens: Moment) -> SittingId:
        random = Random(f"{self._seed}:{number}")
        clock = ManualClock(opens + random.randrange(4 * DAY))
        asked_at = clock.now() - DAY
        async with self._database.transaction() as connection:
            person = await _add_person(connection, number, random, asked_at)
            await decide_admission(connection, person, blueprint.speciality, [], asked_at)
            booking = await book(connection, window, person, asked_at)
            sitting_id = await enter(
                connection,
                booking,
                person,
                pools=self._pools,
                seed=random.getrandbits(62),
                now=clock.now(),
                attempts_allowed=ATTEMPTS,
            )
            await store.record_check(connection, sitting_id, "{}", clock.now())
            await store.record_consent(connection, sitting_id, CONSENT_VERSION, False, clock.now())
            proctor = await find_person(connection, PROCTOR)
            assert proctor is not None
            await store.record_identity(connection, sitting_id, proctor.id, clock.now())
        sitting = await self._sit(Conduct(self._log, self._source, clock), clock, sitting_id, random)
        assert sitting.ended_at is not None
        async with self._database.transaction() as connection:
            await _observe(connection, sitting, random)
            await conclude(connection, sitting_id, RETAKE_DAYS, sitting.ended_at + 2 * SECOND)
        return sitting_id

    async def _sit(self, conduct: Conduct, clock: ManualClock, sitting_id: SittingId, random: Random) -> Sitting:
        """Answer everything there is time for, then submit."""
        ability, pace = random.gauss(1.2, 1.0), random.lognormvariate(0.0, 0.25)
        items = await self._read_items((await conduct.hold(sitting_id)).state)

        async def do(command: Command, after: Span) -> Sitting:
            clock.advance(after)
            await conduct.order(sitting_id, command)
            return (await conduct.hold(sitting_id)).state

        await do(Admit("person"), 20 * SECOND)
        await do(Attach(STREAM), 5 * SECOND)
        seq = 1
        sitting = await do(Start(seq), 30 * SECOND)
        while sitting.status == "running":
            if sitting.current is None:
                following = following_item(sitting)
                assert following is not None
                seq += 1
                sitting = await do(Show(seq, following), SECOND)
                continue
            position, stage_number = sitting.current, sitting.items[sitting.current].stage
            entry = sitting.form.entries[position]
            item = items[entry.item, entry.version]
            stage = item.stages[stage_number]
            limit = entry.limit / len(item.stages)
            think = int(pace * random.lognormvariate(math.log(0.42), 0.35) * limit)
            seq += 1
            value = _choose(stage, item.difficulty, ability, random)
            sitting = await do(Respond(seq, position, stage_number, value), think)
            if sitting.status != "running" or sitting.current != position:
                continue
            seq += 1
            if len(item.stages) > 1:
                sitting = await do(LockStage(seq, position, stage_number), SECOND)
                continue
            unseen = [place for place, progress in enumerate(sitting.items) if not progress.visited]
            sitting = await do(Show(seq, unseen[0]) if unseen else Submit(seq), SECOND)
        return await do(Detach(sitting.epoch), SECOND)

    async def _read_items(self, sitting: Sitting) -> dict[tuple[ItemId, int], Item]:
        missing = [
            (entry.item, entry.version)
            for entry in sitting.form.entries
            if (entry.item, entry.version) not in self._items
        ]
        if missing:
            async with self._database.transaction() as connection:
                self._items.update(await load_items(connection, missing))
        return self._items


def _choose(stage: Stage, difficulty: float, ability: float, random: Random) -> tuple[ChoiceId, ...]:
    """A response of somebody of this ability to a stage of an item of this expected score."""
    ease = ability + math.log(difficulty / (1 - difficulty))
    right = random.random() < 1 / (1 + math.exp(-ease))
    if stage.kind == "choice":
        wanted = ChoiceRole.KEY if right else ChoiceRole.DISTRACTOR
        return (random.choice([choice.id for choice in stage.choices if choice.role is wanted]),)
    chosen = [choice.id for choice in stage.choices if choice.role is ChoiceRole.REQUIRED]
    if not right:
        others = [choice.id for choice in stage.choices if choice.role is not ChoiceRole.REQUIRED]
        chosen = [*chosen[random.randrange(1, len(chosen)) :], *random.sample(others, min(1, len(others)))]
    return tuple(chosen)


async def _count_people(connection: AsyncConnection) -> int:
    """How many candidates earlier runs have made: this one goes on counting from there."""
    row = await fetch_one(connection, "SELECT count(*) AS n FROM core.person WHERE login LIKE 'istoriya-%'")
    assert row is not None
    return int(row["n"])


async def _add_person(connection: AsyncConnection, number: int, random: Random, at: Moment) -> PersonId:
    return await create_person(
        connection,
        login=f"istoriya-{number:04d}",
        password=None,
        family_name=random.choice(SURNAMES),
        given_name=random.choice(GIVEN),
        patronymic=random.choice(PATRONYMICS),
        roles=[Role.CANDIDATE],
        now=at,
    )


async def _observe(connection: AsyncConnection, sitting: Sitting, random: Random) -> None:
    """Incidents of a sitting, from observations once a second through the real rules."""
    assert sitting.started_at is not None
    assert sitting.ended_at is not None
    watch = await open_watch(connection, sitting.id, STANDARD.version, sitting.started_at)
    for kind, often, lasting in _OBSERVED:
        length = sitting.ended_at - sitting.started_at
        if random.random() >= often or length < MINUTE:
            continue
        began = sitting.started_at + random.randrange(length - 30 * SECOND)
        for change in _fold_one(kind, began, lasting):
            await record_incident(connection, sitting.id, change, STANDARD.rules[kind].holds, STANDARD.version)
    await close_watch(connection, watch, sitting.ended_at)


def _fold_one(kind: Kind, began: Moment, lasting: Span) -> list[IncidentChange]:
    state = incidents.begin(began - SECOND)
    changes: list[IncidentChange] = []
    for at in range(began, began + lasting + 5 * SECOND, SECOND):
        seen = at < began + lasting
        if kind in WINDOW_KINDS:
            observation = signals.report(kind, at, over=not seen)
        else:
            seen_now = (Signal(kind, 0.8, at, at, "simulation"),) if seen else ()
            observation = Observation(at, seen_now, CAMERA_KINDS, frame=True)
        state, more = incidents.fold(STANDARD, state, observation)
        changes += [change for change in more if isinstance(change, IncidentChange)]
    _, more = incidents.finish(STANDARD, state, began + lasting + 5 * SECOND)
    return changes + [change for change in more if isinstance(change, IncidentChange)]


async def sign_some_protocols(database: Database, signing: Signer, now: Moment, keep: int = 6) -> int:
    """Sign batches of clean preliminary results as the chair, leaving the newest `keep` for the desk."""
    async with database.transaction() as connection:
        chair = await find_person(connection, CHAIR)
        assert chair is not None
        waiting = await fetch_all(
            connection,
            """SELECT sitting_id FROM exam_server.outcome WHERE state = 'preliminary' AND NOT flagged
               ORDER BY concluded_at""",
        )
        ready = [SittingId(row["sitting_id"]) for row in waiting][: max(0, len(waiting) - keep)]
        for first in range(0, len(ready), 8):
            await sign_protocol(connection, ready[first : first + 8], chair, signing, now - HOUR)
    return len(ready)
