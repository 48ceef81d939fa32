"""Fixed forms as staff see them: searches for them, their report, and the windows that give one to everybody."""

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.forms_plot import Curves, draw_curves
from core import journal
from core.access import Principal, people
from core.ids import BlueprintId, PersonId, WindowId
from core.moments import SECOND, Moment, Span
from exam_server.scheduling import give_fixed_form, load_window
from question_bank.blueprint_store import load_blueprint
from question_bank.blueprints import Blueprint
from question_bank.fixed_form_store import Build, list_builds, load_build
from question_bank.fixed_forms import Order

LONGEST_SILENCE: Span = 20 * SECOND
"""A search tells of itself twice a second; one that is silent for so long has lost its process."""
SHORT = 8
"""Digits of a digest that people are shown."""


class FormsSheet(Struct, frozen=True):
    """The newest version of a blueprint and the searches made for any of its versions, the newest first."""

    blueprint: Blueprint
    builds: tuple[Build, ...]
    names: dict[PersonId, str]
    now: Moment

    def is_lost(self, build: Build) -> bool:
        return is_lost(build, self.now)


class BuildSheet(Struct, frozen=True):
    """One search; its curves where it found something."""

    blueprint: Blueprint
    build: Build
    by: str
    lost: bool
    scores: Curves | None
    informations: Curves | None

    @property
    def running(self) -> bool:
        return self.build.state == "running" and not self.lost


class Choice(Struct, frozen=True):
    """A fixed form that a window can be given: the `number`-th of a search."""

    digest: str
    build: int
    number: int
    at: Moment

    @property
    def short(self) -> str:
        return self.digest[:SHORT]


def is_lost(build: Build, now: Moment) -> bool:
    """Whether the process that was searching is gone."""
    return build.state == "running" and now - build.told_at > LONGEST_SILENCE


async def open_forms(connection: AsyncConnection, blueprint: BlueprintId, now: Moment) -> FormsSheet:
    """Raises NotFound."""
    found = await load_blueprint(connection, blueprint)
    builds = await list_builds(connection, blueprint)
    known = await people(connection, {one.begun_by for one in builds if one.begun_by is not None})
    return FormsSheet(found, tuple(builds), {one.id: one.name for one in known}, now)


async def open_build(connection: AsyncConnection, number: int, now: Moment) -> BuildSheet:
    """Raises NotFound."""
    build = await load_build(connection, number)
    blueprint = await load_blueprint(connection, build.blueprint, build.blueprint_version)
    known = await people(connection, [build.begun_by]) if build.begun_by is not None else []
    report = build.report
    return BuildSheet(
        blueprint,
        build,
        known[0].name if known else "",
        is_lost(build, now),
        draw_curves(report.thetas, [one.scores for one in report.forms], 1.0) if report else None,
        draw_curves(report.thetas, [one.informations for one in report.forms]) if report else None,
    )


async def list_choices(connection: AsyncConnection, blueprint: BlueprintId, version: int) -> list[Choice]:
    """The fixed forms of one version of a blueprint, those of the newest search first."""
    return [
        Choice(digest, build.id, number, build.told_at)
        for build in await list_builds(connection, blueprint)
        if build.blueprint_version == version
        for number, digest in enumerate(build.forms, start=1)
    ]


async def give_form(
    connection: AsyncConnection, window: WindowId, digest: str | None, by: Principal, now: Moment
) -> None:
    """Give everybody of a window one form, or with None each their own, and write it down.

    Raises as `scheduling.give_fixed_form`.
    """
    before = await load_window(connection, window)
    await give_fixed_form(connection, window, digest)
    if before.fixed_form != digest:
        await journal.record(
            connection,
            f"person:{by.id}",
            "planning.form_given",
            f"window:{window}",
            {"form": digest or "drawn", "before": before.fixed_form or "drawn"},
            now,
        )


def read_order(count: str, overlap: str, seconds: str, seed: int) -> Order:
    """What was typed; what is no number is one that `Order.validate` refuses."""
    return Order(_whole(count), _whole(overlap), _whole(seconds) * SECOND, seed)


def _whole(text: str) -> int:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 6 else -1
