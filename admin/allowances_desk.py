"""Allowances decided before an exam: the list, and a decision as it is typed into a form."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.access import Principal, find_person, people
from core.errors import Forbidden, Invalid, NotFound
from core.ids import BlueprintId, PersonId
from core.moments import MINUTE, Moment
from exam_server.allowances import Given, Progress, give_allowance, list_allowances, load_progress
from exam_server.events import Allowance
from question_bank.blueprint_store import list_blueprints, load_blueprint
from question_bank.blueprints import Blueprint

LONGEST_NUMBER = 4


class Typed(Struct, frozen=True):
    """A form as it was filled in: whose login, which exam, per cent of the usual time, minutes on top, breaks."""

    login: str = ""
    blueprint: str = ""
    percent: str = "100"
    minutes: str = "0"
    breaks: str = "0"
    reason: str = ""


class AllowanceList(Struct, frozen=True):
    """What was given, the latest decision first, and how far it has come; names of the people; exams to choose from."""

    rows: tuple[Given, ...]
    names: dict[PersonId, str]
    titles: dict[BlueprintId, str]
    exams: tuple[Blueprint, ...]
    progress: Progress


async def load_list(connection: AsyncConnection) -> AllowanceList:
    rows = tuple(await list_allowances(connection))
    known = await people(connection, {one.candidate for one in rows} | {one.decided_by for one in rows})
    exams = tuple(await list_blueprints(connection))
    return AllowanceList(
        rows=rows,
        names={one.id: one.name for one in known},
        titles={one.id: one.title for one in exams},
        exams=exams,
        progress=await load_progress(connection),
    )


async def give(connection: AsyncConnection, typed: Typed, by: Principal, now: Moment) -> None:
    """Decide what a candidate is given. Raises Invalid with the fields that are wrong, Forbidden for oneself."""
    problems: dict[str, str] = {}
    who = await find_person(connection, typed.login.strip())
    if who is None:
        problems["login"] = "Такой учётной записи нет."
    try:
        await load_blueprint(connection, BlueprintId(typed.blueprint))
    except NotFound:
        problems["blueprint"] = "Выберите экзамен из списка."
    numbers = {name: _number(getattr(typed, name)) for name in ("percent", "minutes", "breaks")}
    problems |= {name: "Укажите целое число." for name, number in numbers.items() if number is None}
    if problems or who is None:
        raise Invalid("bad_allowance", "Условия не сохранены. Исправьте отмеченное.", fields=problems)
    if who.id == by.id:
        raise Forbidden("own_allowance", "Назначать условия самому себе нельзя.")
    percent, minutes, breaks = (numbers[name] or 0 for name in ("percent", "minutes", "breaks"))
    allowance = Allowance(percent, minutes * MINUTE, breaks)
    await give_allowance(connection, who.id, BlueprintId(typed.blueprint), allowance, by.id, typed.reason, now)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None
