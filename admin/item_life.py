"""The life of an item as its page tells it: states, who may move it on, what was done and said, ratings."""

import asyncio
import statistics

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.authoring import NamedItem, actor_of, list_stems
from core import journal
from core.access import Principal, people
from core.errors import NotFound
from core.ids import ItemId, PersonId
from core.moments import Moment
from question_bank.differences import Difference, compare
from question_bank.drafts import draft_of
from question_bank.enemy_store import list_enemies
from question_bank.faults import find_faults
from question_bank.items import Item
from question_bank.store import load_items
from question_bank.version_store import (
    Line,
    Step,
    VersionRow,
    comment_on,
    list_ratings,
    list_steps,
    load_line,
    load_standing,
    move_version,
    rate,
)
from question_bank.workflow import Move, Standing, State, possible
from question_bank.working_copies import load_copy


class Ratings(Struct, frozen=True):
    """Angoff ratings of a version. What others gave is there once the reader has given one: nobody is led."""

    count: int
    mine: int | None
    mean: float | None = None
    spread: float | None = None
    """Standard deviation, of two and more."""
    others: tuple[tuple[str, int], ...] = ()


class Life(Struct, frozen=True):
    """What is known of one version beside its text."""

    line: Line
    shown: VersionRow
    standing: Standing
    moves: tuple[Move, ...]
    """What the reader can do with it now."""
    own: bool
    """The reader wrote it, or a version before it that nobody has approved: four eyes."""
    faults: dict[str, str]
    steps: tuple[Step, ...]
    """The newest first."""
    names: dict[PersonId, str]
    ratings: Ratings
    enemies: tuple[NamedItem, ...]
    unfinished: bool
    """The reader has an edit of the item that is not saved."""
    against: int | None = None
    difference: Difference | None = None
    """What it changes in version `against`."""


async def open_life(
    connection: AsyncConnection, item: Item, reader: Principal, against: int | None = None, *, asked: bool = True
) -> Life:
    """`against`: another version that this one is compared with; one that is not there compares nothing.

    Where nobody has `asked` for one, whoever reviews is shown what changes in the version in service, or in the last.
    """
    line = await load_line(connection, item.id)
    shown = next(row for row in line.versions if row.version == item.version)
    standing = await load_standing(connection, item.id, item.version)
    steps = await list_steps(connection, item.id)
    ratings = await list_ratings(connection, item.id, item.version)
    ids = {step.done_by for step in steps} | set(ratings) | {row.author for row in line.versions if row.author}
    names = {one.id: one.name for one in await people(connection, ids)}
    if not asked and shown.state == "review" and item.version > 1:
        against = line.in_service if line.in_service < item.version else item.version - 1
    known = against is not None and against != item.version and any(row.version == against for row in line.versions)
    return Life(
        line,
        shown,
        standing,
        possible(standing, actor_of(reader)),
        reader.id in standing.authors,
        find_faults(item).all,
        tuple(reversed(steps)),
        names,
        _ratings(ratings, reader.id, names),
        tuple(await list_stems(connection, await list_enemies(connection, item.id))),
        await load_copy(connection, reader.id, item.id) is not None,
        against if known else None,
        await compare_versions(connection, item, against) if known and against is not None else None,
    )


async def compare_versions(connection: AsyncConnection, item: Item, against: int) -> Difference:
    """What a version changes in another one of the same item."""
    other = (await load_items(connection, [(item.id, against)]))[item.id, against]
    # In a thread: whoever compares long texts keeps nobody else waiting.
    return await asyncio.to_thread(compare, draft_of(other), draft_of(item))


async def move(
    connection: AsyncConnection, item: ItemId, version: int, step: Move, reader: Principal, now: Moment, words: str = ""
) -> State:
    """Move a version on and journal it. Raises what move_version does."""
    state = await move_version(connection, item, version, step, actor_of(reader), now, words)
    await _note(connection, reader, "bank.version_moved", item, {"version": version, "move": step}, now)
    return state


async def comment(
    connection: AsyncConnection, item: ItemId, version: int, words: str, field: str, reader: Principal, now: Moment
) -> None:
    """Raises what comment_on does."""
    await comment_on(connection, item, version, words, reader.id, now, field)
    await _note(connection, reader, "bank.version_commented", item, {"version": version}, now)


async def give_rating(
    connection: AsyncConnection, item: ItemId, version: int, rating: int, reader: Principal, now: Moment
) -> None:
    """Raises what rate does."""
    await rate(connection, item, version, reader.id, rating, now)
    await _note(connection, reader, "bank.version_rated", item, {"version": version, "rating": rating}, now)


def find_row(line: Line, version: int) -> VersionRow:
    """Raises NotFound (`item_unknown`)."""
    for row in line.versions:
        if row.version == version:
            return row
    raise NotFound("item_unknown", f"Версии {version} у задания «{line.item}» нет.")


def _ratings(ratings: dict[PersonId, int], reader: PersonId, names: dict[PersonId, str]) -> Ratings:
    mine = ratings.get(reader)
    if mine is None:
        return Ratings(len(ratings), None)
    values = list(ratings.values())
    return Ratings(
        len(values),
        mine,
        statistics.fmean(values),
        statistics.stdev(values) if len(values) > 1 else None,
        tuple((names.get(judge, ""), rating) for judge, rating in ratings.items() if judge != reader),
    )


async def _note(
    connection: AsyncConnection, reader: Principal, what: str, item: ItemId, fields: journal.Fields, now: Moment
) -> None:
    await journal.record(connection, f"person:{reader.id}", what, f"item:{item}", fields, now)
