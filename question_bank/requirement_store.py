"""The catalogue of specialities and professional requirements in PostgreSQL."""

from collections.abc import Collection, Iterable

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import PersonId
from core.moments import Moment
from question_bank.requirements import Requirement, Speciality


class Holding(Struct, frozen=True):
    """How many items a requirement has, by what they are; practice apart from the rest."""

    four_option: int = 0
    """Active, for exams."""
    case: int = 0
    piloted: int = 0
    practice: int = 0
    working: int = 0
    """Newest versions that are drafts, in review or approved."""


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
            INSERT INTO question_bank.requirement (speciality, code, title, section)
            VALUES (:speciality, :code, :title, :section)
            ON CONFLICT (speciality, code) DO UPDATE SET title = excluded.title, section = excluded.section
            """,
            speciality=requirement.speciality,
            code=requirement.code,
            title=requirement.title,
            section=requirement.section,
        )


async def list_specialities(connection: AsyncConnection) -> list[Speciality]:
    rows = await fetch_all(connection, "SELECT code, title FROM question_bank.speciality ORDER BY code")
    return [Speciality(row["code"], row["title"]) for row in rows]


async def list_requirements(connection: AsyncConnection, speciality: str | None = None) -> list[Requirement]:
    """By speciality and code."""
    rows = await fetch_all(
        connection,
        """
        SELECT code, speciality, title, section, repealed_at FROM question_bank.requirement
        WHERE CAST(:speciality AS text) IS NULL OR speciality = :speciality ORDER BY speciality, code
        """,
        speciality=speciality,
    )
    return [
        Requirement(row["code"], row["speciality"], row["title"], row["section"], row["repealed_at"]) for row in rows
    ]


async def load_requirement(connection: AsyncConnection, speciality: str, code: str) -> tuple[Requirement, str]:
    """With the reason of its repeal, "" where it is in force. Raises NotFound (`requirement_unknown`)."""
    row = await fetch_one(
        connection,
        """
        SELECT title, section, repealed_at, repeal_reason FROM question_bank.requirement
        WHERE speciality = :speciality AND code = :code
        """,
        speciality=speciality,
        code=code,
    )
    if row is None:
        raise _unknown(code)
    return Requirement(code, speciality, row["title"], row["section"], row["repealed_at"]), str(row["repeal_reason"])


async def count_holdings(connection: AsyncConnection, speciality: str | None = None) -> dict[tuple[str, str], Holding]:
    """By speciality and code; requirements without items are left out."""
    serving = await fetch_all(
        connection,
        """
        SELECT v.speciality, v.requirement,
               count(*) FILTER (WHERE i.state = 'active' AND i.pool = 'exam' AND v.kind = 'four_option') AS four_option,
               count(*) FILTER (WHERE i.state = 'active' AND i.pool = 'exam' AND v.kind = 'case') AS cases,
               count(*) FILTER (WHERE i.state = 'piloted') AS piloted,
               count(*) FILTER (WHERE i.state = 'active' AND i.pool = 'practice') AS practice
        FROM question_bank.item i JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        WHERE i.state IN ('active', 'piloted') AND (CAST(:speciality AS text) IS NULL OR v.speciality = :speciality)
        GROUP BY v.speciality, v.requirement
        """,
        speciality=speciality,
    )
    working = await fetch_all(
        connection,
        """
        SELECT v.speciality, v.requirement, count(*) AS working
        FROM question_bank.item_version v JOIN question_bank.item i ON i.id = v.item_id AND i.latest = v.version
        WHERE v.state IN ('draft', 'review', 'approved') AND i.state <> 'withdrawn'
          AND (CAST(:speciality AS text) IS NULL OR v.speciality = :speciality)
        GROUP BY v.speciality, v.requirement
        """,
        speciality=speciality,
    )
    at_work = {(row["speciality"], row["requirement"]): int(row["working"]) for row in working}
    found = {
        (row["speciality"], row["requirement"]): Holding(
            row["four_option"],
            row["cases"],
            row["piloted"],
            row["practice"],
            at_work.pop((row["speciality"], row["requirement"]), 0),
        )
        for row in serving
    }
    return found | {place: Holding(working=count) for place, count in at_work.items()}


async def load_titles(connection: AsyncConnection, places: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Titles of requirements by speciality and code; unknown ones are left out."""
    rows = await fetch_all(
        connection,
        """
        SELECT speciality, code, title FROM question_bank.requirement
        JOIN unnest(CAST(:specialities AS text[]), CAST(:codes AS text[])) AS t(speciality, code)
            USING (speciality, code)
        """,
        specialities=[speciality for speciality, _ in places],
        codes=[code for _, code in places],
    )
    return {(row["speciality"], row["code"]): row["title"] for row in rows}


async def repeal_requirement(
    connection: AsyncConnection, speciality: str, code: str, who: PersonId, reason: str, at: Moment
) -> None:
    """Take a requirement out of force: its items leave the pools at once, forms that have them keep them.

    Raises NotFound (`requirement_unknown`), Conflict (`requirement_repealed`), Invalid (`reason_missing`).
    """
    if not reason.strip():
        raise Invalid("reason_missing", "Назовите документ или причину.", fields={"reason": "Заполните поле."})
    await _lock(connection, speciality, code, repealed=False)
    await execute(
        connection,
        """
        UPDATE question_bank.requirement SET repealed_at = :at, repealed_by = :who, repeal_reason = :reason
        WHERE speciality = :speciality AND code = :code
        """,
        speciality=speciality,
        code=code,
        who=who,
        reason=reason.strip(),
        at=at,
    )
    await execute(
        connection,
        """
        INSERT INTO question_bank.history (item_id, version, what, words, done_by, done_at)
        SELECT i.id, v.version, 'repeal', :reason, :who, :at
        FROM question_bank.item i JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.latest
        WHERE v.speciality = :speciality AND v.requirement = :code AND i.state <> 'withdrawn' ORDER BY i.id
        """,
        speciality=speciality,
        code=code,
        who=who,
        reason=reason.strip(),
        at=at,
    )
    await _count_revision(connection, speciality)


async def restore_requirement(connection: AsyncConnection, speciality: str, code: str) -> None:
    """Put a requirement in force again. Raises NotFound (`requirement_unknown`), Conflict (`requirement_in_force`)."""
    await _lock(connection, speciality, code, repealed=True)
    await execute(
        connection,
        """
        UPDATE question_bank.requirement SET repealed_at = NULL, repealed_by = NULL, repeal_reason = ''
        WHERE speciality = :speciality AND code = :code
        """,
        speciality=speciality,
        code=code,
    )
    await _count_revision(connection, speciality)


async def _lock(connection: AsyncConnection, speciality: str, code: str, *, repealed: bool) -> None:
    row = await fetch_one(
        connection,
        """
        SELECT repealed_at FROM question_bank.requirement
        WHERE speciality = :speciality AND code = :code FOR UPDATE
        """,
        speciality=speciality,
        code=code,
    )
    if row is None:
        raise _unknown(code)
    if (row["repealed_at"] is not None) != repealed:
        if repealed:
            raise Conflict("requirement_in_force", "Требование действует. Обновите страницу.")
        raise Conflict("requirement_repealed", "Требование уже отменено. Обновите страницу.")


async def _count_revision(connection: AsyncConnection, speciality: str) -> None:
    await execute(
        connection, "UPDATE question_bank.speciality SET revision = revision + 1 WHERE code = :code", code=speciality
    )


def _unknown(code: str) -> NotFound:
    return NotFound("requirement_unknown", f"Требования {code} в этой специальности нет.")
