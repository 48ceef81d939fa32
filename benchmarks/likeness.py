"""How soon items that are like a draft are found in a large bank, and whether they are.

    python -m benchmarks.likeness --bank 100000 --drafts 1000

The bank is written of some hundred phrases and two thousand words, few of them common, so that many items have most of
a stem, or options, in common. Half of the drafts are items of the bank with words exchanged, left out, added and
mistyped, options in another order, capitals and punctuation of their own; those that remain at least SAME alike are to
be found. The other half are new. One search is a transaction: the sketch, the query, the comparison in full.

The last line is JSON: `bank`; `median_ms` and `p99_ms` of one search, `first_ms` of the very first; `own_cpu_ms`
and `db_cpu_ms`, what a search takes of this process and of PostgreSQL's, whatever else the machine does; `planted`
near-duplicates and the `recall`, the share of them for which the item stood in the answer; `recall_by_likeness` in
steps of a tenth; `false_alarms`, the share of new drafts for which something SAME alike or more was told; `sketch_us`,
the CPU of a sketch per item; `publish_per_s`, items with everything that is kept of them, one process beside
the database.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from app.migrate import migrate
from benchmarks.postgres import fleeting
from benchmarks.processes import family_cpu_seconds
from benchmarks.visitors import percentile_ms
from core.database import Database
from core.ids import ItemId
from core.moments import MINUTE
from question_bank.drafts import Defaults as Usual
from question_bank.drafts import Draft, DraftChoice, DraftStage, fill, make_item
from question_bank.items import Role
from question_bank.likeness import likeness, shingle, sketch, texts_of
from question_bank.likeness_store import find_alike
from question_bank.requirement_store import save_requirements
from question_bank.requirements import Requirement, Speciality
from question_bank.store import publish_items

SAME = 0.7
BATCH = 1_000
USUAL = Usual("S", "R", "recall", 0.7, MINUTE, "ru", "exam")
OPENINGS = (
    "Основным методом диагностики при {} является", "Больной {} лет жалуется на {} и {}. Наиболее вероятный диагноз",
    "При лечении {} у пациента с {} следует назначить", "К осложнениям {} относится", "Для {} характерно",
    "Препаратом выбора при {} на фоне {} является", "Нормальное значение показателя {} составляет",
    "Противопоказанием к {} является", "Ведущим симптомом {} считают", "Наиболее частой причиной {} бывает",
)  # fmt: skip
MIDDLES = (
    "у взрослого", "у ребёнка {} лет", "в остром периоде", "при поступлении в стационар", "на догоспитальном этапе", "",
    "в первые {} часов", "после операции по поводу {}", "при отсутствии {}", "согласно клиническим рекомендациям",
)  # fmt: skip
ROOTS = (
    "карди гепат нефр гастр энцефал пневм бронх артр миел лейк тромб эритр дермат остео ангио холе панкреат тирео рин"
)
ENDS = (
    "ит оз опатия эктомия альгия ограмма оскопия емия урия омегалия оцитоз ома остаз отомия ическая ический ит у плода"
)


class Words:
    """Two thousand words of which few are common."""

    def __init__(self, random: Random) -> None:
        self._random = random
        first = ["", "гипер", "гипо", "пери", "эндо", "поли", "микро", "пара"]
        self._words = [a + b + c for a in first for b in ROOTS.split() for c in ENDS.split()]
        random.shuffle(self._words)
        self._words = self._words[:2_000]

    def word(self) -> str:
        return self._words[int(len(self._words) * self._random.random() ** 2.5)]

    def filled(self, phrase: str) -> str:
        while "{}" in phrase:
            after = phrase.split("{}", 1)[1]
            value = str(self._random.randint(1, 90)) if after.startswith((" лет", " час")) else self.word()
            phrase = phrase.replace("{}", value, 1)
        return phrase

    def draft(self) -> Draft:
        stem = f"{self.filled(self._random.choice(OPENINGS))} {self.filled(self._random.choice(MIDDLES))}".strip()
        options: dict[str, None] = {}
        while len(options) < 4:
            options[" ".join(self.word() for _ in range(self._random.randint(1, 5)))] = None
        return written(stem, list(options))

    def changed(self, draft: Draft) -> Draft:
        """Somewhat another item: one to eight small changes."""
        texts = [draft.stem, *(choice.text for choice in draft.stages[0].choices)]
        for _ in range(self._random.randint(1, 8)):
            place = self._random.randrange(len(texts))
            words = texts[place].split()
            spot = self._random.randrange(len(words))
            match self._random.randrange(5):
                case 0:
                    words[spot] = self.word()
                case 1 if len(words) > 1:
                    del words[spot]
                case 2:
                    words.insert(spot, self.word())
                case 3:
                    letter = self._random.randrange(len(words[spot]))
                    words[spot] = words[spot][:letter] + words[spot][letter + 1 :] or "а"
                case _:
                    words[spot] = f"{words[spot].upper()},"
            texts[place] = " ".join(words)
        options = texts[1:]
        self._random.shuffle(options)
        return written(f"{texts[0]}:", options)


def written(stem: str, options: list[str]) -> Draft:
    choices = tuple(DraftChoice(text, Role.DISTRACTOR if place else Role.KEY) for place, text in enumerate(options))
    return Draft(stem, (DraftStage(choices),))


async def measure(url: str, postmaster: int, bank: int, drafts: int, seed: int) -> dict[str, object]:
    await migrate(url)
    database = Database(url, statement_seconds=600)
    try:
        random = Random(seed)
        words = Words(random)
        kept = [words.draft() for _ in range(bank)]
        began = process_time()
        for draft in kept[:5_000]:
            sketch(texts_of(draft))
        sketch_us = (process_time() - began) / min(bank, 5_000) * 1e6
        async with database.transaction() as connection:
            await save_requirements(connection, [Speciality("S", "С")], [Requirement("R", "S", "Т")])
        began = perf_counter()
        for start in range(0, bank, BATCH):
            items = [
                make_item(fill(draft, USUAL), ItemId(f"i{start + number:06}"), 1)
                for number, draft in enumerate(kept[start : start + BATCH])
            ]
            async with database.transaction() as connection:
                await publish_items(connection, items, 1)
        publish_per_s = bank / (perf_counter() - began)
        return {
            "bank": bank,
            **await search(database, postmaster, words, kept, drafts, random),
            "sketch_us": round(sketch_us, 1),
            "publish_per_s": round(publish_per_s),
        }
    finally:
        await database.close()


async def search(
    database: Database, postmaster: int, words: Words, kept: list[Draft], drafts: int, random: Random
) -> dict[str, object]:
    seconds: list[float] = []
    found: defaultdict[int, list[bool]] = defaultdict(list)
    alarms: list[bool] = []
    own = 0.0
    used = family_cpu_seconds(postmaster)
    for number in range(drafts):
        place = random.randrange(len(kept)) if number % 2 else None
        draft = words.draft() if place is None else words.changed(kept[place])
        began, before = perf_counter(), process_time()
        async with database.transaction() as connection:
            answer = await find_alike(connection, draft, 5)
        seconds.append(perf_counter() - began)
        own += process_time() - before
        if place is None:
            alarms.append(any(one.likeness >= SAME for one in answer))
            continue
        share = likeness(shingle(texts_of(draft)), shingle(texts_of(kept[place])))
        if share >= SAME:
            found[min(9, int(share * 10 + 1e-9))].append(any(one.item == f"i{place:06}" for one in answer))
    planted = [one for several in found.values() for one in several]
    return {
        "median_ms": round(statistics.median(seconds) * 1e3, 2),
        "p99_ms": percentile_ms(seconds, 0.99),
        "first_ms": round(seconds[0] * 1e3, 1),
        "own_cpu_ms": round(own / drafts * 1e3, 2),
        "db_cpu_ms": round((family_cpu_seconds(postmaster) - used) / drafts * 1e3, 2),
        "planted": len(planted),
        "recall": round(sum(planted) / max(1, len(planted)), 4),
        "recall_by_likeness": {
            f"{step / 10:.1f}": [round(sum(several) / len(several), 4), len(several)]
            for step, several in sorted(found.items())
        },
        "false_alarms": round(sum(alarms) / max(1, len(alarms)), 4),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--bank", type=int, default=100_000)
    options.add_argument("--drafts", type=int, default=1_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--smoke", action="store_true", help="a small run that only shows that it works")
    chosen = options.parse_args()
    bank, drafts = (2_000, 100) if chosen.smoke else (chosen.bank, chosen.drafts)
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder, fleeting(Path(folder)) as postgres:
        running = postgres.cluster.running()
        assert running is not None
        print(json.dumps(asyncio.run(measure(postgres.url, running[0], bank, drafts, chosen.seed))))


if __name__ == "__main__":
    main()
