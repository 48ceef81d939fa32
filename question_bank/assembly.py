"""Drawing a candidate's form: blueprint + pool + seed -> form, the same one every time. Pure.

The draw is stratified by the blueprint's cells (simple random sampling without replacement in each), then items are
swapped for others of the same cell until the form's expected score and information at the cut are those of the pool:
forms differ, their difficulty does not. See supply, drawing, levelling, arrangement.
"""

from msgspec import Struct

from core.errors import Conflict
from core.ids import ItemId
from question_bank.arrangement import Chosen, arrange
from question_bank.blueprints import Blueprint
from question_bank.drawing import Drawing, Part, Slot
from question_bank.forms import Form
from question_bank.levelling import Aim, Levelling
from question_bank.pool import WHOLE, Pool
from question_bank.supply import check_supply, demands, serving_order

ALGORITHM = "stratified-swap/2"
"""Changes with every change that can draw another form from the same seed."""


class Plan(Struct, frozen=True):
    """What a blueprint comes to in a pool; made once for all draws."""

    parts: tuple[Part, ...]
    """The narrower first."""
    aim: Aim
    left_out: frozenset[ItemId]
    """Without these no two enemies are left, and the parts can still be filled."""


def assemble(blueprint: Blueprint, pool: Pool, seed: int) -> Form:
    """Draw a form.

    Items that are tried out stand at random places among those of their kind. Raises Conflict
    (`blueprint_unfillable`) when the pool is too small or tells too little at the cut; its fields name the cells as
    `cells.N` and say how many items are missing, or are `pilots`, `minimum_information`.
    """
    plan = find_plan(blueprint, pool)
    drawing = Drawing(pool, seed)
    slots = drawing.fill(plan.parts)
    if slots is None:
        drawing = Drawing(pool, seed, plan.left_out)
        slots = drawing.fill(plan.parts)
        assert slots is not None, "supply has been checked"
    if not Levelling(slots, plan.aim, drawing).run():
        raise _uninformative(blueprint)
    return Form(
        blueprint=blueprint.id,
        blueprint_version=blueprint.version,
        seed=seed,
        algorithm=ALGORITHM,
        snapshot=pool.snapshot,
        entries=arrange(blueprint, [_chosen(slot) for slot in slots], drawing.draw),
    )


def prove(form: Form, blueprint: Blueprint, pool: Pool) -> bool:
    """Whether the form is exactly what its seed draws from this blueprint and this pool."""
    if (form.blueprint, form.blueprint_version) != (blueprint.id, blueprint.version):
        return False
    if form.algorithm != ALGORITHM or form.snapshot != pool.snapshot:
        return False
    return assemble(blueprint, pool, form.seed) == form


def expected_score(form: Form, pool: Pool) -> float:
    """The score a candidate at the cut is expected to earn on the form, in points."""
    return sum(pool.by_id[entry.item].expected * entry.weight for entry in form.entries) / WHOLE


def information_at_cut(form: Form, pool: Pool) -> float:
    """What the scored items of the form tell at the cut, in 1/logit²."""
    return sum(pool.by_id[entry.item].information for entry in form.entries if entry.weight) / WHOLE


def find_plan(blueprint: Blueprint, pool: Pool) -> Plan:
    """The plan, worked out at the first call for a pool, as is that there is none. Raises as `make_plan`."""

    def make() -> Plan | Conflict:
        try:
            return make_plan(blueprint, pool)
        except Conflict as refusal:
            return refusal

    plan = pool.remember(blueprint, make)
    if isinstance(plan, Conflict):
        # A new one each time: an error that is raised keeps the frames it went through.
        raise Conflict(plan.code, plan.message, fields=plan.fields)
    return plan


def make_plan(blueprint: Blueprint, pool: Pool) -> Plan:
    """Raises Conflict (`blueprint_unfillable`)."""
    left_out = check_supply(blueprint, pool)
    parts = make_parts(blueprint, pool)
    scored = [part for part in parts if part.weight]
    expected = sum(part.weight * part.count * part.stratum.total // len(part.stratum.items) for part in scored)
    mean = sum(part.count * part.stratum.information // len(part.stratum.items) for part in scored)
    minimum = round((blueprint.minimum_information or 0) * WHOLE)
    if minimum > sum(_most_information(part) for part in scored):
        raise _uninformative(blueprint)
    # A form may miss its aim by the tolerance, and must not fall under the minimum by that.
    return Plan(parts, Aim(expected, max(mean, minimum + minimum // 25), minimum), left_out)


def make_parts(blueprint: Blueprint, pool: Pool) -> tuple[Part, ...]:
    """Cells with what they can take, the narrower first, and last the items that are tried out."""
    wanted = demands(blueprint)
    profiles = [asked for asked, _ in wanted]
    cells = [(cell.weight, cell.section) for cell in blueprint.cells] + [(0, blueprint.pilots_place[1])]
    return tuple(
        Part(profiles[place], pool.stratum(profiles[place]), wanted[place][1], *cells[place])
        for place in [*serving_order(profiles[:-1]), len(profiles) - 1]
        if wanted[place][1]
    )


def _most_information(part: Part) -> int:
    return sum(sorted((item.information for item in part.stratum.items), reverse=True)[: part.count])


def _chosen(slot: Slot) -> Chosen:
    return Chosen(slot.item, slot.weight, slot.part.section)


def _uninformative(blueprint: Blueprint) -> Conflict:
    return Conflict(
        "blueprint_unfillable",
        f"Набор заданий по спецификации «{blueprint.title}» собрать нельзя: на пороге задания дают меньше информации, "
        "чем требуется. Дополните банк или уменьшите требование.",
        fields={"minimum_information": "Задания дают меньше информации на пороге."},
    )
