"""Rows of the engine: sittings and their first log row, entrance, connections, notes."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import BlueprintId, BookingId, PersonId, SittingId, WindowId
from core.moments import Moment, to_datetime
from exam_server.chain import START, Row, link
from exam_server.events import AnyEvent, Created, LateAdmitted, encode_batch, trace_of
from exam_server.sitting import Sitting
from exam_server.turns import fold_in_turns, read_in_turns
from question_bank.forms import Form


def unknown_sitting() -> NotFound:
    """A new error each time: one that is raised keeps the frames it went through."""
    return NotFound("unknown_sitting", "Такого тестирования нет. Проверьте адрес или откройте его из кабинета.")


NO_SITTING = unknown_sitting()
"""Its code and sentence, for those who only quote it."""


_ADMITTED = trace_of(LateAdmitted)


class SittingCard(Struct, frozen=True):
    """What lists and headers say about a sitting without reading its log."""

    id: SittingId
    booking: BookingId | None
    """None for practice, which needs no place."""
    window: WindowId | None
    candidate: PersonId
    blueprint: BlueprintId
    blueprint_version: int
    attempt: int
    created_at: Moment
    ended: bool
    entered_at: Moment | None
    """None while only the form is prepared."""
    practice: bool


class Entrance(Struct, frozen=True):
    """How far a candidate came before the start."""

    checked_at: Moment | None = None
    consented_at: Moment | None = None
    biometrics: bool | None = None
    referenced_at: Moment | None = None
    identified_at: Moment | None = None
    identified_by: PersonId | None = None
    pictures: int = 0
    """How many reference pictures were looked at."""
    consent_version: str | None = None
    consents: int = 0
    """How often consent to biometrics was given."""


class Note(Struct, frozen=True):
    """What a member of staff wrote about a sitting."""

    id: int
    author: PersonId
    kind: str
    body: str
    written_at: Moment


class Connected(Struct, frozen=True):
    """From where and with what a page took a sitting over."""

    sitting: SittingId
    epoch: int
    address: str
    device: str
    at: Moment


_CARD = """SELECT s.id, s.booking_id, b.window_id, s.candidate, s.blueprint_id, s.blueprint_version, s.attempt,
                  s.created_at, s.entered_at, s.next_deadline IS NULL AS ended, s.practice
           FROM exam_server.sitting s LEFT JOIN exam_server.booking b ON b.id = s.booking_id"""


_ENTRANCE = """SELECT checked_at, consented_at, biometrics, referenced_at, identified_at, identified_by, pictures,
                      consent_version, consents
               FROM exam_server.entrance"""


class Draft(Struct, frozen=True):
    """A sitting that is to be created. `entered_at` is None where only its form is prepared.

    Only practice does without a booking.
    """

    booking: BookingId | None
    attempt: int
    created: Created
    entered_at: Moment | None = None


async def create_sittings(connection: AsyncConnection, drafts: Sequence[Draft]) -> list[SittingId]:
    """Sittings with row 0 of their logs, in the caller's transaction; their ids in the order of the drafts."""
    rows = await fetch_all(
        connection,
        """SELECT nextval(pg_get_serial_sequence('exam_server.sitting', 'id')) AS id
           FROM generate_series(1, CAST(:count AS int))""",
        count=len(drafts),
    )
    ids = [SittingId(row["id"]) for row in rows]
    created = [draft.created for draft in drafts]
    await execute(
        connection,
        """INSERT INTO exam_server.sitting (id, booking_id, candidate, blueprint_id, blueprint_version, attempt,
               created_at, entered_at, next_deadline, practice)
           OVERRIDING SYSTEM VALUE
           SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:bookings AS bigint[]), CAST(:candidates AS bigint[]),
               CAST(:blueprints AS text[]), CAST(:versions AS int[]), CAST(:attempts AS int[]),
               CAST(:created AS bigint[]), CAST(:entered AS bigint[]), CAST(:due AS timestamptz[]),
               CAST(:practice AS boolean[]))""",
        ids=ids,
        bookings=[draft.booking for draft in drafts],
        candidates=[one.candidate for one in created],
        blueprints=[one.form.blueprint for one in created],
        versions=[one.form.blueprint_version for one in created],
        attempts=[draft.attempt for draft in drafts],
        created=[one.at for one in created],
        entered=[draft.entered_at for draft in drafts],
        due=[to_datetime(one.closes_at) for one in created],
        practice=[one.rules.practice for one in created],
    )
    stored = [encode_batch((one,)) for one in created]
    await execute(
        connection,
        """INSERT INTO exam_server.log (sitting_id, version, prev, digest, events)
           SELECT id, 0, :prev, digest, events
           FROM unnest(CAST(:ids AS bigint[]), CAST(:digests AS bytea[]), CAST(:events AS bytea[]))
               AS t(id, digest, events)""",
        ids=ids,
        prev=START,
        digests=[link(sitting, 0, START, events) for sitting, events in zip(ids, stored, strict=True)],
        events=stored,
    )
    await record_forms(connection, {sitting: one.form for sitting, one in zip(ids, created, strict=True)})
    return ids


async def record_forms(connection: AsyncConnection, forms: Mapping[SittingId, Form]) -> None:
    """Write down which items sittings have, so that they are found from any of them."""
    await execute(
        connection,
        """INSERT INTO exam_server.form (sitting_id, items, versions)
           SELECT id, ARRAY(SELECT jsonb_array_elements_text(CAST(items AS jsonb))),
                  ARRAY(SELECT CAST(jsonb_array_elements_text(CAST(versions AS jsonb)) AS int))
           FROM unnest(CAST(:ids AS bigint[]), CAST(:items AS text[]), CAST(:versions AS text[]))
               AS t(id, items, versions)
           ON CONFLICT (sitting_id) DO UPDATE SET items = excluded.items, versions = excluded.versions""",
        ids=list(forms),
        items=[msgspec.json.encode([entry.item for entry in form.entries]).decode() for form in forms.values()],
        versions=[msgspec.json.encode([entry.version for entry in form.entries]).decode() for form in forms.values()],
    )


async def load_card(connection: AsyncConnection, sitting: SittingId) -> SittingCard:
    """Raises NotFound."""
    row = await fetch_one(connection, f"{_CARD} WHERE s.id = :id", id=sitting)
    if row is None:
        raise unknown_sitting()
    return _card(row)


async def load_events(connection: AsyncConnection, sitting: SittingId) -> list[AnyEvent]:
    """Every event of a sitting, its digest chain checked. Raises NotFound, chain.BrokenChain."""
    rows = await fetch_all(
        connection,
        "SELECT version, prev, digest, events FROM exam_server.log WHERE sitting_id = :id ORDER BY version",
        id=sitting,
    )
    if not rows:
        raise unknown_sitting()
    return await read_in_turns(sitting, [Row(r["version"], r["prev"], r["digest"], r["events"]) for r in rows])


async def load_sitting(connection: AsyncConnection, sitting: SittingId) -> Sitting:
    """The state folded from the log. Raises NotFound, chain.BrokenChain."""
    return await fold_in_turns(sitting, await load_events(connection, sitting))


async def all_sittings(connection: AsyncConnection) -> list[SittingId]:
    rows = await fetch_all(connection, "SELECT id FROM exam_server.sitting ORDER BY id")
    return [SittingId(row["id"]) for row in rows]


async def unconcluded(connection: AsyncConnection, after: SittingId, limit: int) -> list[SittingId]:
    """Ended sittings that have no outcome yet, in the order of their ids: each is a piece of work to do."""
    rows = await fetch_all(
        connection,
        """SELECT id FROM exam_server.sitting
           WHERE next_deadline IS NULL AND concluded_at IS NULL AND id > :after ORDER BY id LIMIT :limit""",
        after=after,
        limit=limit,
    )
    return [SittingId(row["id"]) for row in rows]


async def newest_version(connection: AsyncConnection, sitting: SittingId) -> int:
    """The number of the newest row of a sitting's log. Raises NotFound."""
    row = await fetch_one(
        connection, "SELECT max(version) AS version FROM exam_server.log WHERE sitting_id = :id", id=sitting
    )
    if row is None or row["version"] is None:
        raise unknown_sitting()
    return int(row["version"])


async def stale(connection: AsyncConnection, chosen: Sequence[SittingId] | None = None) -> list[SittingId]:
    """Of the chosen sittings, or of all, those whose preliminary outcome lacks an answer that was admitted late."""
    rows = await fetch_all(
        connection,
        """SELECT o.sitting_id FROM exam_server.outcome o
           WHERE o.state = 'preliminary' AND (:all OR o.sitting_id = ANY(CAST(:chosen AS bigint[])))
             AND EXISTS (SELECT FROM exam_server.log l
                         WHERE l.sitting_id = o.sitting_id AND l.version > o.marked_version
                           AND position(CAST(:admitted AS bytea) IN l.events) > 0)
           ORDER BY o.sitting_id""",
        all=chosen is None,
        chosen=list(chosen or ()),
        admitted=_ADMITTED,
    )
    return [SittingId(row["sitting_id"]) for row in rows]


async def record_connections(connection: AsyncConnection, connected: Sequence[Connected]) -> None:
    """What is recorded of a sitting and an epoch already is left."""
    await execute(
        connection,
        """INSERT INTO exam_server.connection (sitting_id, epoch, address, device, connected_at)
           SELECT * FROM unnest(CAST(:sittings AS bigint[]), CAST(:epochs AS int[]), CAST(:addresses AS text[]),
                                CAST(:devices AS text[]), CAST(:moments AS bigint[]))
           ON CONFLICT DO NOTHING""",
        sittings=[one.sitting for one in connected],
        epochs=[one.epoch for one in connected],
        addresses=[one.address for one in connected],
        devices=[one.device for one in connected],
        moments=[one.at for one in connected],
    )


async def load_connections(connection: AsyncConnection, sitting: SittingId) -> Sequence[RowMapping]:
    """epoch, address, device, connected_at of each page that took the sitting over."""
    return await fetch_all(
        connection,
        """SELECT epoch, address, device, connected_at FROM exam_server.connection
           WHERE sitting_id = :id ORDER BY epoch""",
        id=sitting,
    )


async def load_entrance(connection: AsyncConnection, sitting: SittingId) -> Entrance:
    row = await fetch_one(
        connection,
        f"{_ENTRANCE} WHERE sitting_id = :id",
        id=sitting,
    )
    return Entrance() if row is None else Entrance(**row)


async def lock_entrance(connection: AsyncConnection, sitting: SittingId) -> Entrance:
    """The entrance, which nobody else changes until the caller's transaction ends."""
    row = await fetch_one(connection, f"{_ENTRANCE} WHERE sitting_id = :id FOR UPDATE", id=sitting)
    return Entrance() if row is None else Entrance(**row)


async def record_check(connection: AsyncConnection, sitting: SittingId, readings: str, at: Moment) -> None:
    await execute(
        connection,
        """INSERT INTO exam_server.entrance (sitting_id, checked_at, readings)
           VALUES (:id, :at, CAST(:readings AS jsonb))
           ON CONFLICT (sitting_id) DO UPDATE SET checked_at = :at, readings = CAST(:readings AS jsonb)""",
        id=sitting,
        at=at,
        readings=readings,
    )


async def record_consent(
    connection: AsyncConnection, sitting: SittingId, version: str, biometrics: bool, at: Moment
) -> None:
    await execute(
        connection,
        """INSERT INTO exam_server.entrance (sitting_id, consented_at, consent_version, biometrics, consents)
           VALUES (:id, :at, :version, :biometrics, CASE WHEN :biometrics THEN 1 ELSE 0 END)
           ON CONFLICT (sitting_id) DO UPDATE
           SET consented_at = :at, consent_version = :version, biometrics = :biometrics,
               consents = entrance.consents + excluded.consents,
               referenced_at = CASE WHEN :biometrics THEN entrance.referenced_at END,
               identified_at = CASE WHEN :biometrics THEN NULL ELSE entrance.identified_at END,
               identified_by = CASE WHEN :biometrics THEN NULL ELSE entrance.identified_by END""",
        id=sitting,
        at=at,
        version=version,
        biometrics=biometrics,
    )


async def count_picture(connection: AsyncConnection, sitting: SittingId, most: int) -> bool:
    """Take one of so many tries at a reference picture; False where none is left."""
    return (
        await execute(
            connection,
            "UPDATE exam_server.entrance SET pictures = pictures + 1 WHERE sitting_id = :id AND pictures < :most",
            id=sitting,
            most=most,
        )
        == 1
    )


async def uncount_picture(connection: AsyncConnection, sitting: SittingId) -> None:
    """Give a try back: the picture could not be looked at, which is not the candidate's fault."""
    await execute(
        connection,
        "UPDATE exam_server.entrance SET pictures = pictures - 1 WHERE sitting_id = :id AND pictures > 0",
        id=sitting,
    )


async def record_reference(connection: AsyncConnection, sitting: SittingId, at: Moment) -> None:
    await execute(
        connection, "UPDATE exam_server.entrance SET referenced_at = :at WHERE sitting_id = :id", id=sitting, at=at
    )


async def record_identity(connection: AsyncConnection, sitting: SittingId, by: PersonId, at: Moment) -> None:
    await execute(
        connection,
        "UPDATE exam_server.entrance SET identified_at = :at, identified_by = :by WHERE sitting_id = :id",
        id=sitting,
        at=at,
        by=by,
    )


async def write_note(
    connection: AsyncConnection,
    sitting: SittingId,
    author: PersonId,
    kind: str,
    body: str,
    at: Moment,
    position: int | None = None,
) -> int:
    """Keep what was written, of the item at a position or of none, and return its id."""
    row = await fetch_one(
        connection,
        """INSERT INTO exam_server.note (sitting_id, author, kind, body, written_at, position)
           VALUES (:id, :author, :kind, :body, :at, :position) RETURNING id""",
        id=sitting,
        author=author,
        kind=kind,
        body=body,
        at=at,
        position=position,
    )
    assert row is not None
    return int(row["id"])


async def drop_note(connection: AsyncConnection, note: int) -> None:
    """Take back what was written for an act that was refused. Nothing may name it yet."""
    await execute(connection, "DELETE FROM exam_server.note WHERE id = :id", id=note)


async def load_notes(connection: AsyncConnection, sitting: SittingId) -> dict[int, Note]:
    rows = await fetch_all(
        connection,
        "SELECT id, author, kind, body, written_at FROM exam_server.note WHERE sitting_id = :id ORDER BY id",
        id=sitting,
    )
    return {row["id"]: Note(**row) for row in rows}


def _card(row: RowMapping) -> SittingCard:
    return SittingCard(
        SittingId(row["id"]),
        None if row["booking_id"] is None else BookingId(row["booking_id"]),
        None if row["window_id"] is None else WindowId(row["window_id"]),
        PersonId(row["candidate"]),
        BlueprintId(row["blueprint_id"]),
        row["blueprint_version"],
        row["attempt"],
        row["created_at"],
        row["ended"],
        row["entered_at"],
        row["practice"],
    )
