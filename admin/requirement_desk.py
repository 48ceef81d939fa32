"""The catalogue of requirements as the methodologist keeps it: what each has, what a list would change, what a repeal
would take away."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access import Principal
from core.errors import Conflict, Invalid, NotFound
from core.moments import Moment
from question_bank.blueprint_store import list_blueprints
from question_bank.blueprints import Blueprint
from question_bank.faults import is_plain
from question_bank.pool import Profile
from question_bank.pool_store import load_pool
from question_bank.requirement_list import Listing, find_requirement_fault, read_list
from question_bank.requirement_store import (
    Holding,
    count_holdings,
    list_requirements,
    list_specialities,
    load_requirement,
    repeal_requirement,
    restore_requirement,
    save_requirements,
)
from question_bank.requirements import Requirement, Speciality
from question_bank.supply import weigh_supply
from question_bank.wording import fold

LONGEST_REASON = 1_000
LONGEST_CODE, LONGEST_TITLE = 40, 200
"""Of a speciality."""
MOST_FOUND = 200
NOTHING = Holding()


class Shelved(Struct, frozen=True):
    requirement: Requirement
    holding: Holding


class Stand(Struct, frozen=True):
    """A speciality with what it has in all."""

    speciality: Speciality
    requirements: int
    holding: Holding


class Catalogue(Struct, frozen=True):
    stands: tuple[Stand, ...]
    """All specialities, where none is chosen and nothing is looked for."""
    sections: tuple[tuple[str, tuple[Shelved, ...]], ...]
    """Requirements by section, in the order of their codes; of a search, by speciality."""
    total: int
    more: bool
    """Only the first MOST_FOUND are shown."""


class Reach(Struct, frozen=True):
    """What a repeal would take away. `short`: exams that could no longer be filled, with how many items they lack."""

    holding: Holding
    short: tuple[tuple[Blueprint, int], ...]


async def open_catalogue(connection: AsyncConnection, speciality: str | None, words: str) -> Catalogue:
    specialities = await list_specialities(connection)
    requirements = await list_requirements(connection, speciality)
    holdings = await count_holdings(connection, speciality)
    looked_for = fold(words).split()
    if speciality is None and not looked_for:
        return Catalogue(tuple(_stands(specialities, requirements, holdings)), (), len(requirements), more=False)
    titles = {one.code: one.title for one in specialities}
    found = [one for one in requirements if _matches(one, looked_for)]
    sections: dict[str, list[Shelved]] = {}
    for one in found[:MOST_FOUND] if looked_for else found:
        name = one.section if speciality is not None else f"{one.speciality} {titles.get(one.speciality, '')}"
        sections.setdefault(name, []).append(Shelved(one, holdings.get((one.speciality, one.code), NOTHING)))
    return Catalogue(
        (),
        tuple((name, tuple(rows)) for name, rows in sorted(sections.items())),
        len(found),
        more=bool(looked_for) and len(found) > MOST_FOUND,
    )


def _stands(
    specialities: Iterable[Speciality],
    requirements: Iterable[Requirement],
    holdings: dict[tuple[str, str], Holding],
) -> Iterable[Stand]:
    counts: dict[str, int] = {}
    for requirement in requirements:
        counts[requirement.speciality] = counts.get(requirement.speciality, 0) + 1
    for one in specialities:
        own = [holding for (code, _), holding in holdings.items() if code == one.code]
        whole = Holding(*(sum(getattr(holding, name) for holding in own) for name in Holding.__struct_fields__))
        yield Stand(one, counts.get(one.code, 0), whole)


def _matches(requirement: Requirement, words: Sequence[str]) -> bool:
    """Every word stands somewhere in its code, title or section, or begins a word there."""
    text = fold(f"{requirement.code} {requirement.title} {requirement.section}")
    return all(word in text for word in words)


async def add_speciality(connection: AsyncConnection, code: str, title: str, reader: Principal, now: Moment) -> None:
    """Raises Invalid (`speciality_invalid`), Conflict (`speciality_exists`)."""
    code, title = code.strip(), " ".join(title.split())
    fields = _find_title_fault(title)
    if not code or len(code) > LONGEST_CODE or not is_plain(code):
        fields["code"] = f"Код — от 1 до {LONGEST_CODE} знаков."
    if fields:
        raise Invalid("speciality_invalid", "Специальность не добавлена. Исправьте отмеченное.", fields=fields)
    if any(one.code == code for one in await list_specialities(connection)):
        raise Conflict("speciality_exists", "Специальность с таким кодом уже есть.", fields={"code": "Код занят."})
    await _save_speciality(connection, Speciality(code, title), reader, now)


async def rename_speciality(connection: AsyncConnection, code: str, title: str, reader: Principal, now: Moment) -> None:
    """Raises Invalid (`speciality_invalid`), NotFound (`speciality_unknown`)."""
    title = " ".join(title.split())
    if fields := _find_title_fault(title):
        raise Invalid("speciality_invalid", "Название не изменено. Исправьте отмеченное.", fields=fields)
    if all(one.code != code for one in await list_specialities(connection)):
        raise NotFound("speciality_unknown", "Такой специальности нет. Обновите страницу.")
    await _save_speciality(connection, Speciality(code, title), reader, now)


def _find_title_fault(title: str) -> dict[str, str]:
    fits = title and len(title) <= LONGEST_TITLE and is_plain(title)
    return {} if fits else {"title": f"Название — от 1 до {LONGEST_TITLE} знаков."}


async def _save_speciality(connection: AsyncConnection, wanted: Speciality, reader: Principal, now: Moment) -> None:
    await save_requirements(connection, [wanted], [])
    await journal.record(
        connection, f"person:{reader.id}", "bank.speciality_saved", f"speciality:{wanted.code}", {}, now
    )


async def save_requirement(
    connection: AsyncConnection, wanted: Requirement, fresh: bool, reader: Principal, now: Moment
) -> None:
    """Add one, or give it another title and section.

    Raises Invalid (`requirement_invalid`), Conflict (`requirement_exists`), NotFound (`requirement_unknown`).
    """
    fault = find_requirement_fault(wanted.code, wanted.title, wanted.section)
    if fault is None and all(one.code != wanted.speciality for one in await list_specialities(connection)):
        fault = "Выберите специальность."
    if fault is not None:
        raise Invalid("requirement_invalid", "Требование не сохранено.", fields={"title": fault})
    if not fresh:
        await load_requirement(connection, wanted.speciality, wanted.code)
    elif any(one.code == wanted.code for one in await list_requirements(connection, wanted.speciality)):
        raise Conflict("requirement_exists", "Требование с таким кодом уже есть.", fields={"code": "Код занят."})
    await _save(connection, [wanted], reader, now)


async def judge_list(connection: AsyncConnection, speciality: str, text: str) -> Listing:
    """What a list would change. Raises Invalid (`requirement_invalid`)."""
    if all(one.code != speciality for one in await list_specialities(connection)):
        raise Invalid("requirement_invalid", "Выберите специальность.", fields={"speciality": "Выберите из списка."})
    return read_list(text, speciality, await list_requirements(connection, speciality))


async def take_list(connection: AsyncConnection, listing: Listing, reader: Principal, now: Moment) -> None:
    await _save(connection, listing.wanted, reader, now)


async def _save(connection: AsyncConnection, wanted: Sequence[Requirement], reader: Principal, now: Moment) -> None:
    await save_requirements(connection, [], wanted)
    for speciality in sorted({one.speciality for one in wanted}):
        saved = [one.code for one in wanted if one.speciality == speciality]
        await journal.record(
            connection,
            f"person:{reader.id}",
            "bank.requirements_saved",
            f"speciality:{speciality}",
            {"count": len(saved), "first": saved[0]},
            now,
        )


async def foresee_repeal(connection: AsyncConnection, speciality: str, code: str) -> Reach:
    """What would be gone from the pools, and which exams that can be filled now could not be any more."""
    holding = (await count_holdings(connection, speciality)).get((speciality, code), NOTHING)
    short = []
    for blueprint in await list_blueprints(connection, speciality):
        supply = (await load_pool(connection, blueprint)).supply
        left = {profile: count for profile, count in supply.items() if profile.requirement != code}
        if len(left) == len(supply) and all(cell.requirement != code for cell in blueprint.cells):
            continue
        missing = _missing(blueprint, left)
        if missing > _missing(blueprint, supply):
            short.append((blueprint, missing))
    return Reach(holding, tuple(short))


def _missing(blueprint: Blueprint, supply: dict[Profile, int]) -> int:
    return sum(cell.missing for cell in weigh_supply(blueprint, supply))


async def repeal(
    connection: AsyncConnection, speciality: str, code: str, reason: str, reader: Principal, now: Moment
) -> None:
    """Raises what requirement_store.repeal_requirement does, Invalid (`reason_missing`)."""
    read_reason(reason)
    await repeal_requirement(connection, speciality, code, reader.id, reason, now)
    await journal.record(
        connection,
        f"person:{reader.id}",
        "bank.requirement_repealed",
        f"requirement:{speciality}/{code}",
        {"reason": reason.strip()},
        now,
    )


async def restore(connection: AsyncConnection, speciality: str, code: str, reader: Principal, now: Moment) -> None:
    """Raises what requirement_store.restore_requirement does."""
    await restore_requirement(connection, speciality, code)
    await journal.record(
        connection,
        f"person:{reader.id}",
        "bank.requirement_restored",
        f"requirement:{speciality}/{code}",
        {},
        now,
    )


def read_reason(reason: str) -> str:
    """Raises Invalid (`reason_missing`)."""
    told = reason.strip()
    if not told or len(told) > LONGEST_REASON or not is_plain(told):
        raise Invalid(
            "reason_missing",
            "Назовите документ или причину.",
            fields={"reason": f"От 1 до {LONGEST_REASON} знаков."},
        )
    return told
