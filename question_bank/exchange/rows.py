"""Rows of a table to items and back, for every format that is a table. Pure.

An item is one row, with its options beside each other and the key as a letter. What one row cannot hold (a case, a set
of actions) is a row «задание» with the stem, and below it a row «шаг» per stage: in the stem's column its prompt.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from itertools import chain, islice

from core.moments import Span
from question_bank.drafts import Draft, DraftChoice, DraftStage
from question_bank.exchange.cells import (
    ITEM_ROW,
    KINDS,
    LANGUAGES,
    LEVELS,
    LINE_ENDS,
    MARKUPS,
    POOLS,
    STAGE_ROW,
    TAG_ENDS,
    Cell,
    Name,
    by_word,
    read_limit,
    read_share,
    read_whole,
    split_list,
    text_of,
    unescape,
)
from question_bank.exchange.columns import Columns, Field, find_columns, guess_columns
from question_bank.exchange.entries import Arriving, Place, Rejected, Remark, Weight
from question_bank.exchange.letters import is_foreign, number_of
from question_bank.faults import MAX_STAGES, drop_controls, is_plain
from question_bank.items import Role

SEARCHED = 10
"""Rows among which the titles are looked for."""
MOST_REMARKED = 5
"""Columns that one remark names."""

MOST_STAGES = 4 * MAX_STAGES
"""Rows that one item can have below it; with more it is no item at all."""

Numbered = tuple[int, Sequence[Cell]]
"""A row and its number in the file, from 1."""

_MARK = re.compile(r"(?:(?:вариант|ответ|option|answer) ?)?\(?([A-Za-zА-Яа-я]|\d{1,2})[).:]?", re.IGNORECASE)
_KEY_ENDS = re.compile(r"[;,/+&\s]+")
_LEVELS, _LANGUAGES, _POOLS = by_word(LEVELS), by_word(LANGUAGES), by_word(POOLS)
_KINDS, _MARKUPS = by_word(KINDS), by_word(MARKUPS)
_ENGLISH = {"stage": STAGE_ROW, "item": ITEM_ROW}
_YES = {"да", "yes", "true", "истина", "1", "+"}


def find_table(rows: Iterable[Numbered]) -> tuple[Columns, Iterator[Numbered]] | None:
    """The columns of a table and the rows below their titles; None where none of the first rows says what they are."""
    rows = iter(rows)
    waiting: list[Numbered] = []
    for row in islice(rows, SEARCHED):
        if (columns := find_columns(row[1])) is not None:
            return columns, rows
        waiting.append(row)
    for _, cells in waiting:
        if (columns := guess_columns(cells)) is not None:
            return columns, chain(waiting, rows)
    return None


def read_rows(
    columns: Columns, rows: Iterable[Numbered], member: str = "", first: int = 1
) -> Iterator[Arriving | Rejected]:
    """Items of a table; their numbers begin at `first`."""
    table = _Table(columns, member, first)
    for line, cells in rows:
        yield from table.take(line, cells)
    yield from table.end()


class _Row:
    """One row while it is read, and what there is to say of it."""

    def __init__(self, columns: Columns, line: int, cells: Sequence[Cell]) -> None:
        """`cells` reach to the last column."""
        self.columns, self.line, self.cells = columns, line, cells
        self.said = {field: cell for field, place in columns.at.items() if (cell := cells[place]) != ""}
        self.options = [cells[place] for place in columns.options]
        """Up to the last that is not empty."""
        while self.options and self.options[-1] == "":
            self.options.pop()
        self.remarks: list[Remark] = []

    def cell(self, field: Field) -> Cell:
        return self.said.get(field, "")

    def text(self, field: Field) -> str:
        cell = self.said.get(field)
        return "" if cell is None else self.read(cell)

    def word(self, field: Field) -> str:
        return self.text(field).strip().lower() if field in self.said else ""

    def read(self, cell: Cell) -> str:
        if not isinstance(cell, str):
            if isinstance(cell, date):
                self.remark("note", "date_read", "В ячейке была дата, прочитана как текст. Сверьте с файлом.")
            return text_of(cell, russian=self.columns.russian)
        if self.columns.ours:
            return unescape(cell)
        text = cell.strip()
        if not is_plain(text):
            self.remark("note", "controls_dropped", "Убраны управляющие знаки.")
            text = drop_controls(text)
        return text

    def code(self, field: Field) -> str:
        """A code like 31.05.01, which spreadsheets like to take for a date."""
        if field not in self.said:
            return ""
        cell = self.said[field]
        if isinstance(cell, date):
            code = f"{cell:%d.%m.%y}"
            self.remark("note", "code_from_date", f"Код был записан датой, прочитан как {code}.")
            return code
        return text_of(cell) if not isinstance(cell, str) else self.text(field).strip()

    def items(self, field: Field, ends: re.Pattern[str]) -> tuple[str, ...]:
        return split_list(self.text(field), ends) if field in self.said else ()

    def remark(self, weight: Weight, code: str, sentence: str) -> None:
        if all(known.code != code for known in self.remarks):
            self.remarks.append(Remark(weight, code, sentence))

    def original(self) -> bytes:
        written = StringIO()
        csv.writer(written).writerow([text_of(cell) for cell in self.cells])
        return written.getvalue().encode(errors="replace")


class _Table:
    """Rows become items; the last item waits for its stages."""

    def __init__(self, columns: Columns, member: str, first: int) -> None:
        self._columns, self._member = columns, member
        known = {*columns.at.values(), *columns.options}
        self._width = max(known) + 1
        self._strange = {place: f"№ {place + 1}" for place in range(self._width) if place not in known}
        self._strange |= dict(columns.strange)
        self._next = first
        self._waiting: _Row | None = None
        self._stages: list[DraftStage] = []

    def take(self, line: int, cells: Sequence[Cell]) -> Iterator[Arriving | Rejected]:
        if len(cells) < self._width:
            cells = [*cells, *[""] * (self._width - len(cells))]
        row = _Row(self._columns, line, cells)
        if not row.word("stem") and not any(cell != "" and str(cell).strip() for cell in cells):
            return
        if _ENGLISH.get(word := row.word("row"), word) != STAGE_ROW:
            yield from self.end()
            self._waiting = row
            if row.options:
                self._stages.append(self._stage(row, inline=True))
        elif self._waiting is None:
            yield self._reject(row, "stage_alone", "Строка шага стоит без задания над ней и не прочитана.")
        elif len(self._stages) < MOST_STAGES:
            self._stages.append(self._stage(row, inline=False))
            self._waiting.remarks += row.remarks

    def end(self) -> Iterator[Arriving | Rejected]:
        row, stages = self._waiting, tuple(self._stages)
        self._waiting, self._stages = None, []
        if row is None:
            return
        if len(stages) >= MOST_STAGES:
            yield self._reject(row, "too_many_stages", f"Шагов больше {MOST_STAGES}: задание не прочитано.")
        elif not stages and not self._columns.ours:
            yield self._reject(row, "no_options", "В строке нет вариантов ответа: она не прочитана как задание.")
        else:
            yield self._arriving(row, stages)

    def _arriving(self, row: _Row, stages: tuple[DraftStage, ...]) -> Arriving:
        home = row.text("home").strip()
        draft = Draft(
            stem=row.text("stem"),
            stages=stages,
            explanation=row.text("explanation"),
            sources=row.items("sources", LINE_ENDS),
            markup=_MARKUPS.get(row.word("markup"), "text"),
            speciality=row.code("speciality"),
            requirement=row.code("requirement"),
            level=_choose(row, "level", _LEVELS, LEVELS, "Уровень"),
            difficulty=self._difficulty(row),
            limit=self._limit(row),
            tags=row.items("tags", TAG_ENDS),
            language=_choose(row, "language", _LANGUAGES, LANGUAGES, "Язык"),
            pool=_choose(row, "pool", _POOLS, POOLS, "Пул"),
        )
        self._tell_unread(row)
        return Arriving(
            self._place(row),
            draft,
            identifier=row.code("identifier") or home,
            home=home,
            remarks=tuple(row.remarks),
            enemies=row.items("enemies", TAG_ENDS),
        )

    def _stage(self, row: _Row, *, inline: bool) -> DraftStage:
        texts = [row.read(cell) for cell in row.options]
        kind = _KINDS.get(row.word("kind"), "choice")
        key = self._find_key(row, texts) if row.word("key") else set()
        if kind == "choice":
            roles = [Role.KEY if number in key else Role.DISTRACTOR for number in range(len(texts))]
            if len(key) > 1:
                row.remark("fault", "several_keys", "Отмечено несколько эталонов. Оставьте один.")
            elif not key and not self._columns.ours:
                row.remark("fault", "no_key", "Эталон не указан. Отметьте правильный вариант.")
        else:
            harmful = set(self._letters(row.text("harmful"), len(texts)) or ())
            roles = [
                Role.REQUIRED if number in key else Role.HARMFUL if number in harmful else Role.NEUTRAL
                for number in range(len(texts))
            ]
        weight = row.cell("weight")
        return DraftStage(
            tuple(map(DraftChoice, texts, roles)),
            kind,
            "" if inline else row.text("stem"),
            row.text("reveal"),
            row.word("ordered") in _YES,
            1 if weight == "" else self._weight(row, weight),
        )

    def _find_key(self, row: _Row, texts: list[str]) -> set[int]:
        """Numbers of the keys by letter, number or text; none, and a remark, where that is not clear."""
        said = text_of(row.cell("key")).strip()
        named = self._letters(said, len(texts))
        if self._columns.ours and named is not None:
            return set(named)
        same = {number for number, text in enumerate(texts) if _fold(text) == _fold(said)}
        if named is None:
            if len(same) != 1:
                row.remark("fault", "key_unread", f"Эталон «{said[:100]}» не найден среди вариантов. Отметьте его.")
                return set()
            return same
        if same and len(named) == 1 and same != set(named):
            row.remark(
                "fault",
                "key_ambiguous",
                f"Эталон «{said[:100]}» — и обозначение одного варианта, и текст другого. Отметьте верный.",
            )
            return set()
        if any(is_foreign(letter, self._columns.alphabet) for letter in said):
            row.remark("note", "key_alphabet", f"Буква эталона «{said[:20]}» — из другого алфавита. Сверьте эталон.")
        return set(named)

    def _letters(self, said: str, count: int) -> list[int] | None:
        """Numbers of options that are named by letter or number; None where it is not that."""
        numbers = []
        for part in _KEY_ENDS.split(said.strip()) if len(said) <= 200 and not _MARK.fullmatch(said) else [said]:
            mark = _MARK.fullmatch(part)
            number = None
            if mark is not None:
                number = int(mark[1]) - 1 if mark[1].isdecimal() else number_of(mark[1], count, self._columns.alphabet)
            if number is None or not 0 <= number < count:
                return None
            numbers.append(number)
        return numbers

    def _difficulty(self, row: _Row) -> float | None:
        cell = row.cell("difficulty")
        if cell == "":
            return None
        difficulty = read_share(cell)
        if difficulty is None:
            row.remark("loss", "difficulty_unread", "Трудность не прочитана: нужна доля от 0 до 1 или процент.")
        return difficulty

    def _limit(self, row: _Row) -> Span | None:
        cell = row.cell("limit")
        if cell == "":
            return None
        limit = read_limit(cell)
        if limit is None:
            row.remark("loss", "limit_unread", "Время не прочитано: нужны секунды, «1:30» или «2 мин».")
        return limit

    def _weight(self, row: _Row, cell: Cell) -> int:
        weight = read_whole(cell)
        if weight is None:
            row.remark("loss", "weight_unread", "Вес не прочитан: нужно целое число от 1.")
        return weight or 1

    def _tell_unread(self, row: _Row) -> None:
        unread = [name for place, name in self._strange.items() if place < len(row.cells) and row.cells[place] != ""]
        if len(row.cells) > self._width:
            beyond = range(self._width, len(row.cells))
            unread += [f"№ {place + 1}" for place in beyond if place not in self._strange and row.cells[place] != ""]
        if unread:
            names = ", ".join(f"«{name[:40]}»" for name in unread[:MOST_REMARKED])
            row.remark("loss", "column_unread", f"Столбцы {names} не прочитаны: их назначение неизвестно.")

    def _place(self, row: _Row) -> Place:
        self._next += 1
        return Place(self._next - 1, self._member, row.line)

    def _reject(self, row: _Row, code: str, sentence: str) -> Rejected:
        return Rejected(
            self._place(row), code, sentence, row.code("identifier"), row.original(), "text/csv; charset=utf-8"
        )


def _choose(row: _Row, field: Field, words: Mapping[str, Name], names: Mapping[Name, str], title: str) -> Name | None:
    word = row.word(field)
    chosen = words.get(word)
    if word and chosen is None:
        row.remark("loss", f"{field}_unread", f"{title} «{word[:60]}» не прочитан: бывает {', '.join(names.values())}.")
    return chosen


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")
