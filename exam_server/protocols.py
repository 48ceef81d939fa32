"""The commission's protocol: confirms or annuls preliminary outcomes, signed by a named person."""

from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.access.roles import Permission, Principal
from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.ids import PersonId, ProtocolId, SittingId
from core.moments import Moment
from core.signatures import Signer
from exam_server.conclusion import annul_outcome, confirm_outcome, load_outcomes
from exam_server.late_answers import mark_stale_again
from exam_server.scheduling import today_in
from proctoring import review
from proctoring.store import decision_of, findings_of, incidents_of

PROTOCOL_TYPE = "accreditation-protocol+jws"
MOST_SITTINGS = 500


class Line(Struct, frozen=True):
    """One sitting in a protocol. `decision` follows from the review, or from its having nothing to review."""

    sitting: SittingId
    candidate: PersonId
    passed: bool
    decision: Literal["confirm", "annul"]
    ruling: str
    """no_violation, warning or annul where the recording was reviewed; "" where nothing was flagged."""


class Minutes(Struct, frozen=True):
    """What is signed: these very bytes are kept."""

    number: str
    held_on: date
    signed_by: PersonId
    signer: str
    lines: tuple[Line, ...]


class SignedProtocol(Struct, frozen=True):
    """A protocol as it is kept: the signed bytes and a JWS over them."""

    id: ProtocolId
    number: str
    signed_by: PersonId
    signed_at: Moment
    minutes: Minutes
    content: bytes
    signature: str


async def draft_lines(connection: AsyncConnection, sittings: list[SittingId]) -> tuple[Line, ...]:
    """The lines a protocol over these sittings would have, in the order of their ids.

    Raises NotFound for an unknown one, Conflict where a result is not preliminary or a review is still open.
    """
    wanted = sorted(set(sittings))
    if not wanted:
        raise Invalid("nothing_chosen", "Отметьте хотя бы одно тестирование.")
    if len(wanted) > MOST_SITTINGS:
        raise Invalid("too_many_chosen", f"В один протокол входит не больше {MOST_SITTINGS} тестирований.")
    outcomes = await load_outcomes(connection, wanted)
    lines = []
    for sitting_id in wanted:
        outcome = outcomes.get(sitting_id)
        if outcome is None:
            raise NotFound("no_outcome", f"У тестирования {sitting_id} ещё нет результата.")
        if outcome.state != "preliminary":
            raise Conflict(
                "not_preliminary", f"Результат тестирования {sitting_id} уже утверждён или не подлежит этому."
            )
        incidents = await incidents_of(connection, sitting_id)
        findings = await findings_of(connection, sitting_id)
        stage = review.review(incidents, findings, await decision_of(connection, sitting_id))
        if stage.holds_outcome:
            raise Conflict(
                "review_open", f"По тестированию {sitting_id} есть нерассмотренные инциденты. Сначала примите решение."
            )
        annul = stage.ruling is review.Ruling.ANNUL
        ruling = "" if stage.ruling is None else stage.ruling.value
        lines.append(Line(sitting_id, outcome.candidate, bool(outcome.passed), "annul" if annul else "confirm", ruling))
    return tuple(lines)


async def sign_protocol(
    connection: AsyncConnection, sittings: list[SittingId], signer: Principal, signing: Signer, now: Moment
) -> SignedProtocol:
    """Sign a protocol and carry it out, in the caller's transaction.

    Raises Forbidden where the signer may not sign, or would decide about their own sitting.
    """
    if not signer.may(Permission.PROTOCOL_SIGN):
        raise Forbidden("may_not_sign", "Протокол подписывает председатель или секретарь подкомиссии.")
    await execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended('protocol', 0))")
    # Decisions about these sittings wait until the protocol stands, so that no line is out of date when it is signed.
    await fetch_all(
        connection,
        """SELECT sitting_id FROM exam_server.outcome WHERE sitting_id = ANY(CAST(:ids AS bigint[]))
           ORDER BY sitting_id FOR UPDATE""",
        ids=sorted(set(sittings)),
    )
    await mark_stale_again(connection, sittings, now)
    lines = await draft_lines(connection, sittings)
    if any(line.candidate == signer.id for line in lines):
        raise Forbidden("own_sitting", "Решать о собственном тестировании нельзя.")
    held_on = today_in(now, signer.zone)
    row = await fetch_one(
        connection,
        "SELECT count(*) AS signed FROM exam_server.protocol WHERE number LIKE :year",
        year=f"{held_on.year}-%",
    )
    assert row is not None
    number = f"{held_on.year}-{row['signed'] + 1:04d}"
    minutes = Minutes(number, held_on, signer.id, signer.name, lines)
    content = msgspec.json.encode(minutes)
    signature = signing.sign(content, PROTOCOL_TYPE)
    made = await fetch_one(
        connection,
        """INSERT INTO exam_server.protocol (number, signed_by, signed_at, content, signature)
           VALUES (:number, :by, :at, :content, :signature) RETURNING id""",
        number=number,
        by=signer.id,
        at=now,
        content=content,
        signature=signature,
    )
    assert made is not None
    protocol = ProtocolId(made["id"])
    for line in lines:
        carry_out = confirm_outcome if line.decision == "confirm" else annul_outcome
        await carry_out(connection, line.sitting, (protocol, number), now)
    await journal.record(
        connection, f"person:{signer.id}", "protocol.signed", f"protocol:{protocol}", {"number": number}, now
    )
    return SignedProtocol(protocol, number, signer.id, now, minutes, content, signature)


async def load_protocol(connection: AsyncConnection, protocol: ProtocolId) -> SignedProtocol:
    """Raises NotFound."""
    row = await fetch_one(connection, f"{_PROTOCOL} WHERE id = :id", id=protocol)
    if row is None:
        raise NotFound("unknown_protocol", "Такого протокола нет. Проверьте номер.")
    return _protocol(row)


async def list_protocols(connection: AsyncConnection, limit: int = 100) -> list[SignedProtocol]:
    """The newest first."""
    return [_protocol(row) for row in await fetch_all(connection, f"{_PROTOCOL} ORDER BY id DESC LIMIT :n", n=limit)]


async def load_sitting_protocol(connection: AsyncConnection, sitting: SittingId) -> SignedProtocol | None:
    """The protocol that decided about a sitting, if one did."""
    outcome = (await load_outcomes(connection, [sitting])).get(sitting)
    if outcome is None or outcome.protocol is None:
        return None
    return await load_protocol(connection, outcome.protocol)


_PROTOCOL = "SELECT id, number, signed_by, signed_at, content, signature FROM exam_server.protocol"


def _protocol(row: RowMapping) -> SignedProtocol:
    return SignedProtocol(
        ProtocolId(row["id"]),
        row["number"],
        PersonId(row["signed_by"]),
        row["signed_at"],
        msgspec.json.decode(row["content"], type=Minutes),
        row["content"],
        row["signature"],
    )
