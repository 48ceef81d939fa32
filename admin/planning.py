"""Windows: when which exam is held, and for how many."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import Principal, people
from core.database import fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId, PersonId, WindowId
from core.moments import Moment, from_datetime
from exam_server.closing import WindowChange, list_changes, move_close
from exam_server.scheduling import open_window, unknown_window
from question_bank.assembly import make_plan
from question_bank.blueprint_store import load_blueprint
from question_bank.pool_store import PreparedPools

PAGE = 50
MOST_PLACES = 10_000
LONGEST_HOURS = 24 * 31
LONGEST_PLACE = 200
FURTHEST = timedelta(days=3 * 366)


class WindowRow(Struct, frozen=True):
    """One line of the list. `begun`: bookings whose candidate came in."""

    id: WindowId
    title: str
    version: int
    opens_at: Moment
    closes_at: Moment
    capacity: int
    taken: int
    begun: int
    place: str
    cancelled_at: Moment | None


class WindowPage(Struct, frozen=True):
    """One page of the list and how many windows match in all."""

    rows: tuple[WindowRow, ...]
    total: int


async def list_all_windows(connection: AsyncConnection, now: Moment, *, past: bool, page: int = 1) -> WindowPage:
    """Windows that are open or to come, the earliest first; with `past` those that are over, the latest first."""
    rows = await fetch_all(
        connection,
        f"""{_ROWS} WHERE {"w.closes_at <= :now" if past else "w.closes_at > :now"}
            ORDER BY w.opens_at {"DESC" if past else ""}, w.id LIMIT :limit OFFSET :offset""",
        now=now,
        limit=PAGE,
        offset=(page - 1) * PAGE,
    )
    return WindowPage(tuple(map(_row, rows)), rows[0]["total"] if rows else 0)


class WindowSheet(Struct, frozen=True):
    """One window with what was decided about it, the latest first. `live`: sittings in it that are not over."""

    window: WindowRow
    live: int
    changes: tuple[WindowChange, ...]
    names: dict[PersonId, str]

    @property
    def following(self) -> bool:
        """Whether some sittings still have to follow a decision."""
        return any(change.applied_at is None for change in self.changes)

    @property
    def reach(self) -> int:
        """Sittings that the decisions still carried out are for; one that two of them are for counts twice."""
        return sum(change.reach for change in self.changes if change.applied_at is None)

    @property
    def followed(self) -> int:
        """How many of those have followed so far."""
        return sum(change.followed for change in self.changes if change.applied_at is None)

    def is_over(self, now: Moment) -> bool:
        """Whether nothing is left to be decided about it."""
        return self.window.cancelled_at is not None or self.window.closes_at <= now


async def open_sheet(connection: AsyncConnection, window: WindowId) -> WindowSheet:
    """Raises NotFound."""
    row = await fetch_one(connection, f"{_ROWS} WHERE w.id = :id", id=window)
    if row is None:
        raise unknown_window()
    live = await fetch_one(
        connection,
        """SELECT count(*) AS many FROM exam_server.booking k JOIN exam_server.sitting s ON s.booking_id = k.id
           WHERE k.window_id = :id AND s.entered_at IS NOT NULL AND s.next_deadline IS NOT NULL""",
        id=window,
    )
    assert live is not None
    changes = (await list_changes(connection, [window])).get(window, [])
    known = await people(connection, {change.decided_by for change in changes})
    return WindowSheet(_row(row), live["many"], tuple(changes), {one.id: one.name for one in known})


async def move_window_close(
    connection: AsyncConnection, window: WindowId, day: str, time: str, reason: str, by: Principal, now: Moment
) -> None:
    """Let a window close at another moment, typed in the planner's own zone. Raises as `closing.move_close`."""
    closes_at = local_moment(day, time, by.zone)
    if closes_at is None:
        raise Invalid("bad_window", "Окончание не перенесено.", fields={"day": "Укажите день и время окончания."})
    await move_close(connection, window, closes_at, by.id, reason, now)


class Plan(Struct, frozen=True):
    """What a form says about a new window, as it was typed: a day, a time, hours, places."""

    blueprint: str
    day: str
    time: str
    hours: str
    capacity: str
    place: str


async def plan_window(
    connection: AsyncConnection, plan: Plan, by: Principal, pools: PreparedPools, now: Moment
) -> WindowId:
    """Plan a window in the planner's own zone.

    Raises Invalid with the fields that are wrong; an exam whose forms can't be drawn from the bank is one of them.
    """
    problems: dict[str, str] = {}
    try:
        blueprint = await load_blueprint(connection, BlueprintId(plan.blueprint))
    except NotFound:
        problems["blueprint"] = "Выберите экзамен из списка."
    opens_at = local_moment(plan.day, plan.time, by.zone)
    if opens_at is None:
        problems["day"] = "Укажите день и время начала."
    hours = _number(plan.hours, LONGEST_HOURS)
    if hours is None:
        problems["hours"] = f"Укажите от 1 до {LONGEST_HOURS} часов."
    capacity = _number(plan.capacity, MOST_PLACES)
    if capacity is None:
        problems["capacity"] = f"Укажите от 1 до {MOST_PLACES} мест."
    if len(plan.place) > LONGEST_PLACE:
        problems["place"] = f"Не длиннее {LONGEST_PLACE} символов."
    if opens_at is not None and hours is not None:
        closes_at = opens_at + hours * 3_600_000
        if closes_at <= now:
            problems["day"] = "Это время уже прошло."
        elif opens_at > now + FURTHEST // timedelta(milliseconds=1):
            problems["day"] = "Так далеко вперёд экзамены не назначают."
        elif "blueprint" not in problems and closes_at - opens_at < blueprint.exam_limit:
            problems["hours"] = "За это время экзамен не закончить: он длится дольше."
    if not problems:
        pool = await pools.pool(connection, blueprint)
        try:
            await asyncio.to_thread(make_plan, blueprint, pool)
        except Conflict:
            problems["blueprint"] = (
                "По этой спецификации набор не собрать: в банке не хватает заданий. "
                "Откройте её в разделе «Спецификации»: там сказано, чего и сколько не хватает."
            )
    if problems or opens_at is None or hours is None or capacity is None:
        raise Invalid("window_invalid", "Время не назначено. Исправьте отмеченное.", fields=problems)
    window = await open_window(connection, blueprint, opens_at, closes_at, capacity, plan.place.strip())
    await journal.record(
        connection,
        f"person:{by.id}",
        "planning.window_opened",
        f"window:{window}",
        {"blueprint": blueprint.id, "capacity": capacity},
        now,
    )
    return window


_ROWS = """
    SELECT w.id, b.content ->> 'title' AS title, w.blueprint_id, w.blueprint_version AS version, w.opens_at,
           w.closes_at, w.capacity, w.place, w.cancelled_at, t.taken, t.begun, count(*) OVER () AS total
    FROM exam_server."window" w
    LEFT JOIN question_bank.blueprint b ON b.id = w.blueprint_id AND b.version = w.blueprint_version
    CROSS JOIN LATERAL (
        SELECT count(*) AS taken, count(s.entered_at) AS begun FROM exam_server.booking k
        LEFT JOIN exam_server.sitting s ON s.booking_id = k.id
        WHERE k.window_id = w.id AND k.cancelled_at IS NULL) t
"""


def _row(row: RowMapping) -> WindowRow:
    return WindowRow(
        WindowId(row["id"]),
        row["title"] or row["blueprint_id"],
        row["version"],
        row["opens_at"],
        row["closes_at"],
        row["capacity"],
        row["taken"],
        row["begun"],
        row["place"],
        row["cancelled_at"],
    )


def local_moment(day: str, time: str, zone: str) -> Moment | None:
    """A day and a time of day as form fields have them, in the zone; None for what is none."""
    try:
        local = datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M")
        return from_datetime(local.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        return None


def _number(text: str, most: int) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    number = int(text)
    return number if 1 <= number <= most else None
