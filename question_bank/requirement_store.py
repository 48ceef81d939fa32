"""The catalogue of specialities and professional requirements in PostgreSQL."""

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from question_bank.forms import ItemPool
from question_bank.requirements import Requirement, Speciality


class Supply(Struct, frozen=True):
    """How many active items of a kind a requirement has."""

    speciality: str
    requirement: str
    title: str
    four_option: int
    case: int


async def save_requirements(
    connection: AsyncConnection, specialities: Iterable[Speciality], requirements: Iterable[Requirement]
) -> None:
    """Add specialities and requirements, or mend their titles."""
    for speciality in specialities:
        await execute(
            connection,
            """
            INSERT INTO question_bank.speciality (code, title) VALUES (:code, :title)
            ON CONFLICT (code) DO UPDATE SET title = excluded.title
            """,
            code=speciality.code,
            title=speciality.title,
        )
    for requirement in requirements:
        await execute(
            connection,
            """
            INSERT INTO question_bank.requirement (speciality, code, title)
            VALUES (:speciality, :code, :title)
            ON CONFLICT (speciality, code) DO UPDATE SET title = excluded.title
            """,
            speciality=requirement.speciality,
            code=requirement.code,
            title=requirement.title,
        )


async def list_specialities(connection: AsyncConnection) -> list[Speciality]:
    rows = await fetch_all(connection, "SELECT code, title FROM question_bank.speciality ORDER BY code")
    return [Speciality(row["code"], row["title"]) for row in rows]


async def list_requirements(connection: AsyncConnection, speciality: str | None = None) -> list[Requirement]:
    """By speciality and code."""
    rows = await fetch_all(
        connection,
        """
        SELECT code, speciality, title FROM question_bank.requirement
        WHERE CAST(:speciality AS text) IS NULL OR speciality = :speciality ORDER BY speciality, code
        """,
        speciality=speciality,
    )
    return [Requirement(row["code"], row["speciality"], row["title"]) for row in rows]


async def list_supply(connection: AsyncConnection, pool: ItemPool = "exam") -> list[Supply]:
    """How many active items a pool has, by speciality and requirement; requirements without any included."""
    rows = await fetch_all(
        connection,
        """
        SELECT r.speciality, r.code, r.title,
               count(*) FILTER (WHERE have.kind = 'four_option') AS four_option,
               count(*) FILTER (WHERE have.kind = 'case') AS cases
        FROM question_bank.requirement r
        LEFT JOIN (SELECT v.speciality, v.requirement, v.kind FROM question_bank.item i
                   JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
                   WHERE i.state = 'active' AND i.pool = :pool) have
            ON have.speciality = r.speciality AND have.requirement = r.code
        GROUP BY r.speciality, r.code, r.title ORDER BY r.speciality, r.code
        """,
        pool=pool,
    )
    return [Supply(row["speciality"], row["code"], row["title"], row["four_option"], row["cases"]) for row in rows]
