"""Blueprints in PostgreSQL, every version kept."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId
from core.moments import Moment
from question_bank.blueprints import Blueprint


async def save_blueprint(connection: AsyncConnection, blueprint: Blueprint, at: Moment) -> None:
    """Keep one version of a blueprint; saving the same one again changes nothing.

    Raises Invalid for a blueprint that is not well-formed or names an unknown requirement, Conflict
    (`version_exists`) when this version exists and is different.
    """
    blueprint.validate()
    await _refuse_unknown_requirements(connection, blueprint)
    inserted = await execute(
        connection,
        """
        INSERT INTO question_bank.blueprint (id, version, speciality, content, saved_at)
        VALUES (:id, :version, :speciality, CAST(:content AS jsonb), :at)
        ON CONFLICT DO NOTHING
        """,
        id=blueprint.id,
        version=blueprint.version,
        speciality=blueprint.speciality,
        content=msgspec.json.encode(blueprint).decode(),
        at=at,
    )
    if not inserted and await load_blueprint(connection, blueprint.id, blueprint.version) != blueprint:
        raise Conflict(
            "version_exists",
            f"Версия {blueprint.version} спецификации «{blueprint.id}» уже есть и отличается. "
            "Сохраните изменения новой версией.",
        )


async def load_blueprint(connection: AsyncConnection, blueprint: BlueprintId, version: int | None = None) -> Blueprint:
    """One version, the latest by default. Raises NotFound (`blueprint_unknown`)."""
    row = await fetch_one(
        connection,
        """
        SELECT content::text AS content FROM question_bank.blueprint
        WHERE id = :id AND (CAST(:version AS int) IS NULL OR version = :version)
        ORDER BY version DESC LIMIT 1
        """,
        id=blueprint,
        version=version,
    )
    if row is None:
        raise NotFound("blueprint_unknown", f"Спецификации «{blueprint}» нет. Выберите другую из списка.")
    return msgspec.json.decode(row["content"], type=Blueprint)


async def list_blueprints(connection: AsyncConnection, speciality: str | None = None) -> list[Blueprint]:
    """The latest version of every blueprint, by speciality and title."""
    rows = await fetch_all(
        connection,
        """
        SELECT DISTINCT ON (id) content::text AS content FROM question_bank.blueprint
        WHERE CAST(:speciality AS text) IS NULL OR speciality = :speciality
        ORDER BY id, version DESC
        """,
        speciality=speciality,
    )
    found = [msgspec.json.decode(row["content"], type=Blueprint) for row in rows]
    return sorted(found, key=lambda blueprint: (blueprint.speciality, blueprint.title, blueprint.id))


async def _refuse_unknown_requirements(connection: AsyncConnection, blueprint: Blueprint) -> None:
    rows = await fetch_all(
        connection,
        """
        SELECT s.code AS speciality, r.code FROM question_bank.speciality s
        LEFT JOIN question_bank.requirement r ON r.speciality = s.code WHERE s.code = :speciality
        """,
        speciality=blueprint.speciality,
    )
    problems: dict[str, str] = {}
    if not rows:
        problems["speciality"] = "Такой специальности в банке нет."
    known = {row["code"] for row in rows}
    for number, cell in enumerate(blueprint.cells):
        if rows and cell.requirement is not None and cell.requirement not in known:
            problems[f"cells.{number}.requirement"] = f"В специальности нет требования {cell.requirement}."
    if problems:
        raise Invalid(
            "blueprint_invalid",
            f"Спецификация «{blueprint.id}» заполнена неверно. Исправьте указанные поля.",
            fields=problems,
        )
