"""Versions of items as they are written and moved on: saved, sent, put in service; who did it, and what was said.

Nothing is ever changed: a save is a new version, a move a new line of the history.
"""

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.drafts import Draft, draft_of, make_item
from question_bank.faults import is_plain, refuse_unfit
from question_bank.standings import load_standings
from question_bank.store import load_items, unknown_item
from question_bank.version_rows import (
    count_revision,
    dress,
    insert_versions,
    refuse_other_pool,
    refuse_unknown_requirements,
)
from question_bank.workflow import Actor, Move, Service, Standing, State, decide

LONGEST_WORDS = 2_000


class Step(Struct, frozen=True):
    """One line of an item's history. `field`: what a comment is about, as faults name it; "" the whole."""

    version: int
    what: str
    field: str
    words: str
    done_by: PersonId
    done_at: Moment


class VersionRow(Struct, frozen=True):
    """A version without its content. `author` None: it came with the bank."""

    version: int
    state: State
    ready: bool
    author: PersonId | None
    saved_at: Moment


class Line(Struct, frozen=True):
    """An item and all its versions, the newest first."""

    item: ItemId
    service: Service
    in_service: int
    """The version in service, or that was last; the newest where none ever was."""
    versions: tuple[VersionRow, ...]

    @property
    def latest(self) -> int:
        return self.versions[0].version


async def next_item_id(connection: AsyncConnection) -> ItemId:
    """An id that no item has: `i000123`."""
    while True:
        row = await fetch_one(connection, "SELECT nextval('question_bank.item_number') AS number")
        assert row is not None
        item = ItemId(f"i{row['number']:06}")
        if await fetch_one(connection, "SELECT id FROM question_bank.item WHERE id = :id", id=item) is None:
            return item


async def save_version(
    connection: AsyncConnection,
    item: ItemId,
    based_on: int,
    draft: Draft,
    author: PersonId,
    at: Moment,
    words: str = "",
) -> int:
    """Keep a filled draft as the next version of an item (the first with `based_on` 0) and return its number.

    A draft that says what the newest version says makes no new one. Raises Invalid (`item_invalid`, `draft_unfilled`,
    `requirement_unknown`, `asset_unknown`), Conflict (`version_overtaken`: somebody saved in between; `item_withdrawn`;
    `pool_fixed`).
    """
    row = await fetch_one(connection, "SELECT latest, state FROM question_bank.item WHERE id = :id FOR UPDATE", id=item)
    latest = 0 if row is None else int(row["latest"])
    if latest != based_on:
        raise _overtaken(latest)
    if row is not None and row["state"] == "withdrawn":
        raise Conflict("item_withdrawn", "Задание отозвано и больше не используется. Создайте новое.")
    made = make_item(draft, item, latest + 1)
    refuse_unfit(made)
    await refuse_unknown_requirements(connection, [made])
    (made,) = await dress(connection, [made])
    if latest:
        newest = (await load_items(connection, [(item, latest)]))[item, latest]
        if draft_of(made) == draft_of(newest):
            return latest
        await refuse_other_pool(connection, [made])
        await execute(
            connection,
            """
            UPDATE question_bank.item
            SET latest = :version, version = CASE WHEN state = 'working' THEN :version ELSE version END WHERE id = :id
            """,
            id=item,
            version=made.version,
        )
    else:
        fresh = await execute(
            connection,
            """
            INSERT INTO question_bank.item (id, version, latest, pool, state) VALUES (:id, 1, 1, :pool, 'working')
            ON CONFLICT DO NOTHING
            """,
            id=item,
            pool=made.pool,
        )
        if not fresh:
            raise _overtaken(1)
    await insert_versions(connection, [made], "draft", author, at)
    await record_step(connection, item, made.version, "save", author, at, words)
    return made.version


async def move_version(
    connection: AsyncConnection, item: ItemId, version: int, move: Move, actor: Actor, at: Moment, words: str = ""
) -> State:
    """Move a version on, for whoever may (see workflow), and write it down; returns the state it has now.

    Raises what workflow.decide does, NotFound (`item_unknown`), Invalid (`words_invalid`).
    """
    words = read_words(words)
    standing = await load_standing(connection, item, version)
    after = decide(standing, move, actor, words)
    specialities = {await _speciality(connection, item, version)}
    if after in ("piloted", "active"):
        replaced = await fetch_one(
            connection,
            """
            UPDATE question_bank.item_version SET state = 'retired'
            WHERE item_id = :item AND state IN ('piloted', 'active') AND version <> :version RETURNING version
            """,
            item=item,
            version=version,
        )
        if replaced is not None:
            # It may have been of another speciality: the pools there have lost an item.
            specialities.add(await _speciality(connection, item, replaced["version"]))
            await record_step(connection, item, replaced["version"], "replace", actor.person, at)
        await execute(
            connection,
            "UPDATE question_bank.item SET state = :state, version = :version WHERE id = :item",
            item=item,
            state=after,
            version=version,
        )
    elif after == "retired":
        await execute(connection, "UPDATE question_bank.item SET state = 'retired' WHERE id = :item", item=item)
    await execute(
        connection,
        "UPDATE question_bank.item_version SET state = :state WHERE item_id = :item AND version = :version",
        item=item,
        version=version,
        state=after,
    )
    if after in ("piloted", "active", "retired"):
        await count_revision(connection, specialities)
    await record_step(connection, item, version, move, actor.person, at, words)
    return after


async def comment_on(
    connection: AsyncConnection,
    item: ItemId,
    version: int,
    words: str,
    author: PersonId,
    at: Moment,
    field: str = "",
) -> None:
    """Raises NotFound (`item_unknown`), Invalid (`words_invalid`) for an empty comment or one that is too long."""
    words = read_words(words)
    if not words:
        raise Invalid("words_invalid", "Напишите комментарий.", fields={"words": "Напишите комментарий."})
    await _speciality(connection, item, version)
    await record_step(connection, item, version, "comment", author, at, words, field[:60])


async def load_standing(connection: AsyncConnection, item: ItemId, version: int) -> Standing:
    """A version as a move finds it; the item is locked until the transaction ends. Raises NotFound (`item_unknown`)."""
    # Locked by a statement of its own: what comes after it sees what whoever had the lock has done.
    await fetch_one(connection, "SELECT id FROM question_bank.item WHERE id = :item FOR UPDATE", item=item)
    standing = (await load_standings(connection, [(item, version)])).get((item, version))
    if standing is None:
        raise unknown_item(item)
    return standing


async def load_line(connection: AsyncConnection, item: ItemId) -> Line:
    """Raises NotFound (`item_unknown`)."""
    rows = await fetch_all(
        connection,
        """
        SELECT i.state AS service, i.version AS in_service, v.version, v.state, v.ready, v.author, v.published_at
        FROM question_bank.item i JOIN question_bank.item_version v ON v.item_id = i.id
        WHERE i.id = :item ORDER BY v.version DESC
        """,
        item=item,
    )
    if not rows:
        raise unknown_item(item)
    return Line(item, rows[0]["service"], rows[0]["in_service"], tuple(_version_row(row) for row in rows))


async def list_steps(connection: AsyncConnection, item: ItemId) -> list[Step]:
    """All that was done and said, the oldest first."""
    rows = await fetch_all(
        connection,
        """
        SELECT version, what, field, words, done_by, done_at FROM question_bank.history
        WHERE item_id = :item ORDER BY id
        """,
        item=item,
    )
    return [
        Step(row["version"], row["what"], row["field"], row["words"], PersonId(row["done_by"]), row["done_at"])
        for row in rows
    ]


async def record_step(
    connection: AsyncConnection,
    item: ItemId,
    version: int,
    what: str,
    who: PersonId,
    at: Moment,
    words: str = "",
    field: str = "",
) -> None:
    await execute(
        connection,
        """
        INSERT INTO question_bank.history (item_id, version, what, field, words, done_by, done_at)
        VALUES (:item, :version, :what, :field, :words, :who, :at)
        """,
        item=item,
        version=version,
        what=what,
        field=field,
        words=words,
        who=who,
        at=at,
    )


async def rate(
    connection: AsyncConnection, item: ItemId, version: int, judge: PersonId, rating: int, at: Moment
) -> None:
    """A judge's Angoff rating of a version, 0..100; given again it takes the place of the one before.

    Raises Invalid (`rating_invalid`), NotFound (`item_unknown`).
    """
    if not 0 <= rating <= 100:
        raise Invalid("rating_invalid", "Оценка — целое число от 0 до 100.", fields={"rating": "От 0 до 100."})
    speciality = await _speciality(connection, item, version)
    await execute(
        connection,
        """
        INSERT INTO question_bank.angoff_rating (item_id, version, judge, rating, rated_at)
        VALUES (:item, :version, :judge, :rating, :at)
        ON CONFLICT (item_id, version, judge) DO UPDATE SET rating = excluded.rating, rated_at = excluded.rated_at
        """,
        item=item,
        version=version,
        judge=judge,
        rating=rating,
        at=at,
    )
    await count_revision(connection, {speciality})


async def list_ratings(connection: AsyncConnection, item: ItemId, version: int) -> dict[PersonId, int]:
    rows = await fetch_all(
        connection,
        """
        SELECT judge, rating FROM question_bank.angoff_rating
        WHERE item_id = :item AND version = :version ORDER BY judge
        """,
        item=item,
        version=version,
    )
    return {PersonId(row["judge"]): row["rating"] for row in rows}


def read_words(words: str) -> str:
    """What somebody says with a move or a comment. Raises Invalid (`words_invalid`)."""
    told = words.strip()
    if len(told) > LONGEST_WORDS or not is_plain(told):
        sentence = f"Не длиннее {LONGEST_WORDS} знаков, без управляющих знаков."
        raise Invalid("words_invalid", sentence, fields={"words": sentence})
    return told


async def _speciality(connection: AsyncConnection, item: ItemId, version: int) -> str:
    row = await fetch_one(
        connection,
        "SELECT speciality FROM question_bank.item_version WHERE item_id = :item AND version = :version",
        item=item,
        version=version,
    )
    if row is None:
        raise unknown_item(item)
    return str(row["speciality"])


def _version_row(row: RowMapping) -> VersionRow:
    author = row["author"]
    return VersionRow(
        row["version"],
        row["state"],
        row["ready"],
        None if author is None else PersonId(author),
        row["published_at"],
    )


def _overtaken(latest: int) -> Conflict:
    return Conflict(
        "version_overtaken",
        "Пока вы писали, задание сохранил другой сотрудник. Ваш текст не потерян: сравните его с новой версией.",
        fields={"version": str(latest)},
    )
