"""Fixed forms and how they were found, in PostgreSQL. Reads no keys."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import BlueprintId, ItemId, PersonId
from core.moments import Moment
from question_bank.fixed_forms import Built, FixedForm, Order, Place, Progress
from question_bank.form_report import FormReport
from question_bank.pool import PoolItem
from question_bank.pool_store import read_stages

_places = msgspec.json.Decoder(tuple[Place, ...])
_order = msgspec.json.Decoder(Order)
_progress = msgspec.json.Decoder(Progress)
_report = msgspec.json.Decoder(FormReport)


class Build(Struct, frozen=True):
    """One search for parallel forms."""

    id: int
    blueprint: BlueprintId
    blueprint_version: int
    order: Order
    snapshot: str
    """The pool that was searched."""
    state: str
    """running, done, failed, cancelled."""
    begun_by: PersonId | None
    """None: from the command line."""
    begun_at: Moment
    told_at: Moment
    """When its process last said how far it is; one that is long silent is gone."""
    progress: Progress | None = None
    message: str = ""
    """Why it failed."""
    sample: int = 0
    deviation: float | None = None
    bound: float | None = None
    ending: str = ""
    solver: str = ""
    report: FormReport | None = None
    forms: tuple[str, ...] = ()
    """Digests, in the order of the report."""


async def begin_build(
    connection: AsyncConnection,
    blueprint: BlueprintId,
    version: int,
    order: Order,
    snapshot: str,
    who: PersonId | None,
    at: Moment,
) -> int:
    row = await fetch_one(
        connection,
        """
        INSERT INTO question_bank.form_build
            (blueprint_id, blueprint_version, ordered, snapshot, state, begun_by, begun_at, told_at)
        VALUES (:blueprint, :version, CAST(:ordered AS jsonb), :snapshot, 'running', :who, :at, :at) RETURNING id
        """,
        blueprint=blueprint,
        version=version,
        ordered=msgspec.json.encode(order).decode(),
        snapshot=snapshot,
        who=who,
        at=at,
    )
    assert row is not None
    return int(row["id"])


async def tell_progress(connection: AsyncConnection, build: int, progress: Progress, at: Moment) -> bool:
    """Keep how far a search is; whether somebody has asked for its end."""
    row = await fetch_one(
        connection,
        """
        UPDATE question_bank.form_build SET progress = CAST(:progress AS jsonb), told_at = :at
        WHERE id = :id AND state = 'running' RETURNING stop_asked
        """,
        id=build,
        progress=msgspec.json.encode(progress).decode(),
        at=at,
    )
    return row is None or bool(row["stop_asked"])


async def ask_stop(connection: AsyncConnection, build: int) -> None:
    """A search that runs anywhere ends soon, with nothing kept."""
    await execute(connection, "UPDATE question_bank.form_build SET stop_asked = true WHERE id = :id", id=build)


async def end_build(connection: AsyncConnection, build: int, state: str, message: str, at: Moment) -> None:
    """A search that found nothing: failed or cancelled."""
    await execute(
        connection,
        """
        UPDATE question_bank.form_build SET state = :state, message = :message, told_at = :at
        WHERE id = :id AND state = 'running'
        """,
        id=build,
        state=state,
        message=message,
        at=at,
    )


async def keep_built(
    connection: AsyncConnection, build: int, built: Built, report: FormReport, solver: str, at: Moment
) -> None:
    """Keep what was found. A form that is kept already stays with the search that found it first."""
    await execute(
        connection,
        """
        INSERT INTO question_bank.fixed_form (digest, build_id, blueprint_id, blueprint_version, places, kept_at)
        SELECT t.digest, :build, t.blueprint, t.version, CAST(t.places AS jsonb), :at
        FROM unnest(CAST(:digests AS text[]), CAST(:blueprints AS text[]), CAST(:versions AS int[]),
                    CAST(:places AS text[])) AS t(digest, blueprint, version, places)
        ON CONFLICT DO NOTHING
        """,
        build=build,
        digests=[form.digest for form in built.forms],
        blueprints=[form.blueprint for form in built.forms],
        versions=[form.blueprint_version for form in built.forms],
        places=[msgspec.json.encode(form.places).decode() for form in built.forms],
        at=at,
    )
    await execute(
        connection,
        """
        UPDATE question_bank.form_build
        SET state = 'done', told_at = :at, sample = :sample, deviation = :deviation, bound = :bound, ending = :ending,
            solver = :solver, report = CAST(:report AS jsonb), forms = CAST(:forms AS text[])
        WHERE id = :id
        """,
        id=build,
        at=at,
        sample=built.sample,
        deviation=built.deviation,
        bound=built.bound,
        ending=built.ending,
        solver=solver,
        report=msgspec.json.encode(report).decode(),
        forms=[form.digest for form in built.forms],
    )


async def load_build(connection: AsyncConnection, build: int) -> Build:
    """Raises NotFound (`build_unknown`)."""
    row = await fetch_one(connection, f"{_BUILD} WHERE id = :id", id=build)
    if row is None:
        raise NotFound("build_unknown", "Такого подбора наборов нет. Откройте список.")
    return _build(row)


async def list_builds(
    connection: AsyncConnection, blueprint: BlueprintId | None = None, limit: int = 50
) -> list[Build]:
    """The newest first."""
    rows = await fetch_all(
        connection,
        f"""{_BUILD} WHERE CAST(:blueprint AS text) IS NULL OR blueprint_id = :blueprint
            ORDER BY id DESC LIMIT :limit""",
        blueprint=blueprint,
        limit=limit,
    )
    return [_build(row) for row in rows]


async def load_fixed(connection: AsyncConnection, digest: str) -> tuple[FixedForm, dict[ItemId, PoolItem]]:
    """A fixed form and its item versions (of which what is expected is not told).

    Raises NotFound (`fixed_form_unknown`), Conflict (`fixed_form_broken` where what is stored does not add up).
    """
    row = await fetch_one(
        connection,
        """
        SELECT blueprint_id, blueprint_version, places::text AS places FROM question_bank.fixed_form
        WHERE digest = :digest
        """,
        digest=digest,
    )
    if row is None:
        raise unknown_fixed_form()
    form = FixedForm(BlueprintId(row["blueprint_id"]), row["blueprint_version"], _places.decode(row["places"]))
    items = await _load_versions(connection, form.places)
    if form.digest != digest or len(items) != len(form.places):
        raise Conflict(
            "fixed_form_broken", "Готовый набор не сходится со своей контрольной суммой. Сообщите администратору."
        )
    return form, items


async def check_fixed(connection: AsyncConnection, digest: str, blueprint: BlueprintId, version: int) -> None:
    """Raises NotFound (`fixed_form_unknown`), Invalid (`fixed_form_strange`) for a form of another blueprint."""
    row = await fetch_one(
        connection,
        "SELECT blueprint_id, blueprint_version FROM question_bank.fixed_form WHERE digest = :digest",
        digest=digest,
    )
    if row is None:
        raise unknown_fixed_form()
    if (row["blueprint_id"], row["blueprint_version"]) != (blueprint, version):
        raise Invalid(
            "fixed_form_strange",
            "Этот готовый набор собран по другой спецификации или другой её версии. Выберите набор этого экзамена.",
            fields={"fixed_form": "Набор другого экзамена."},
        )


def unknown_fixed_form() -> NotFound:
    """A new error each time: one that is raised keeps the frames it went through."""
    return NotFound("fixed_form_unknown", "Такого готового набора нет. Выберите другой.")


async def is_in_service(connection: AsyncConnection, fixed: FixedForm, speciality: str) -> bool:
    """Whether all its items still are, in these versions; that does not change before the transaction ends."""
    await fetch_one(
        connection,
        "SELECT revision FROM question_bank.speciality WHERE code = :code FOR SHARE",
        code=speciality,
    )
    row = await fetch_one(
        connection,
        """
        SELECT count(*) AS found FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS t(item_id, version)
        JOIN question_bank.item i ON i.id = t.item_id AND i.version = t.version AND i.state IN ('active', 'piloted')
        JOIN question_bank.item_version v ON v.item_id = i.id AND v.version = i.version
        JOIN question_bank.requirement q ON q.speciality = v.speciality AND q.code = v.requirement
        WHERE q.repealed_at IS NULL
        """,
        items=[place.item for place in fixed.places],
        versions=[place.version for place in fixed.places],
    )
    return row is not None and row["found"] == len(fixed.places)


async def _load_versions(connection: AsyncConnection, places: Sequence[Place]) -> dict[ItemId, PoolItem]:
    rows = await fetch_all(
        connection,
        """
        SELECT v.item_id, v.version, v.requirement, v.kind, v.level, v.limit_ms,
               (v.content -> 'stages')::text AS stages
        FROM unnest(CAST(:items AS text[]), CAST(:versions AS int[])) AS t(item_id, version)
        JOIN question_bank.item_version v USING (item_id, version)
        """,
        items=[place.item for place in places],
        versions=[place.version for place in places],
    )
    return {
        ItemId(row["item_id"]): PoolItem(
            ItemId(row["item_id"]),
            row["version"],
            row["requirement"],
            row["kind"],
            row["limit_ms"],
            0,
            read_stages(row["stages"]),
            row["level"],
        )
        for row in rows
    }


_BUILD = """
    SELECT id, blueprint_id, blueprint_version, ordered::text AS ordered, snapshot, state, begun_by, begun_at, told_at,
           progress::text AS progress, message, sample, deviation, bound, ending, solver, report::text AS report, forms
    FROM question_bank.form_build
"""


def _build(row: RowMapping) -> Build:
    return Build(
        row["id"],
        BlueprintId(row["blueprint_id"]),
        row["blueprint_version"],
        _order.decode(row["ordered"]),
        row["snapshot"],
        row["state"],
        None if row["begun_by"] is None else PersonId(row["begun_by"]),
        row["begun_at"],
        row["told_at"],
        None if row["progress"] is None else _progress.decode(row["progress"]),
        row["message"],
        row["sample"],
        row["deviation"],
        row["bound"],
        row["ending"],
        row["solver"],
        None if row["report"] is None else _report.decode(row["report"]),
        tuple(row["forms"]),
    )
