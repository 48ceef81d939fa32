"""Protocols: what is ready to be signed, the signer's proof, the signature, and the check of a signature later."""

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec
from argon2 import PasswordHasher
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from admin.sittings import HELD, NAME
from core.access import HASHER, Principal, people, sign_in, sign_out
from core.database import Database, fetch_all, fetch_one
from core.errors import Conflict, Invalid, Unauthenticated
from core.ids import PersonId, SittingId
from core.moments import Moment
from core.signatures import PublicKey, Signer, verify
from exam_server.events import RespondedLate, trace_of
from exam_server.protocols import PROTOCOL_TYPE, Line, SignedProtocol, draft_lines, sign_protocol
from proctoring.review import Ruling

MOST_READY = 500


class Ready(Struct, frozen=True):
    """A preliminary result that a protocol may take. `clean`: nothing was noticed that a person had to read, and
    nothing came `late` that the commission might admit;
    `incidents`: all that was noticed."""

    sitting: SittingId
    candidate: PersonId
    name: str
    title: str
    concluded_at: Moment
    passed: bool
    raw: Fraction
    maximum: int
    clean: bool
    late: bool
    incidents: int
    ruling: Ruling | None


async def list_ready(connection: AsyncConnection, signer: Principal, limit: int = MOST_READY) -> list[Ready]:
    """Preliminary results with no open review, the oldest first; the signer's own is for others to sign."""
    rows = await fetch_all(
        connection,
        f"""SELECT s.id AS sitting, s.candidate, {NAME} AS name, b.content ->> 'title' AS title, o.concluded_at,
                   o.passed, r.raw_num, r.raw_den, r.maximum, d.decision,
                   NOT EXISTS (SELECT FROM proctoring.incident i WHERE i.sitting = s.id AND i.holds) AS unheld,
                   EXISTS (SELECT FROM exam_server.log l WHERE l.sitting_id = s.id AND l.version > 0
                           AND position(CAST(:late AS bytea) IN l.events) > 0) AS late,
                   (SELECT count(*) FROM proctoring.incident i WHERE i.sitting = s.id) AS incidents
            FROM exam_server.outcome o
            JOIN exam_server.sitting s ON s.id = o.sitting_id
            JOIN core.person p ON p.id = s.candidate
            JOIN scoring.result r ON r.sitting_id = s.id
            LEFT JOIN proctoring.decision d ON d.sitting = s.id
            LEFT JOIN question_bank.blueprint b ON b.id = s.blueprint_id AND b.version = s.blueprint_version
            WHERE o.state = 'preliminary' AND s.candidate <> :signer AND NOT ({HELD})
            ORDER BY o.concluded_at, s.id LIMIT :limit""",
        signer=signer.id,
        limit=limit,
        late=trace_of(RespondedLate),
    )
    return [
        Ready(
            SittingId(row["sitting"]),
            PersonId(row["candidate"]),
            row["name"],
            row["title"] or "",
            row["concluded_at"],
            row["passed"],
            Fraction(row["raw_num"], row["raw_den"]),
            row["maximum"],
            row["unheld"] and not row["late"],
            row["late"],
            row["incidents"],
            None if row["decision"] is None else Ruling(row["decision"]),
        )
        for row in rows
    ]


async def count_ready(connection: AsyncConnection) -> int:
    """How many preliminary results could be signed now."""
    row = await fetch_one(
        connection,
        f"""SELECT count(*) AS many FROM exam_server.outcome o JOIN exam_server.sitting s ON s.id = o.sitting_id
            WHERE o.state = 'preliminary' AND NOT ({HELD})""",
    )
    return 0 if row is None else int(row["many"])


class Draft(Struct, frozen=True):
    """What would be signed; `mark` changes with any line of it. `incidents`: how many were noticed, by sitting."""

    lines: tuple[Line, ...]
    mark: str
    names: dict[PersonId, str]
    incidents: dict[SittingId, int]


async def draft(connection: AsyncConnection, sittings: Sequence[SittingId]) -> Draft:
    """The protocol over these sittings as it stands now. Raises NotFound, Conflict, Invalid."""
    lines = await draft_lines(connection, list(sittings))
    return Draft(lines, mark_of(lines), await names_of(connection, lines), await count_incidents(connection, lines))


def mark_of(lines: Sequence[Line]) -> str:
    """What tells one draft from another."""
    return hashlib.sha256(msgspec.json.encode(lines)).hexdigest()


async def names_of(connection: AsyncConnection, lines: Sequence[Line]) -> dict[PersonId, str]:
    """The candidates' names by id."""
    return {one.id: one.name for one in await people(connection, {line.candidate for line in lines})}


async def count_incidents(connection: AsyncConnection, lines: Sequence[Line]) -> dict[SittingId, int]:
    """How many incidents of any importance each sitting has; those without are left out."""
    rows = await fetch_all(
        connection,
        "SELECT sitting, count(*) AS many FROM proctoring.incident WHERE sitting = ANY(:sittings) GROUP BY sitting",
        sittings=[line.sitting for line in lines],
    )
    return {SittingId(row["sitting"]): row["many"] for row in rows}


async def prove(
    database: Database, signer: Principal, password: str, address: str, now: Moment, hasher: PasswordHasher = HASHER
) -> None:
    """The signer's password once more. A wrong one counts as a failed sign-in, and too many lock it the same way.

    Raises Invalid (`password_wrong`, field `password`) and TooMany.
    """
    try:
        token = await sign_in(database, signer.login, password, address, now, hours=1, hasher=hasher)
    except Unauthenticated as error:
        raise Invalid(
            "password_wrong",
            "Протокол не подписан: пароль не подходит.",
            fields={"password": "Введите пароль, с которым вы входите в систему."},
        ) from error
    await sign_out(database, token)


async def sign(
    database: Database, signer: Principal, signing: Signer, sittings: Sequence[SittingId], mark: str, now: Moment
) -> SignedProtocol:
    """Sign exactly what was shown. Raises Conflict (`draft_changed`) where it has become something else."""
    async with database.transaction() as connection:
        protocol = await sign_protocol(connection, list(sittings), signer, signing, now)
        if mark_of(protocol.minutes.lines) != mark:
            raise Conflict("draft_changed", "Пока вы читали проект, решения изменились. Прочитайте протокол ещё раз.")
    return protocol


class Check(Struct, frozen=True):
    """What became of checking a signature. `holds` None: it was made with a key that is not known here."""

    holds: bool | None
    digest: str
    kid: str


def check(protocol: SignedProtocol, known: Mapping[str, PublicKey]) -> Check:
    """Whether the signature holds and stands for the very bytes that are kept. `known`: keys by kid."""
    digest = hashlib.sha256(protocol.content).hexdigest()
    try:
        verified = verify(protocol.signature, known, PROTOCOL_TYPE)
    except Invalid as error:
        return Check(None if error.code == "signature_unknown_key" else False, digest, "")
    return Check(verified.payload == protocol.content, digest, verified.kid)
