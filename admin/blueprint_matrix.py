"""A blueprint as people read it: cells as matrices of demand and supply, and what changed between versions. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from admin.blueprint_check import CellVerdict
from question_bank.bands import BANDS, Band
from question_bank.blueprints import Blueprint, Cell
from question_bank.forms import ItemKind, Level

LEVELS: tuple[Level, ...] = ("recall", "application", "analysis")
KINDS: tuple[ItemKind, ...] = ("four_option", "case")

Column = tuple[Level | None, Band | None]


class Square(Struct, frozen=True):
    """One filled place of a matrix."""

    count: int
    verdict: CellVerdict


class Row(Struct, frozen=True):
    """`squares`: one for each column, None where nothing is asked for."""

    requirement: str | None
    title: str
    squares: tuple[Square | None, ...]

    @property
    def total(self) -> int:
        return sum(square.count for square in self.squares if square)


class Matrix(Struct, frozen=True):
    """The cells of one section, kind and weight."""

    section: int
    kind: ItemKind
    weight: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def total(self) -> int:
        return sum(row.total for row in self.rows)


def arrange(blueprint: Blueprint, verdicts: Sequence[CellVerdict], titles: Mapping[str, str]) -> tuple[Matrix, ...]:
    """The cells in the order of sections and kinds; rows by requirement, the one that takes any last."""
    groups: dict[tuple[int, int, int], list[tuple[Cell, CellVerdict]]] = {}
    for cell, verdict in zip(blueprint.cells, verdicts, strict=True):
        groups.setdefault((cell.section, KINDS.index(cell.kind), cell.weight), []).append((cell, verdict))
    return tuple(
        _matrix(section, KINDS[kind], weight, found, titles)
        for (section, kind, weight), found in sorted(groups.items())
    )


def _matrix(
    section: int, kind: ItemKind, weight: int, found: Sequence[tuple[Cell, CellVerdict]], titles: Mapping[str, str]
) -> Matrix:
    columns = sorted({(cell.level, cell.band) for cell, _ in found}, key=_place)
    rows: dict[str | None, dict[Column, Square]] = {}
    for cell, verdict in found:
        row = rows.setdefault(cell.requirement, {})
        column = (cell.level, cell.band)
        # Two cells that ask for the same stand in one square; the narrower verdict is told.
        before = row.get(column)
        if before is not None:
            worse = max(before.verdict, verdict, key=lambda one: one.missing)
            row[column] = Square(before.count + cell.count, worse)
        else:
            row[column] = Square(cell.count, verdict)
    return Matrix(
        section,
        kind,
        weight,
        tuple(columns),
        tuple(
            Row(code, titles.get(code or "", ""), tuple(row.get(column) for column in columns))
            for code, row in sorted(rows.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
        ),
    )


def _place(column: Column) -> tuple[int, int]:
    level, band = column
    return (0 if level is None else 1 + LEVELS.index(level), 0 if band is None else 1 + BANDS.index(band))


SETTINGS = (
    "title", "exam_limit", "navigation", "on_item_timeout", "flags", "confirmation", "cut", "accreditation", "practice",
    "explanations", "breaks", "break_limit", "pilots", "exposure_cap", "minimum_information", "sections",
)  # fmt: skip


class Changed(Struct, frozen=True):
    """How many items a place of the matrix asked for, and asks for now."""

    cell: Cell
    before: int
    after: int


class Difference(Struct, frozen=True):
    """From one version to another. `settings`: names of what differs beside the cells."""

    settings: tuple[str, ...]
    cells: tuple[Changed, ...]

    @property
    def is_empty(self) -> bool:
        return not self.settings and not self.cells


def compare(old: Blueprint, new: Blueprint) -> Difference:
    counts = [_count(one.cells) for one in (old, new)]
    places = dict.fromkeys([*counts[1], *counts[0]])
    return Difference(
        tuple(name for name in SETTINGS if getattr(old, name) != getattr(new, name)),
        tuple(
            Changed(place, counts[0].get(place, 0), counts[1].get(place, 0))
            for place in places
            if counts[0].get(place, 0) != counts[1].get(place, 0)
        ),
    )


def _count(cells: Sequence[Cell]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for cell in cells:
        place = Cell(cell.requirement, cell.kind, 1, cell.weight, cell.section, cell.level, cell.band)
        found[place] = found.get(place, 0) + cell.count
    return found
