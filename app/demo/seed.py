"""Fills an empty database with the demo: bank, blueprints, windows that are open now, one person per role."""

from sqlalchemy.ext.asyncio import AsyncConnection

from app.demo.bank_files import read_bank
from app.demo.desk import fill_desk
from app.demo.figures import draw_figures
from app.demo.people import CANDIDATES, STAFF, DemoPerson
from app.demo.pilots import PILOTED, declare_enemies, try_out
from core.access.people import create_person, find_person
from core.blobs import Blobs
from core.clock import Clock
from core.database import Database, fetch_one
from core.errors import NotFound, Unavailable
from core.ids import BlueprintId, PersonId, WindowId
from core.moments import DAY, HOUR, MINUTE, Moment
from core.randomness import fresh_int
from exam_server.scheduling import book, decide_admission, open_window
from question_bank.asset_store import keep_asset
from question_bank.blueprint_store import load_blueprint, save_blueprint
from question_bank.blueprints import Blueprint, Cell, Section
from question_bank.requirement_store import save_requirements
from question_bank.store import publish_items

SECTIONED, QUICK, FULL = BlueprintId("ld-12"), BlueprintId("ld-20"), BlueprintId("ld-80")
FINE = BlueprintId("pd-14")
MEDICINE_PRACTICE, PEDIATRICS_PRACTICE, NURSING_PRACTICE = (
    BlueprintId("ld-practice"),
    BlueprintId("pd-practice"),
    BlueprintId("sd-practice"),
)
WINDOW_LENGTH = 30 * DAY
ENOUGH_LEFT = 12 * HOUR
CAPACITY = 10_000

GENERAL_MEDICINE, PEDIATRICS, NURSING = "31.05.01", "31.05.02", "34.02.01"


def demo_blueprints() -> tuple[Blueprint, ...]:
    """A short exam in two sections with a break, a quick look of 20 items, the real thing of 80, practice, and one that
    uses all that a blueprint can ask for.

    The short ones confirm themselves; what a protocol confirms is the real one.

    Practice explains each item at once, or all of them at the end as after a real exam.
    """
    areas = [f"ЛД-{number:02d}" for number in range(1, 9)]
    return (
        Blueprint(
            id=SECTIONED,
            version=1,
            title="Экзамен в двух разделах, 12 заданий",
            speciality=GENERAL_MEDICINE,
            speciality_title="Лечебное дело",
            cells=(
                *(Cell(area, "four_option", 1) for area in areas),
                Cell(None, "four_option", 2),
                Cell(None, "case", 2, weight=2, section=1),
            ),
            exam_limit=30 * MINUTE,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation="automatic",
            cut=85,
            accreditation="primary",
            sections=(Section("Тестовые задания", 12 * MINUTE), Section("Ситуационные задачи")),
            breaks=1,
            break_limit=5 * MINUTE,
        ),
        Blueprint(
            id=QUICK,
            version=1,
            title="Демонстрационный экзамен, 20 заданий",
            speciality=GENERAL_MEDICINE,
            speciality_title="Лечебное дело",
            cells=(
                *(Cell(area, "four_option", 2) for area in areas),
                Cell(None, "four_option", 2),
                Cell(None, "case", 2),
            ),
            exam_limit=30 * MINUTE,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation="automatic",
            cut=85,
            accreditation="primary",
        ),
        Blueprint(
            id=FULL,
            version=1,
            title="Экзамен по специальности, 80 заданий",
            speciality=GENERAL_MEDICINE,
            speciality_title="Лечебное дело",
            cells=(
                *(Cell(area, "four_option", 9) for area in areas),
                Cell(None, "four_option", 5),
                Cell(None, "case", 3),
            ),
            exam_limit=110 * MINUTE,
            navigation="linear",
            on_item_timeout="advance",
            flags=False,
            confirmation="protocol",
            cut=85,
            accreditation="primary_specialised",
        ),
        Blueprint(
            id=FINE,
            version=1,
            title="Экзамен по педиатрии с пробными заданиями, 14 заданий",
            speciality=PEDIATRICS,
            speciality_title="Педиатрия",
            cells=(
                *(Cell(f"ПД-{number:02d}", "four_option", 1, level="recall") for number in range(1, 7)),
                Cell(None, "four_option", 4, level="application"),
                Cell(None, "four_option", 1, band="medium"),
                Cell(None, "case", 1, weight=2),
            ),
            exam_limit=25 * MINUTE,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation="protocol",
            cut=85,
            accreditation="primary",
            pilots=2,
            exposure_cap=0.75,
            minimum_information=1.2,
        ),
        Blueprint(
            id=MEDICINE_PRACTICE,
            version=1,
            title="Тренировка по лечебному делу с пояснениями",
            speciality=GENERAL_MEDICINE,
            speciality_title="Лечебное дело",
            cells=(*(Cell(area, "four_option", 2) for area in areas), Cell(None, "case", 1)),
            exam_limit=60 * MINUTE,
            navigation="linear",
            on_item_timeout="advance",
            flags=False,
            confirmation="automatic",
            cut=85,
            accreditation="primary",
            practice=True,
            explanations="item",
        ),
        Blueprint(
            id=PEDIATRICS_PRACTICE,
            version=1,
            title="Тренировка по педиатрии с пояснениями",
            speciality=PEDIATRICS,
            speciality_title="Педиатрия",
            cells=tuple(Cell(f"ПД-{number:02d}", "four_option", 2) for number in range(1, 7)),
            exam_limit=60 * MINUTE,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation="automatic",
            cut=85,
            accreditation="primary",
            practice=True,
            explanations="item",
        ),
        Blueprint(
            id=NURSING_PRACTICE,
            version=1,
            title="Пробное тестирование, 20 заданий",
            speciality=NURSING,
            speciality_title="Сестринское дело",
            cells=(
                *(Cell(f"СД-{number:02d}", "four_option", 3) for number in range(1, 7)),
                Cell(None, "case", 2),
            ),
            exam_limit=30 * MINUTE,
            navigation="free",
            on_item_timeout="advance",
            flags=True,
            confirmation="automatic",
            cut=85,
            accreditation="primary",
            practice=True,
            explanations="end",
        ),
    )


async def is_seeded(connection: AsyncConnection) -> bool:
    return await fetch_one(connection, "SELECT 1 FROM core.person LIMIT 1") is not None


async def seed(database: Database, clock: Clock, blobs: Blobs) -> None:
    """Everything in one transaction: a demo is whole or not there."""
    now = clock.now()
    bank = read_bank()
    async with database.transaction() as connection:
        await save_requirements(connection, bank.specialities, bank.requirements)
        for asset, picture in draw_figures().items():
            await keep_asset(connection, blobs, asset, picture, now)
        await publish_items(connection, [item for item in bank.items if item.id not in PILOTED], now)
        for blueprint in demo_blueprints():
            await save_blueprint(connection, blueprint, now)
        people = {person.login: await add_person(connection, person, now) for person in (*STAFF, *CANDIDATES)}
        tried = [item for item in bank.items if item.id in PILOTED]
        await try_out(connection, tried, people["ekspert"], people["metodist"], now)
        await declare_enemies(connection, people["metodist"], now)
        await fill_desk(connection, people["metodist"], people["metodist2"], now)


async def add_person(connection: AsyncConnection, person: DemoPerson, now: Moment) -> PersonId:
    return await create_person(
        connection,
        login=person.login,
        password=person.password,
        family_name=person.family_name,
        given_name=person.given_name,
        patronymic=person.patronymic,
        zone=person.zone,
        roles=person.roles,
        now=now,
    )


async def keep_windows_open(database: Database, clock: Clock) -> None:
    """See to it that every demo exam can be entered now, and that the demo's candidates are booked for theirs."""
    now = clock.now()
    async with database.transaction() as connection:
        for blueprint in demo_blueprints():
            if blueprint.practice:
                continue
            await keep_blueprint(connection, blueprint, now)
            window = await current_window(connection, blueprint.id, now)
            if window is None:
                kept = await load_blueprint(connection, blueprint.id)
                window = await open_window(connection, kept, now - HOUR, now + WINDOW_LENGTH, CAPACITY, "Онлайн")
                await open_window(connection, kept, now + WINDOW_LENGTH, now + WINDOW_LENGTH + 8 * HOUR, 30, "Онлайн")
            for person in CANDIDATES:
                who = await find_person(connection, person.login)
                if who is not None and blueprint.speciality == GENERAL_MEDICINE:
                    await decide_admission(connection, who.id, blueprint.speciality, [], now)
                    await book(connection, window, who.id, now)


async def keep_blueprint(connection: AsyncConnection, blueprint: Blueprint, now: Moment) -> None:
    """A demo that was filled by an earlier release gets the exams that have come since."""
    try:
        await load_blueprint(connection, blueprint.id)
    except NotFound:
        await save_blueprint(connection, blueprint, now)


async def current_window(connection: AsyncConnection, blueprint: BlueprintId, now: Moment) -> WindowId | None:
    """A window of this exam that is open now and stays open for a while."""
    row = await fetch_one(
        connection,
        """SELECT id FROM exam_server."window"
           WHERE blueprint_id = :blueprint AND opens_at <= :now AND closes_at > :until AND cancelled_at IS NULL
           ORDER BY closes_at DESC LIMIT 1""",
        blueprint=blueprint,
        now=now,
        until=now + ENOUGH_LEFT,
    )
    return None if row is None else WindowId(row["id"])


async def add_candidates(database: Database, clock: Clock, count: int) -> list[DemoPerson]:
    """Fresh candidates, admitted and booked for the quick exam: people for the headless client to be.

    Raises Unavailable (`no_demo`) where that exam is not open.
    """
    now = clock.now()
    prefix = f"proverka-{fresh_int(10**6):06d}"
    made = []
    async with database.transaction() as connection:
        window = await current_window(connection, QUICK, now)
        if window is None:
            raise Unavailable("no_demo", "В этой базе нет демонстрационного экзамена. Запустите `make run`.")
        for number in range(1, count + 1):
            person = DemoPerson(
                f"{prefix}-{number:03d}", "Проверкин", "Кандидат", f"№ {number}", CANDIDATES[0].roles, "кандидат"
            )
            who = await add_person(connection, person, now)
            await decide_admission(connection, who, GENERAL_MEDICINE, [], now)
            await book(connection, window, who, now)
            made.append(person)
    return made
