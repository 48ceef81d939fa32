"""One act on many items: what would happen is told first, then it is done item by item, and nothing fails in silence.

Every item is judged by workflow.decide alone, as if it were the only one: four eyes hold for a thousand too.
"""

from collections.abc import Sequence
from typing import Literal, TypeGuard, get_args

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.authoring import actor_of
from core import journal
from core.access import Permission, Principal
from core.clock import Clock
from core.database import Database
from core.errors import AccreditationError, Conflict, Forbidden, NotFound, Unavailable
from core.ids import ItemId
from core.moments import Moment
from question_bank.candidate_store import ItemRef
from question_bank.drafts import draft_of
from question_bank.requirement_store import list_requirements
from question_bank.requirements import Requirement
from question_bank.standings import load_standings, versions_in_service
from question_bank.store import load_items
from question_bank.version_store import move_version, read_words, save_version
from question_bank.workflow import EXPLAINED, FOR_APPROVERS, Move, Standing, State, decide

Act = Literal[Move, "requirement"]
"""A move, or a new version of each for another requirement."""
ACTS: tuple[Act, ...] = ("send", "recall", "approve", "return", "pilot", "activate", "retire", "reopen", "requirement")
MOST = 1_000
CHUNK = 50
"""So many are done in one transaction."""
PLACEHOLDER = "…"
UNSUITED: dict[State, str] = {
    "draft": "Это черновик: сначала его отправляют на проверку.",
    "review": "Версия на проверке.",
    "approved": "Версия утверждена, но ещё не введена.",
    "piloted": "Версия в апробации.",
    "active": "Версия уже действует.",
    "retired": "Версия выведена из действия.",
}
"""Why a version is not one for an act, by its state."""


class Refused(Struct, frozen=True):
    item: ItemId
    version: int
    sentence: str


class Foreseen(Struct, frozen=True):
    """What an act would do now."""

    able: tuple[ItemRef, ...]
    refused: tuple[Refused, ...]

    @property
    def reasons(self) -> dict[str, list[Refused]]:
        """Those that can't, by why, the most frequent reason first."""
        found: dict[str, list[Refused]] = {}
        for one in self.refused:
            found.setdefault(one.sentence, []).append(one)
        return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))


class Done(Struct, frozen=True):
    done: tuple[ItemRef, ...]
    refused: tuple[Refused, ...]


def is_act(name: str) -> TypeGuard[Act]:
    return name in ACTS


def is_move(act: Act) -> TypeGuard[Move]:
    return act in get_args(Move)


def acts_of(reader: Principal) -> tuple[Act, ...]:
    """The acts that a person may try."""
    return tuple(
        act for act in ACTS if reader.may(Permission.BANK_APPROVE if act in FOR_APPROVERS else Permission.BANK_EDIT)
    )


def asks_words(act: Act) -> bool:
    return act in EXPLAINED


async def foresee(connection: AsyncConnection, act: Act, chosen: Sequence[ItemRef], reader: Principal) -> Foreseen:
    """For the newest versions that were chosen; retiring is about the version in service."""
    refs = sorted(set(chosen))[:MOST]
    if act == "retire":
        serving = await versions_in_service(connection, [item for item, _ in refs])
        refs = [(item, serving.get(item, version)) for item, version in refs]
    standings = await load_standings(connection, refs)
    able, refused = [], []
    for ref in refs:
        standing = standings.get(ref)
        try:
            _judge(act, standing, reader)
        except AccreditationError as problem:
            if standing is not None and problem.code == "move_impossible":
                refused.append(Refused(*ref, UNSUITED[standing.state]))
            else:
                refused.append(Refused(*ref, problem.message))
        else:
            able.append(ref)
    return Foreseen(tuple(able), tuple(refused))


async def offer_targets(connection: AsyncConnection, refs: Sequence[ItemRef]) -> list[Requirement]:
    """Requirements in force of the specialities of these items."""
    items = await load_items(connection, refs)
    specialities = {item.speciality for item in items.values()}
    return [
        one for one in await list_requirements(connection) if one.speciality in specialities and one.repealed_at is None
    ]


async def carry_out(
    database: Database,
    clock: Clock,
    act: Act,
    refs: Sequence[ItemRef],
    words: str,
    target: Requirement | None,
    reader: Principal,
) -> Done:
    """Do it to each that still can, in chunks; what one refuses holds up no other.

    Raises Conflict (`words_missing`), Invalid (`words_invalid`) before anything is done.
    """
    words = read_words(words)
    if asks_words(act) and not words:
        raise Conflict("words_missing", "Напишите, почему.", fields={"words": "Напишите, почему."})
    wanted = sorted(set(refs))[:MOST]
    done: list[ItemRef] = []
    refused: list[Refused] = []
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        carried: list[ItemRef] = []
        failed: list[Refused] = []
        try:
            async with database.transaction() as connection:
                for ref in chunk:
                    try:
                        async with connection.begin_nested():
                            await _do(connection, act, ref, words, target, reader, clock.now())
                    except Unavailable:
                        raise
                    except AccreditationError as problem:
                        failed.append(Refused(*ref, problem.message))
                    else:
                        carried.append(ref)
        except Unavailable as problem:
            refused += [Refused(*ref, problem.message) for ref in wanted[start:]]
            break
        done += carried
        refused += failed
    return Done(tuple(done), tuple(refused))


def _judge(act: Act, standing: Standing | None, reader: Principal) -> None:
    if standing is None:
        raise NotFound("item_unknown", "Такого задания в банке уже нет.")
    if is_move(act):
        decide(standing, act, actor_of(reader), PLACEHOLDER)
        return
    if not reader.may(Permission.BANK_EDIT):
        raise Forbidden("move_not_yours", "Этот шаг делает другой сотрудник. Попросите того, кто утверждает задания.")
    if standing.service == "withdrawn":
        raise Conflict("item_withdrawn", "Задание отозвано и больше не используется. Создайте новое.")
    if not standing.newest:
        raise Conflict("version_overtaken", "Есть более новая версия задания. Откройте её.")


async def _do(
    connection: AsyncConnection,
    act: Act,
    ref: ItemRef,
    words: str,
    target: Requirement | None,
    reader: Principal,
    at: Moment,
) -> None:
    item, version = ref
    who, what = f"person:{reader.id}", f"item:{item}"
    if is_move(act):
        await move_version(connection, item, version, act, actor_of(reader), at, words)
        await journal.record(connection, who, "bank.version_moved", what, {"version": version, "move": act}, at)
        return
    if target is None:
        raise Conflict("requirement_unknown", "Выберите требование.")
    _judge(act, (await load_standings(connection, [ref])).get(ref), reader)
    old = (await load_items(connection, [ref]))[ref]
    if (old.speciality, old.requirement) == (target.speciality, target.code):
        raise Conflict("requirement_same", "Задание уже написано к этому требованию.")
    draft = replace(draft_of(old), speciality=target.speciality, requirement=target.code)
    saved = await save_version(connection, item, version, draft, reader.id, at, words)
    await journal.record(connection, who, "bank.version_saved", what, {"version": saved}, at)
