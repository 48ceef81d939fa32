"""How often the items of an exam were drawn and seen, and how its pool stands."""

import asyncio

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.blueprint_pools import DraftPools
from admin.exposure_plot import Histogram, draw_histogram
from core.ids import BlueprintId
from core.moments import Moment
from exam_server.exposure import PAGE, ExposurePage, count_uses, list_exposure
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.calibration_store import load_standings
from question_bank.health import Health, weigh_health


class ExposureSheet(Struct, frozen=True):
    """One exam. `page`: its items, those seen most often first."""

    blueprint: Blueprint
    page: ExposurePage
    health: Health
    histogram: Histogram


async def open_exposure(
    connection: AsyncConnection, pools: DraftPools, blueprint: BlueprintId, page: int, now: Moment
) -> ExposureSheet:
    """The exam by its newest version. Raises NotFound."""
    found = await load_blueprint(connection, blueprint)
    shown = await list_exposure(connection, blueprint, offset=(page - 1) * PAGE)
    uses = await count_uses(connection, blueprint)
    standings = await load_standings(connection, found.speciality)
    _, pool = await pools.pool(connection, found)
    forms = max(1, shown.forms)
    shares = [uses[item.item].drawn / forms if item.item in uses else 0.0 for item in pool.items]
    health = await asyncio.to_thread(weigh_health, found, pool, standings, uses, shown.forms, now)
    return ExposureSheet(found, shown, health, draw_histogram(shares, found.exposure_cap))
