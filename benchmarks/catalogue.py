"""How quickly items are found as somebody types, and what keeping the bank's words costs as items are written.

    python -m benchmarks.catalogue --bank 100000

The last line is JSON: `typed_p50_ms` and `typed_p99_ms` of a page of the list after each keystroke of real queries,
`filtered_…` the same with filters, `mistyped_…` with a slip in a word, `plain_…` without words; `shortcuts_ms` the four
counts beside the list; `slowest` the query that took longest; `publish_per_s` items written with everything that finds
them, `words_us` microseconds of each for the dictionary of words.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from itertools import accumulate
from pathlib import Path
from random import Random

from msgspec import structs

from app.migrate import migrate
from benchmarks.postgres import fleeting
from core.clock import elapsed_seconds
from core.database import Database, execute
from core.ids import ItemId, PersonId
from core.moments import MINUTE
from question_bank.catalogue import count_shortcuts, list_items
from question_bank.forms import Level
from question_bank.items import Item, Role, make_stage
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items
from question_bank.version_rows import search_words
from question_bank.wanted import Wanted
from question_bank.word_store import keep_words
from question_bank.wording import words_of

SPECIALITIES, REQUIREMENTS = 10, 60
BATCH = 2_000
SYLLABLES = (
    "гиперто|ния|ар|те|ри|аль|ная|кар|дио|ло|ги|ческий|ин|фа|ркт|мио|пне|вмо|тром|боз|эм|бо|лия|не|врал|гия|гаст|рит"
    "|яз|ва|же|лу|дка|пан|кре|а|тит|хо|ле|цис|рент|ген|ана|лиз|кро|ви|сер|де|чна|дос|та|точ|ность"
)
COMMON = (
    "пациент|больной|мужчина|женщина|лет|обратился|к|врачу|с|жалобами|на|боль|в|груди|одышку|слабость|температура"
    "|какой|препарат|является|при|лечении|диагноз|наиболее|вероятный|какая|тактика|необходимо|назначить|через|после"
    "|артериальная|гипертония|инфаркт|миокарда|пневмония|антибиотик|доза|исследование|метод|терапия"
)
TYPED = (
    "артериальная гипертония",
    "инфаркт миокарда",
    "пациент с жалобами на боль",
    "какой препарат является",
    "пневмония антибиотик доза",
    "i00042",
    "Т-17",
    "неотложная помощь 3",
)
MISTYPED = ("гепертония", "инфракт миокарда", "пнемвония", "антибеотик")
FILTERS = (
    Wanted(speciality="S3"),
    Wanted(speciality="S3", requirement="Т-17"),
    Wanted(kind="four_option", level="analysis"),
    Wanted(where="draft"),
    Wanted(where="active", easier=0.3, harder=0.6),
    Wanted(rated=False, pool="exam", language="ru"),
    Wanted(reviewer=PersonId(1)),
    Wanted(where="unready"),
    Wanted(tag="нет такой"),
)
LEVELS: tuple[Level, ...] = ("recall", "application", "analysis")


def generate(size: int, random: Random) -> list[Item]:
    """Items of about 60 words from a vocabulary like a textbook's: few words everywhere, most of them rare (Zipf)."""
    syllables, common = SYLLABLES.split("|"), COMMON.split("|")
    rare = ["".join(random.choices(syllables, k=random.randint(2, 5))) for _ in range(max(200, size // 2))]
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(rare))))

    def told(words: int) -> str:
        own = random.choices(rare, cum_weights=weights, k=words // 2) + random.choices(common, k=words - words // 2)
        random.shuffle(own)
        return " ".join(own)

    items = []
    for number in range(size):
        id = ItemId(f"i{number:06}")
        options = tuple((told(8), Role.KEY if place == 0 else Role.DISTRACTOR) for place in range(4))
        items.append(
            Item(
                id,
                1,
                f"S{number % SPECIALITIES}",
                f"Т-{number // SPECIALITIES % REQUIREMENTS}",
                LEVELS[number % 3],
                0.2 + number % 70 / 100,
                MINUTE,
                told(28) + "?",
                (make_stage(id, 1, 0, "choice", options),),
                "",
            )
        )
    return items


async def measure(url: str, size: int, rounds: int) -> dict[str, object]:
    await migrate(url)
    database = Database(url, pool_size=2)
    random = Random(1)
    items = generate(size, random)
    async with database.transaction() as connection:
        await save_requirements(
            connection,
            [Speciality(f"S{number}", f"Специальность {number}") for number in range(SPECIALITIES)],
            [
                Requirement(f"Т-{code}", f"S{number}", f"Неотложная помощь {code}", f"Раздел {code % 7}")
                for number in range(SPECIALITIES)
                for code in range(REQUIREMENTS)
            ],
        )
    start, words = elapsed_seconds(), 0.0
    async with database.transaction() as connection:
        for place in range(0, len(items), BATCH):
            batch = items[place : place + BATCH]
            began = elapsed_seconds()
            await keep_words(connection, sorted(set().union(*(words_of(search_words(item)) for item in batch))))
            words += elapsed_seconds() - began
            await publish_items(connection, batch, 1)
    full = size / (elapsed_seconds() - start)
    async with database.transaction() as connection:
        await execute(connection, "ANALYZE")
    found: dict[str, object] = {"bank": size, "publish_per_s": round(full), "words_us": round(words / size * 1e6, 1)}
    print(found, flush=True)
    took: dict[str, list[tuple[float, str]]] = {}
    for _ in range(rounds):
        for text in TYPED:
            for length in range(1, len(text) + 1):
                await _time(database, took, "typed", Wanted(), text[:length])
            for wanted in FILTERS[:3]:
                await _time(database, took, "filtered", wanted, text)
        for text in MISTYPED:
            await _time(database, took, "mistyped", Wanted(), text)
        for wanted in (Wanted(), *FILTERS):
            await _time(database, took, "plain", wanted, "")
    for name, times in took.items():
        times.sort()
        found[f"{name}_p50_ms"] = round(statistics.median(one for one, _ in times), 1)
        found[f"{name}_p99_ms"] = round(times[int(len(times) * 0.99)][0], 1)
        print(f"{name}: slowest {times[-3:]}")
    found["slowest"] = max(times[-1] for times in took.values())[1]
    start = elapsed_seconds()
    async with database.transaction() as connection:
        await count_shortcuts(connection, PersonId(1))
    found["shortcuts_ms"] = round((elapsed_seconds() - start) * 1_000, 1)
    await database.close()
    return found


async def _time(
    database: Database, took: dict[str, list[tuple[float, str]]], name: str, wanted: Wanted, text: str
) -> None:
    start = elapsed_seconds()
    async with database.transaction() as connection:
        await list_items(connection, wanted, words=text)
    chosen = {field: value for field, value in structs.asdict(wanted).items() if value is not None}
    took.setdefault(name, []).append(((elapsed_seconds() - start) * 1_000, f"{text} {chosen or ''}".strip()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--bank", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--smoke", action="store_true", help="a small run that only shows that it works")
    chosen = options.parse_args()
    bank, rounds = (1_000, 1) if chosen.smoke else (chosen.bank, chosen.rounds)
    with tempfile.TemporaryDirectory() as folder, fleeting(Path(folder)) as postgres:
        found = asyncio.run(measure(postgres.url, bank, rounds))
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
