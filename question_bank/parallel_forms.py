"""Parallel forms of one blueprint, found by mixed-integer programming: as equal at the cut as the pool allows.

The largest deviation from the aim, over all forms, of expected score and information is made as small as can be (the
minimax model of W. J. van der Linden, Linear Models for Optimal Test Design, 2005, ch. 5 and 6), by HiGHS (Q. Huangfu,
J. A. J. Hall, Parallelizing the dual revised simplex method, Mathematical Programming Computation 10, 2018). It begins
from forms drawn as those of candidates are. A large pool is reduced to a stratified sample first.
"""

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from core.clock import elapsed_seconds
from core.errors import Conflict
from core.ids import ItemId
from question_bank.assembly import Plan, make_parts, make_plan
from question_bank.blueprints import Blueprint
from question_bank.drawing import Drawing
from question_bank.fixed_forms import Built, Order, Place, Progress, fix
from question_bank.form_model import FormModel
from question_bank.levelling import Levelling
from question_bank.pool import WHOLE, Pool, PoolItem
from question_bank.supply import demands, find_shortages, refuse_shortages

SPARE = 3
"""The sample has so many times the items that all forms need."""


def build_forms(
    blueprint: Blueprint,
    pool: Pool,
    order: Order,
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Built:
    """Take up to the time limit; to be run in a thread, as the solver lets others run meanwhile.

    Raises Invalid (`order_invalid`), Conflict: `blueprint_unfillable` where the pool is too small for so many forms,
    `forms_not_found` where nothing was found in time, `build_cancelled`.
    """
    start = elapsed_seconds()
    order.validate(blueprint)
    plan = make_plan(blueprint, pool)
    if not order.overlap:
        # Forms that share nothing need so many times the items.
        refuse_shortages(
            blueprint,
            find_shortages([(asked, count * order.count) for asked, count in demands(blueprint)], pool.supply),
        )
    reduced = _sample(pool, plan, order)
    parts = make_parts(blueprint, reduced)
    model = FormModel(reduced, parts, plan.aim, order.count, order.overlap)
    tell(Progress(elapsed_seconds() - start, None))
    model.begin_from(_first_forms(blueprint, reduced, plan, order))

    def hear(deviation: float | None) -> bool:
        tell(Progress(elapsed_seconds() - start, deviation))
        return is_cancelled()

    solved = model.solve(order.time_limit / 1_000 - (elapsed_seconds() - start), order.seed, hear)
    if is_cancelled():
        raise Conflict("build_cancelled", "Подбор наборов остановлен.")
    if solved is None:
        raise Conflict(
            "forms_not_found",
            "За отведённое время параллельные наборы не найдены. Увеличьте время, разрешите общие задания или "
            "уменьшите число наборов.",
        )
    return Built(
        tuple(fix(blueprint, places) for places in solved.forms),
        solved.deviation,
        solved.bound,
        "close_enough" if solved.finished else "time_limit",
        len(reduced),
        elapsed_seconds() - start,
    )


def _sample(pool: Pool, plan: Plan, order: Order) -> Pool:
    """Of each part's items, without those of the parts before, SPARE times what all forms need; all where less is left.

    As parts take different items each finds what it needs, or everything that there is. Where forms have to tell so
    much at least, those that tell most are among them.
    """
    draw = Random(order.seed).random
    taken: dict[ItemId, PoolItem] = {}
    for part in plan.parts:
        left = [item for item in part.stratum.items if item.item not in taken]
        need = order.count * part.count
        sure = min(len(left), need) if plan.aim.minimum and part.weight else 0
        if sure:
            left.sort(key=lambda item: item.information, reverse=True)
        taken |= {item.item: item for item in left[:sure]}
        for place in range(sure, min(len(left), SPARE * need)):
            other = place + int(draw() * (len(left) - place))
            left[place], left[other] = left[other], left[place]
            taken[left[place].item] = left[place]
    # A fixed form is given to a whole window: shares of exposure have no say in it.
    return Pool((replace(item, share=WHOLE) for item in taken.values()), pool.pairs)


def _first_forms(blueprint: Blueprint, pool: Pool, plan: Plan, order: Order) -> list[tuple[Place, ...]]:
    """Forms drawn one after the other without the items of those before; fewer where that leads nowhere."""
    parts = make_parts(blueprint, pool)
    used: set[ItemId] = set()
    forms: list[tuple[Place, ...]] = []
    for number in range(order.count):
        drawing = Drawing(pool, order.seed + number, used)
        slots = drawing.fill(parts)
        if slots is None or not Levelling(slots, plan.aim, drawing).run():
            break
        used |= {slot.item.item for slot in slots}
        forms.append(tuple(Place(slot.item.item, slot.item.version, slot.weight, slot.part.section) for slot in slots))
    return forms
