"""Reference pictures: biometric data, always sealed."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs, Damaged, discard
from core.database import execute, fetch_all, fetch_one
from core.errors import NotFound
from core.ids import BlobId, SittingId
from core.moments import Moment


class Reference(msgspec.Struct, frozen=True):
    """The picture others are compared with. `embedding`: 512 bytes, see `detectors.identity.pack`; the rest is the
    quality of the face in it, see `detectors.identity.Quality`."""

    embedding: bytes
    model: str
    side: float
    sharpness: float
    brightness: float

    def __repr__(self) -> str:
        return f"Reference(model={self.model!r}, side={self.side:.0f})"


def blob_owner(sitting: SittingId) -> str:
    """Whose key seals what belongs to a sitting: destroying that key destroys all of it."""
    return f"sitting:{sitting}"


async def record_reference(
    connection: AsyncConnection, blobs: Blobs, sitting: SittingId, reference: Reference, jpeg: bytes, at: Moment
) -> None:
    """Keep the reference picture and its embedding, both sealed; they replace earlier ones of this sitting.

    Only one at a time may do so for a sitting: the caller holds something of it locked.
    """
    owner = blob_owner(sitting)
    embedding = await blobs.put(connection, owner, reference.embedding, "application/octet-stream", at)
    picture = await blobs.put(connection, owner, jpeg, "image/jpeg", at)
    await withdraw_reference(connection, sitting, at)
    await execute(
        connection,
        "INSERT INTO proctoring.reference"
        " (sitting, model, embedding_blob, picture_blob, side, sharpness, brightness, taken_at)"
        " VALUES (:sitting, :model, :embedding, :picture, :side, :sharpness, :brightness, :at)",
        sitting=sitting,
        model=reference.model,
        embedding=embedding.id,
        picture=picture.id,
        side=reference.side,
        sharpness=reference.sharpness,
        brightness=reference.brightness,
        at=at,
    )


async def withdraw_reference(connection: AsyncConnection, sitting: SittingId, at: Moment) -> None:
    """Nothing is compared with the reference any more: another one, or none, stands for it.

    Its row stays and says when that was; picture and embedding are removed after the caller's transaction.
    """
    rows = await fetch_all(
        connection,
        "UPDATE proctoring.reference SET replaced_at = :at WHERE sitting = :sitting AND replaced_at IS NULL"
        " RETURNING embedding_blob, picture_blob",
        sitting=sitting,
        at=at,
    )
    for row in rows:
        await discard(connection, BlobId(row["embedding_blob"]))
        await discard(connection, BlobId(row["picture_blob"]))


class ReferenceRecord(msgspec.Struct, frozen=True):
    """Where the current reference of a sitting lies."""

    embedding: BlobId
    picture: BlobId
    model: str
    taken_at: Moment


async def reference_of(connection: AsyncConnection, sitting: SittingId) -> ReferenceRecord | None:
    """The current reference, or None where the sitting has none (identity is then confirmed by a person)."""
    row = await fetch_one(
        connection,
        "SELECT embedding_blob, picture_blob, model, taken_at FROM proctoring.reference"
        " WHERE sitting = :sitting AND replaced_at IS NULL",
        sitting=sitting,
    )
    if row is None:
        return None
    return ReferenceRecord(BlobId(row["embedding_blob"]), BlobId(row["picture_blob"]), row["model"], row["taken_at"])


async def reference_embedding(connection: AsyncConnection, blobs: Blobs, sitting: SittingId) -> bytes | None:
    """The current reference's embedding, as `Pipeline.open` takes it."""
    record = await reference_of(connection, sitting)
    while record is not None:
        try:
            return await blobs.get(connection, record.embedding)
        except (NotFound, Damaged):
            # Replaced since it was looked up: then another one stands. What is really missing stays the same.
            read, record = record, await reference_of(connection, sitting)
            if record == read:
                raise
    return None
