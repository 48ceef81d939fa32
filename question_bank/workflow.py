"""The life of an item's version, from draft to retirement, and who may move it on. Pure.

    draft -> review -> approved -> piloted -> active -> retired

A version never changes: to mend one is to write the next. An item has at most one version in service (piloted or
active); another that becomes active takes its place. Four eyes: whoever wrote any version since the last approved one
does not approve.
"""

from typing import Literal

from msgspec import Struct

from core.errors import Conflict, Forbidden
from core.ids import PersonId

State = Literal["draft", "review", "approved", "piloted", "active", "retired"]
Service = Literal["working", "piloted", "active", "retired", "withdrawn"]
"""What an item is in the bank: `working` before its first service."""
Move = Literal["send", "recall", "return", "approve", "pilot", "activate", "retire", "reopen"]

STATES: tuple[State, ...] = ("draft", "review", "approved", "piloted", "active", "retired")
MOVES: dict[tuple[State, Move], State] = {
    ("draft", "send"): "review",
    ("review", "recall"): "draft",
    ("review", "return"): "draft",
    ("review", "approve"): "approved",
    ("approved", "return"): "draft",
    ("approved", "pilot"): "piloted",
    ("approved", "activate"): "active",
    ("piloted", "activate"): "active",
    ("piloted", "retire"): "retired",
    ("active", "retire"): "retired",
    ("retired", "reopen"): "review",
}
FOR_APPROVERS: frozenset[Move] = frozenset({"return", "approve", "pilot", "activate", "retire", "reopen"})
"""The other moves are an author's."""
EXPLAINED: frozenset[Move] = frozenset({"return", "retire", "reopen"})
"""Moves that are made with words."""


class Standing(Struct, frozen=True):
    """A version of an item as a move finds it."""

    state: State
    newest: bool
    """No later version has been written."""
    service: Service
    """The item's."""
    authors: frozenset[PersonId]
    """Who wrote it, and the versions before it back to the last approved one."""
    ready: bool
    """It has no faults."""
    repealed: bool = False
    """Its requirement is no longer in force."""


class Actor(Struct, frozen=True):
    person: PersonId
    may_edit: bool
    may_approve: bool


def decide(standing: Standing, move: Move, actor: Actor, words: str = "") -> State:
    """The state after the move.

    Raises Forbidden (`move_not_yours`, `four_eyes`), Conflict (`move_impossible`, `item_withdrawn`,
    `version_overtaken`, `item_unready`, `requirement_repealed`, `pilot_active`, `words_missing`).
    """
    allowed = actor.may_approve if move in FOR_APPROVERS else actor.may_edit
    if not allowed:
        raise Forbidden("move_not_yours", "Этот шаг делает другой сотрудник. Попросите того, кто утверждает задания.")
    if standing.service == "withdrawn":
        raise Conflict("item_withdrawn", "Задание отозвано и больше не используется. Создайте новое.")
    after = MOVES.get((standing.state, move))
    if after is None:
        raise Conflict("move_impossible", "Состояние версии уже другое. Обновите страницу.")
    if not standing.newest and move not in ("retire", "return", "recall"):
        raise Conflict("version_overtaken", "Есть более новая версия задания. Откройте её.")
    if move in EXPLAINED and not words.strip():
        raise Conflict("words_missing", "Напишите, почему.", fields={"words": "Напишите, почему."})
    if move in ("send", "approve", "pilot", "activate") and not standing.ready:
        raise Conflict("item_unready", "В задании есть ошибки. Исправьте их и отправьте ещё раз.")
    if move in ("send", "approve", "pilot", "activate", "reopen") and standing.repealed:
        raise Conflict(
            "requirement_repealed", "Требование, к которому написано задание, отменено. Выберите действующее."
        )
    if move == "recall" and actor.person not in standing.authors:
        raise Forbidden("move_not_yours", "С проверки задание забирает его автор.")
    if move == "approve" and actor.person in standing.authors:
        raise Forbidden("four_eyes", "Своё задание утвердить нельзя. Это сделает другой методист.")
    if move == "pilot" and standing.service == "active":
        raise Conflict(
            "pilot_active", "Прежняя версия задания действует. Введите новую вместо неё или сначала выведите прежнюю."
        )
    return after


def possible(standing: Standing, actor: Actor) -> tuple[Move, ...]:
    """The moves that this person could make now, words provided, in the order in which they are offered."""
    found: list[Move] = []
    for state, move in MOVES:
        if state != standing.state:
            continue
        try:
            decide(standing, move, actor, "…")
        except (Conflict, Forbidden):
            continue
        found.append(move)
    return tuple(found)
