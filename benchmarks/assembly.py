"""How fast forms are drawn, and how equal they are, with everything on that a blueprint can ask for.

    python -m benchmarks.assembly --bank 100000 --forms 1000

The bank has calibrated items (Rasch and two-parameter), rated and estimated ones, of three levels and all bands, pairs
of enemies, and items that are tried out. The blueprint asks for requirements, levels and bands that overlap, pilots, an
exposure cap and a minimum of information; shares of exposure are worked out anew as the platform does it.

The last line is JSON: `median_ms` and `p99_ms` per form, `p99_cpu_ms` of the processor's time (on a machine with other
work the clock tells of that work), `sd_expected_score` of the forms at the cut in items,
`random_sd` of simple random draws of as many items from the same bank in the same run, `sd_information` and
`random_sd_information` likewise, relative to the mean, `violations` (faults of forms found without the assembler's
help: see faults), `busiest_item` (how often the most used item was drawn) and `cap` times the forms, `refreshes` of
shares, `prepare_s` (arranging the pool, once).
"""

import argparse
import gc
import json
import statistics
import time
from collections import Counter
from random import Random

from msgspec.structs import replace

from core.clock import elapsed_seconds
from core.ids import BlueprintId, ChoiceId, ItemId
from core.moments import HOUR, MINUTE
from question_bank.assembly import assemble, prove
from question_bank.blueprints import Blueprint, Cell
from question_bank.expectation import Calibration, Evidence, expect
from question_bank.exposure import SLACK, Openness, control, horizon
from question_bank.forms import Form, FormStage
from question_bank.pool import WHOLE, Pool, PoolItem

AREAS = 10
LENGTH = 80
PILOTS = 4
CUT = 85
LEVELS = ("recall", "application", "analysis")


def generate_pool(size: int, seed: int) -> Pool:
    """Items over AREAS requirements; one in fifty is tried out, one in twenty-five has an enemy."""
    random = Random(seed)
    evidence = []
    for number in range(size):
        estimate = min(0.98, max(0.2, random.betavariate(5, 2)))
        match number % 4:
            case 0:
                evidence.append(Evidence(estimate, Calibration(1.0, random.gauss(0, 1))))
            case 1:
                evidence.append(Evidence(estimate, Calibration(random.lognormvariate(0, 0.3), random.gauss(0, 1))))
            case 2:
                evidence.append(Evidence(estimate, angoff=min(0.99, max(0.2, random.gauss(estimate, 0.05)))))
            case _:
                evidence.append(Evidence(estimate))
    items = [
        PoolItem(
            ItemId(f"i{number:06}"),
            1,
            f"R{number % AREAS}",
            "four_option",
            MINUTE,
            found.expected,
            (FormStage("choice", tuple(ChoiceId(f"{random.getrandbits(40):010x}") for _ in range(4))),),
            LEVELS[random.randrange(3)],  # type: ignore[arg-type]
            found.information,
            WHOLE,
            random.random() < 0.02,
        )
        for number, found in enumerate(expect(evidence, CUT))
    ]
    return Pool(items, ((random.choice(items).item, random.choice(items).item) for _ in range(size // 50)))


def blueprint(bank: int) -> Blueprint:
    """Five items of each area, ten by level, ten by band, ten at will; nothing over four times its fair share."""
    cells = [Cell(f"R{area}", "four_option", 3) for area in range(AREAS)]
    cells += [Cell(f"R{area}", "four_option", 2, level="application") for area in range(AREAS)]
    cells += [Cell(None, "four_option", 10, level="analysis"), Cell(None, "four_option", 5, band="hard")]
    cells += [Cell(None, "four_option", 5, level="recall", band="medium"), Cell(None, "four_option", 10)]
    return Blueprint(
        id=BlueprintId("benchmark"),
        version=1,
        title="Benchmark",
        speciality="S",
        speciality_title="S",
        cells=tuple(cells),
        exam_limit=2 * HOUR,
        navigation="linear",
        on_item_timeout="advance",
        flags=False,
        confirmation="protocol",
        cut=CUT,
        accreditation="periodic",
        pilots=PILOTS,
        exposure_cap=min(1.0, max(0.002, 4 * LENGTH / bank)),
        minimum_information=8.0,
    )


def faults(form: Form, plan: Blueprint, pool: Pool, known: dict[ItemId, PoolItem]) -> int:
    """What is wrong with a form, counted from the pool and the blueprint alone, then whether it can be proved."""
    items = [known[entry.item] for entry in form.entries]
    scored = [item for item, entry in zip(items, form.entries, strict=True) if entry.weight]
    on_it = {item.item for item in items}
    told = sum(item.information for item in scored) / WHOLE
    return sum(
        (
            len(on_it) != LENGTH + PILOTS,
            sum(item.pilot for item in items) != PILOTS,
            any(item.pilot for item in scored),
            not _covered(plan, scored),
            any(one in on_it and other in on_it for one, other in pool.pairs),
            plan.minimum_information is not None and told < plan.minimum_information,
            any(
                sorted(entry.stages[0].choices) != sorted(known[entry.item].stages[0].choices) for entry in form.entries
            ),
            not prove(form, plan, pool),
        )
    )


def _covered(plan: Blueprint, scored: list[PoolItem]) -> bool:
    """Whether every place can be given an item that it asks for: bipartite matching, place by place."""
    places = [cell for cell in plan.cells for _ in range(cell.count)]
    fits = [
        [
            number
            for number, item in enumerate(scored)
            if cell.requirement in (None, item.requirement)
            and cell.level in (None, item.level)
            and cell.band in (None, item.profile.band)
        ]
        for cell in places
    ]
    held: dict[int, int] = {}

    def seat(place: int, seen: set[int]) -> bool:
        for number in fits[place]:
            if number not in seen:
                seen.add(number)
                if number not in held or seat(held[number], seen):
                    held[number] = place
                    return True
        return False

    return len(scored) == len(places) and all(seat(place, set()) for place in range(len(places)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--bank", type=int, default=100_000)
    options.add_argument("--forms", type=int, default=1_000)
    options.add_argument("--smoke", action="store_true", help="a small run that only shows that it works")
    chosen = options.parse_args()
    bank, forms = (4_000, 60) if chosen.smoke else (chosen.bank, chosen.forms)

    made = generate_pool(bank, seed=1)
    start = elapsed_seconds()
    pool = Pool(made.items, made.pairs)
    digest = pool.snapshot
    prepare = elapsed_seconds() - start
    print(f"pool of {len(pool)} items, {len(pool.pairs)} pairs of enemies, snapshot {digest[:12]}…")

    plan = blueprint(bank)
    assert plan.exposure_cap is not None
    # As in a process that serves (app/asgi.py): what is there for good is not looked through again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    took: list[float] = []
    work: list[float] = []
    drawn: list[tuple[Form, Pool]] = []
    uses: Counter[ItemId] = Counter()
    opennesses: dict[ItemId, Openness] = {}
    before = refreshes = 0
    for seed in range(forms):
        if seed == before + horizon(before):
            opennesses = control(seed, uses, before, opennesses, plan.exposure_cap)
            before, refreshes = seed, refreshes + 1
            pool = Pool(
                (
                    replace(item, share=opennesses[item.item].share) if item.item in opennesses else item
                    for item in made.items
                ),
                made.pairs,
            )
            assemble(plan, pool, 0)  # arranged at the first draw from it, which is no part of drawing
        start = elapsed_seconds()
        worked = time.thread_time()
        form = assemble(plan, pool, seed)
        work.append((time.thread_time() - worked) * 1_000)
        took.append((elapsed_seconds() - start) * 1_000)
        drawn.append((form, pool))
        uses.update(entry.item for entry in form.entries if entry.weight)

    known = made.by_id
    random = Random(2)
    scorable = [item for item in made.items if not item.pilot]
    plain = [random.sample(scorable, LENGTH) for _ in range(forms)]
    levelled = [[known[entry.item] for entry in form.entries if entry.weight] for form, _ in drawn]
    busiest = max(uses.values())
    took.sort()
    work.sort()
    print(
        json.dumps(
            {
                "bank": bank,
                "forms": forms,
                "median_ms": round(statistics.median(took), 3),
                "p99_ms": round(took[int(len(took) * 0.99)], 3),
                "p99_cpu_ms": round(work[int(len(work) * 0.99)], 3),
                "sd_expected_score": round(_spread(levelled), 4),
                "random_sd": round(_spread(plain), 4),
                "sd_information": round(_spread_of_information(levelled), 4),
                "random_sd_information": round(_spread_of_information(plain), 4),
                "violations": sum(faults(form, plan, pool, known) for form, pool in drawn)
                + sum(count > plan.exposure_cap * forms + 2 * SLACK for count in uses.values()),
                "busiest_item": busiest,
                "cap": round(plan.exposure_cap * forms, 1),
                "refreshes": refreshes,
                "prepare_s": round(prepare, 2),
            }
        )
    )


def _spread(forms: list[list[PoolItem]]) -> float:
    return statistics.pstdev([sum(item.expected for item in form) / WHOLE for form in forms])


def _spread_of_information(forms: list[list[PoolItem]]) -> float:
    told = [sum(item.information for item in form) / WHOLE for form in forms]
    return statistics.pstdev(told) / statistics.fmean(told)


if __name__ == "__main__":
    main()
