"""The words of the bank, kept as items are written, for those who mistype one."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all
from question_bank.wording import LONGEST_WORD, SHORTEST_WORD, Query, find_nearest, shares

MOST_CANDIDATES = 500
SLIPS = 2
"""How many letters longer or shorter a word may be that is meant."""


async def keep_words(connection: AsyncConnection, forms: Sequence[str]) -> None:
    """Keep those that are new; `forms` are folded words. Never waits for another transaction."""
    await execute(
        connection,
        """
        INSERT INTO question_bank.word (lexeme, form, trigrams)
        SELECT lexeme, form, ARRAY(SELECT substr('  ' || lexeme || ' ', place, 3)
                                   FROM generate_series(1, length(lexeme) + 1) AS place)
        FROM (SELECT DISTINCT ON (lexeme) lexeme, form
              FROM (SELECT (ts_lexize('russian_stem', form))[1] AS lexeme, form
                    FROM unnest(CAST(:forms AS text[])) AS form) told
              WHERE length(lexeme) >= :shortest ORDER BY lexeme, length(form), form) fresh
        WHERE NOT EXISTS (SELECT FROM question_bank.word known WHERE known.lexeme = fresh.lexeme)
        """,
        forms=forms,
        shortest=SHORTEST_WORD,
    )


async def find_meant(connection: AsyncConnection, query: Query) -> dict[str, str]:
    """For each word of a query that the bank does not have, the nearest that it has, if any is near."""
    rows = await fetch_all(
        connection,
        """
        SELECT form, lexeme FROM (SELECT form, (ts_lexize('russian_stem', form))[1] AS lexeme
                                  FROM unnest(CAST(:forms AS text[])) AS form) told
        WHERE lexeme IS NOT NULL AND NOT EXISTS (
            SELECT FROM question_bank.word known
            WHERE known.lexeme = told.lexeme OR (told.form = :last AND starts_with(known.lexeme, told.form)))
        """,
        forms=query.words,
        last=query.last,
    )
    meant: dict[str, str] = {}
    for row in rows:
        lexeme = str(row["lexeme"])[:LONGEST_WORD]
        stretches = [stretch for stretch in shares(lexeme) if stretch]
        has = " OR ".join(f"trigrams @> CAST(:share{number} AS text[])" for number in range(len(stretches)))
        near = await fetch_all(
            connection,
            f"""
            SELECT DISTINCT lexeme, form FROM question_bank.word
            WHERE ({has}) AND length(lexeme) BETWEEN :shortest AND :longest LIMIT :most
            """,
            shortest=len(lexeme) - SLIPS,
            longest=len(lexeme) + SLIPS,
            most=MOST_CANDIDATES,
            **{f"share{number}": stretch for number, stretch in enumerate(stretches)},
        )
        forms = {one["lexeme"]: str(one["form"]) for one in near}
        nearest = find_nearest(lexeme, forms)
        if nearest is not None:
            meant[str(row["form"])] = forms[nearest]
    return meant
