"""Blueprints as staff read and write them, with what the bank has for them."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.blueprint_check import Verdict, weigh
from admin.blueprint_draft import find_problems, refuse
from admin.blueprint_matrix import Difference, Matrix, arrange, compare
from admin.blueprint_pools import DraftPools
from core import journal
from core.access import Principal, people
from core.database import fetch_all
from core.errors import Conflict, NotFound
from core.ids import BlueprintId, PersonId
from core.moments import Moment
from question_bank.blueprint_store import list_blueprints, load_blueprint, save_blueprint
from question_bank.blueprints import Blueprint
from question_bank.pool import Pool, Profile
from question_bank.requirement_store import list_requirements
from question_bank.requirements import Requirement
from question_bank.supply import find_shortages

MOST_DEEDS = 1_000


class BlueprintRow(Struct, frozen=True):
    """One line of the list. `missing`: items that the bank lacks, difficulty bands and enemies left aside."""

    blueprint: Blueprint
    missing: int


class Version(Struct, frozen=True):
    """`by`: name of who saved it, "" where it came otherwise; `windows`: how many were planned with it."""

    number: int
    saved_at: Moment
    by: str
    windows: int


class BlueprintSheet(Struct, frozen=True):
    """One version of a blueprint and what the bank has for each of its cells."""

    blueprint: Blueprint
    verdict: Verdict
    matrices: tuple[Matrix, ...]
    versions: tuple[Version, ...]
    titles: dict[str, str]

    @property
    def latest(self) -> int:
        return self.versions[0].number


async def list_rows(connection: AsyncConnection) -> list[BlueprintRow]:
    """The latest version of every blueprint."""
    supply: dict[tuple[str, str], Counter[Profile]] = {}
    for row in await fetch_all(
        connection,
        """
        SELECT v.speciality, i.pool, v.requirement, v.kind, v.level, i.state = 'piloted' AS pilot, count(*) AS many
        FROM question_bank.item i
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        JOIN question_bank.requirement q ON q.speciality = v.speciality AND q.code = v.requirement
        WHERE i.state IN ('active', 'piloted') AND q.repealed_at IS NULL GROUP BY 1, 2, 3, 4, 5, 6
        """,
    ):
        profile = Profile(row["requirement"], row["kind"], row["level"], pilot=row["pilot"])
        supply.setdefault((row["speciality"], row["pool"]), Counter())[profile] += row["many"]
    return [
        BlueprintRow(one, _count_missing(one, supply.get((one.speciality, "practice" if one.practice else "exam"), {})))
        for one in await list_blueprints(connection)
    ]


def _count_missing(blueprint: Blueprint, supply: Mapping[Profile, int]) -> int:
    wanted = [(Profile(cell.requirement, cell.kind, cell.level), cell.count) for cell in blueprint.cells]
    wanted.append((Profile(None, blueprint.pilots_place[0], pilot=True), blueprint.pilots))
    return sum(find_shortages(wanted, supply))


async def open_sheet(
    connection: AsyncConnection, pools: DraftPools, blueprint: BlueprintId, version: int | None
) -> BlueprintSheet:
    """One version, the latest by default. Raises NotFound."""
    found = await load_blueprint(connection, blueprint, version)
    _, pool = await pools.pool(connection, found)
    titles = {one.code: one.title for one in await list_requirements(connection, found.speciality)}
    verdict = await asyncio.to_thread(weigh, found, pool)
    versions = await _list_versions(connection, blueprint)
    return BlueprintSheet(found, verdict, arrange(found, verdict.cells, titles), tuple(versions), titles)


async def compare_versions(
    connection: AsyncConnection, blueprint: BlueprintId, old: int, new: int
) -> tuple[Blueprint, Blueprint, Difference]:
    """Raises NotFound."""
    before = await load_blueprint(connection, blueprint, old)
    after = await load_blueprint(connection, blueprint, new)
    return before, after, compare(before, after)


async def _list_versions(connection: AsyncConnection, blueprint: BlueprintId) -> list[Version]:
    rows = await fetch_all(
        connection,
        """
        SELECT b.version, b.saved_at, (SELECT count(*) FROM exam_server."window" w
            WHERE w.blueprint_id = b.id AND w.blueprint_version = b.version AND w.cancelled_at IS NULL) AS windows
        FROM question_bank.blueprint b WHERE b.id = :id ORDER BY b.version DESC
        """,
        id=blueprint,
    )
    deeds = await journal.read(connection, limit=MOST_DEEDS, subject=f"blueprint:{blueprint}")
    authors = {
        deed.fields["version"]: PersonId(int(deed.actor.removeprefix("person:")))
        for deed in deeds
        if deed.fields.get("version") and deed.actor.startswith("person:")
    }
    names = {one.id: one.name for one in await people(connection, set(authors.values()))}
    return [
        Version(
            row["version"],
            row["saved_at"],
            names.get(authors[str(row["version"])], "") if str(row["version"]) in authors else "",
            row["windows"],
        )
        for row in rows
    ]


class Checked(Struct, frozen=True):
    """What the editor's page is told of a draft. `problems`: what else is wrong, by field."""

    verdict: Verdict
    problems: dict[str, str]
    mark: str
    """Changes with `supply`."""
    supply: tuple[tuple[Profile, int], ...] | None
    """All there is of the speciality; None where the page has it already."""


async def check_draft(connection: AsyncConnection, pools: DraftPools, draft: Blueprint, known: str) -> Checked:
    """Weigh a draft against the bank. Raises Invalid where nothing can be told of it."""
    codes = await _codes(connection, draft)
    problems = find_problems(draft, codes)
    refuse(draft, problems, all_of_them=False)
    mark, whole = await pools.whole(connection, draft)
    _, pool = await pools.pool(connection, draft)
    verdict = await asyncio.to_thread(weigh, draft, pool, whole.supply)
    return Checked(verdict, problems, mark, None if mark == known else tuple(sorted_supply(whole)))


def sorted_supply(pool: Pool) -> Sequence[tuple[Profile, int]]:
    """How many items there are of each profile, in an order that does not depend on the bank's history."""
    return sorted(((profile, count) for profile, count in pool.supply.items() if not profile.pilot), key=str)


async def pool_of_draft(connection: AsyncConnection, pools: DraftPools, draft: Blueprint) -> Pool:
    """What its forms would be drawn from. Raises Invalid where the draft could not be saved."""
    refuse(draft, find_problems(draft, await _codes(connection, draft)), all_of_them=False)
    _, pool = await pools.pool(connection, draft)
    return pool


async def save_draft(connection: AsyncConnection, draft: Blueprint, by: Principal, now: Moment) -> Blueprint:
    """Keep a draft as the version after the one that was edited, and write down who did.

    One that the bank can't fill is kept too: no window opens with it. Raises Invalid with the fields that are wrong,
    Conflict (`blueprint_exists`, `blueprint_changed`, `blueprint_same`), NotFound.
    """
    refuse(draft, find_problems(draft, await _codes(connection, draft)), all_of_them=True)
    newest = await _newest(connection, draft.id)
    if newest is None and draft.version:
        raise NotFound("blueprint_unknown", "Такой спецификации нет. Откройте нужную из списка.")
    if newest is not None and not draft.version:
        raise Conflict(
            "blueprint_exists",
            "Спецификация с таким кодом уже есть. Выберите другой код.",
            fields={"id": "Этот код занят."},
        )
    if newest is not None and (newest.version != draft.version or newest.speciality != draft.speciality):
        raise _changed()
    kept = msgspec.structs.replace(draft, version=draft.version + 1)
    if newest is not None and msgspec.structs.replace(newest, version=kept.version) == kept:
        raise Conflict("blueprint_same", "Изменений нет: новая версия не нужна.")
    try:
        await save_blueprint(connection, kept, now)
    except Conflict as error:
        raise _changed() from error
    await journal.record(
        connection,
        f"person:{by.id}",
        "bank.blueprint_saved",
        f"blueprint:{kept.id}",
        {"version": kept.version, "items": kept.length},
        now,
    )
    return kept


def _changed() -> Conflict:
    return Conflict(
        "blueprint_changed",
        "Пока вы правили, сохранена новая версия. Откройте её в соседней вкладке, перенесите нужное и повторите.",
    )


async def _newest(connection: AsyncConnection, blueprint: BlueprintId) -> Blueprint | None:
    try:
        return await load_blueprint(connection, blueprint)
    except NotFound:
        return None


async def _codes(connection: AsyncConnection, draft: Blueprint) -> set[str]:
    found: list[Requirement] = await list_requirements(connection, draft.speciality)
    return {one.code for one in found}
