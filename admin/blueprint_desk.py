"""Blueprints as the methodologist reads them, with what the bank has for them."""

from collections.abc import Iterable

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from question_bank.blueprint_store import list_blueprints
from question_bank.blueprints import Blueprint, Cell
from question_bank.requirement_store import Supply, list_supply


class CellSupply(Struct, frozen=True):
    """A cell of a blueprint with how many items of the bank fit it."""

    cell: Cell
    title: str
    supply: int

    @property
    def short(self) -> bool:
        """There are fewer items than one form takes."""
        return self.supply < self.cell.count


class BlueprintSheet(Struct, frozen=True):
    """A blueprint and what the bank has for each of its cells."""

    blueprint: Blueprint
    cells: tuple[CellSupply, ...]


async def list_sheets(connection: AsyncConnection) -> list[BlueprintSheet]:
    """The latest version of every blueprint."""
    exam, practice = await list_supply(connection), await list_supply(connection, "practice")
    return [
        BlueprintSheet(
            blueprint,
            tuple(_supply(blueprint, cell, practice if blueprint.practice else exam) for cell in blueprint.cells),
        )
        for blueprint in await list_blueprints(connection)
    ]


def _supply(blueprint: Blueprint, cell: Cell, supply: Iterable[Supply]) -> CellSupply:
    fitting = [
        one for one in supply if one.speciality == blueprint.speciality and cell.requirement in (None, one.requirement)
    ]
    count = sum(one.case if cell.kind == "case" else one.four_option for one in fitting)
    title = fitting[0].title if cell.requirement is not None and fitting else ""
    return CellSupply(cell, title, count)
