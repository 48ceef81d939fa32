"""The life of a version: every move from every state, and who may make it."""

from itertools import product
from typing import get_args

import pytest
from msgspec.structs import replace

from core.errors import Conflict, Forbidden
from core.ids import PersonId
from question_bank.workflow import (
    EXPLAINED,
    FOR_APPROVERS,
    MOVES,
    STATES,
    Actor,
    Move,
    Standing,
    State,
    decide,
    possible,
)

AUTHOR, OTHER = PersonId(1), PersonId(2)
EDITOR = Actor(OTHER, may_edit=True, may_approve=False)
APPROVER = Actor(OTHER, may_edit=True, may_approve=True)


def able(move: Move) -> Actor:
    """Whoever may make the move."""
    return replace(APPROVER, person=AUTHOR) if move == "recall" else APPROVER


ALL: tuple[Move, ...] = get_args(Move)


def standing(state: State, **changes: object) -> Standing:
    return replace(Standing(state, True, "working", frozenset({AUTHOR}), True), **changes)


@pytest.mark.parametrize(("state", "move"), list(product(STATES, ALL)))
def test_every_move_from_every_state_is_in_the_table_or_refused(state: State, move: Move) -> None:
    if (state, move) in MOVES:
        assert decide(standing(state), move, able(move), "Потому") == MOVES[state, move]
    else:
        with pytest.raises(Conflict, match="move_impossible"):
            decide(standing(state), move, able(move), "Потому")


@pytest.mark.parametrize(("state", "move"), list(MOVES))
def test_who_may_not_approve_makes_only_an_authors_moves(state: State, move: Move) -> None:
    if move in FOR_APPROVERS:
        with pytest.raises(Forbidden, match="move_not_yours"):
            decide(standing(state), move, EDITOR, "Потому")
    else:
        assert decide(standing(state), move, replace(able(move), may_approve=False)) == MOVES[state, move]
    with pytest.raises(Forbidden, match="move_not_yours"):
        decide(standing(state), move, Actor(OTHER, False, False), "Потому")


def test_nobody_approves_what_he_wrote() -> None:
    author = replace(APPROVER, person=AUTHOR)
    with pytest.raises(Forbidden, match="four_eyes"):
        decide(standing("review"), "approve", author)
    assert decide(standing("review"), "return", author, "Сам вижу") == "draft"
    assert decide(standing("approved"), "activate", author) == "active"


def test_only_an_author_takes_a_version_back_from_review() -> None:
    with pytest.raises(Forbidden, match="move_not_yours"):
        decide(standing("review"), "recall", APPROVER)
    assert decide(standing("review"), "recall", replace(EDITOR, person=AUTHOR)) == "draft"


@pytest.mark.parametrize(("state", "move"), list(MOVES))
def test_nothing_moves_that_was_withdrawn(state: State, move: Move) -> None:
    with pytest.raises(Conflict, match="item_withdrawn"):
        decide(standing(state, service="withdrawn"), move, able(move), "Потому")


@pytest.mark.parametrize(("state", "move"), list(MOVES))
def test_an_overtaken_version_only_goes_back_or_out(state: State, move: Move) -> None:
    if move in ("retire", "return", "recall"):
        assert decide(standing(state, newest=False), move, able(move), "Потому") == MOVES[state, move]
    else:
        with pytest.raises(Conflict, match="version_overtaken"):
            decide(standing(state, newest=False), move, able(move), "Потому")


@pytest.mark.parametrize(("state", "move"), list(MOVES))
def test_faults_and_a_repealed_requirement_keep_a_version_from_going_forward(state: State, move: Move) -> None:
    if move in ("send", "approve", "pilot", "activate"):
        with pytest.raises(Conflict, match="item_unready"):
            decide(standing(state, ready=False), move, able(move), "Потому")
    if move in ("send", "approve", "pilot", "activate", "reopen"):
        with pytest.raises(Conflict, match="requirement_repealed"):
            decide(standing(state, repealed=True), move, able(move), "Потому")
    else:
        assert decide(standing(state, ready=False, repealed=True), move, able(move), "Потому")


@pytest.mark.parametrize("move", sorted(EXPLAINED))
def test_some_moves_are_made_with_words(move: Move) -> None:
    state = next(state for state, known in MOVES if known == move)
    with pytest.raises(Conflict, match="words_missing") as refusal:
        decide(standing(state), move, APPROVER, "  ")
    assert set(refusal.value.fields) == {"words"}


def test_an_item_is_not_active_and_piloted_at_once() -> None:
    with pytest.raises(Conflict, match="pilot_active"):
        decide(standing("approved", service="active"), "pilot", APPROVER)
    assert decide(standing("approved", service="active"), "activate", APPROVER) == "active"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("actor", [EDITOR, APPROVER, replace(APPROVER, person=AUTHOR)])
def test_what_is_offered_is_what_is_possible(state: State, actor: Actor) -> None:
    offered = possible(standing(state), actor)
    for move in ALL:
        if move in offered:
            assert decide(standing(state), move, actor, "Потому") == MOVES[state, move]
        else:
            with pytest.raises((Conflict, Forbidden)):
                decide(standing(state), move, actor, "Потому")
