"""Forms drawn for a look: how alike they are in what is expected and told at the cut, and what they share. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from question_bank.assembly import assemble, expected_score, information_at_cut
from question_bank.blueprints import Blueprint
from question_bank.forms import Form
from question_bank.pool import WHOLE, Pool

WIDTH, HEIGHT, EDGE = 320, 120, 8
"""Of the plot, in units of the drawing."""


class FormSample(Struct, frozen=True):
    """One form. `expected` in points; `error`: the standard error of measurement at the cut, in logits, 0 for none."""

    seed: int
    expected: float
    information: float
    error: float
    line: tuple[tuple[float, float], ...]
    """Its scored items from the hardest to the easiest: the expected score of each, 1 at the top of the plot."""


class Example(Struct, frozen=True):
    """`shared[i][j]`: items that forms i and j have in common; on the diagonal, how many a form has."""

    maximum: int
    forms: tuple[FormSample, ...]
    shared: tuple[tuple[int, ...], ...]


def draw_example(blueprint: Blueprint, pool: Pool, seeds: Sequence[int]) -> Example:
    """Raises Conflict (`blueprint_unfillable`)."""
    forms = [assemble(blueprint, pool, seed) for seed in seeds]
    sets = [{entry.item for entry in form.entries} for form in forms]
    return Example(
        sum(cell.count * cell.weight for cell in blueprint.cells),
        tuple(_sample(form, pool) for form in forms),
        tuple(tuple(len(one & other) for other in sets) for one in sets),
    )


def _sample(form: Form, pool: Pool) -> FormSample:
    information = information_at_cut(form, pool)
    scores = sorted(pool.by_id[entry.item].expected / WHOLE for entry in form.entries if entry.weight)
    step = (WIDTH - 2 * EDGE) / max(1, len(scores) - 1)
    return FormSample(
        form.seed,
        round(expected_score(form, pool), 2),
        round(information, 2),
        round(information**-0.5, 2) if information else 0.0,
        tuple(
            (round(EDGE + place * step, 1), round(EDGE + (1 - score) * (HEIGHT - 2 * EDGE), 1))
            for place, score in enumerate(scores)
        ),
    )
