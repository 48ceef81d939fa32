"""How fast forms are drawn, and how equal they are.

    python -m benchmarks.assembly --bank 100000 --forms 1000

The last line is JSON: `median_ms` and `p99_ms` per form, `sd_expected_score` of the forms in items,
`random_sd` of simple random draws of the same length from the same bank in the same run, `violations`
(forms that do not follow the blueprint or are not proved), `busiest_item` (how often the most used item
was drawn, over the mean of its kind), `prepare_s` (arranging the pool, once).
"""

import argparse
import json
import statistics
from collections import Counter
from random import Random

from core.clock import elapsed_seconds
from core.ids import BlueprintId, ChoiceId, ItemId
from core.moments import HOUR, MINUTE
from question_bank.assembly import assemble, prove
from question_bank.blueprints import Blueprint, Cell
from question_bank.forms import Form, FormStage
from question_bank.pool import WHOLE, Pool, PoolItem

AREAS = 10
LENGTH = 80


def generate_pool(size: int, seed: int) -> Pool:
    """Four-option items over AREAS requirements, difficulties Beta(5, 2) within 0.2..0.98."""
    random = Random(seed)
    return Pool(
        PoolItem(
            ItemId(f"i{number:06}"),
            1,
            f"R{number % AREAS}",
            "four_option",
            MINUTE,
            round(min(0.98, max(0.2, random.betavariate(5, 2))) * WHOLE),
            (FormStage("choice", tuple(ChoiceId(f"{random.getrandbits(40):010x}") for _ in range(4))),),
        )
        for number in range(size)
    )


def blueprint() -> Blueprint:
    return Blueprint(
        id=BlueprintId("benchmark"),
        version=1,
        title="Benchmark",
        speciality="S",
        speciality_title="S",
        cells=tuple(Cell(f"R{area}", "four_option", LENGTH // AREAS) for area in range(AREAS)),
        exam_limit=HOUR,
        navigation="linear",
        on_item_timeout="advance",
        flags=False,
        confirmation="protocol",
        cut=85,
        accreditation="periodic",
    )


def broken(form: Form, plan: Blueprint, pool: Pool, places: dict[ItemId, PoolItem]) -> bool:
    """Whether the form breaks its blueprint, repeats an item, mixes options up, or is not proved."""
    counts = Counter(places[entry.item].requirement for entry in form.entries)
    return (
        len({entry.item for entry in form.entries}) != plan.length
        or counts != {cell.requirement: cell.count for cell in plan.cells}
        or any(
            sorted(entry.stages[0].choices) != sorted(places[entry.item].stages[0].choices) for entry in form.entries
        )
        or not prove(form, plan, pool)
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--bank", type=int, default=100_000)
    options.add_argument("--forms", type=int, default=1_000)
    options.add_argument("--smoke", action="store_true", help="a small run that only shows that it works")
    chosen = options.parse_args()
    bank, forms = (2_000, 50) if chosen.smoke else (chosen.bank, chosen.forms)

    raw = generate_pool(bank, seed=1).items
    start = elapsed_seconds()
    pool = Pool(raw)
    digest = pool.snapshot
    prepare = elapsed_seconds() - start
    print(f"pool of {len(pool)} items, snapshot {digest[:12]}…")

    plan = blueprint()
    took: list[float] = []
    drawn: list[Form] = []
    for seed in range(forms):
        start = elapsed_seconds()
        form = assemble(plan, pool, seed)
        took.append((elapsed_seconds() - start) * 1_000)
        drawn.append(form)

    random = Random(2)
    plain = [sum(item.expected for item in random.sample(pool.items, LENGTH)) / WHOLE for _ in range(forms)]
    places = {item.item: item for item in pool.items}
    uses = Counter(entry.item for form in drawn for entry in form.entries)
    took.sort()
    print(
        json.dumps(
            {
                "bank": bank,
                "forms": forms,
                "median_ms": round(statistics.median(took), 3),
                "p99_ms": round(took[int(len(took) * 0.99)], 3),
                "sd_expected_score": round(
                    statistics.pstdev(
                        [sum(places[entry.item].expected for entry in form.entries) / WHOLE for form in drawn]
                    ),
                    4,
                ),
                "random_sd": round(statistics.pstdev(plain), 4),
                "violations": sum(broken(form, plan, pool, places) for form in drawn),
                "busiest_item": round(max(uses.values()) / (forms * LENGTH / bank), 2),
                "prepare_s": round(prepare, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
