"""Pictures of items: their rows here, their bytes in core.blobs. An asset never changes once it is kept."""

from collections.abc import Iterable
from hashlib import sha256

from msgspec import Struct
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.blobs import Blobs
from core.database import execute, fetch_all, fetch_one
from core.errors import Conflict, Invalid, NotFound
from core.ids import AssetId, BlobId
from core.moments import Moment
from question_bank.markup import Size, is_asset_id
from question_bank.pictures import MediaType, Picture, content_id


class Asset(Struct, frozen=True):
    """A kept picture without its bytes."""

    id: AssetId
    media_type: MediaType
    width: int
    height: int
    size: int
    sha256: bytes
    blob: BlobId


async def keep_asset(connection: AsyncConnection, blobs: Blobs, asset: AssetId, picture: Picture, at: Moment) -> Asset:
    """Keep a picture under an id; keeping the same one again changes nothing.

    Raises Invalid (`bad_asset_id`), Conflict (`asset_exists`) when another picture has the id.
    """
    if not is_asset_id(asset):
        raise Invalid("bad_asset_id", "Имя изображения — латинские буквы, цифры и дефис, от 2 до 64 знаков.")
    digest = sha256(picture.data).digest()
    known = await _find(connection, asset)
    if known is None:
        ref = await blobs.put(connection, f"asset:{asset}", picture.data, picture.media_type, at)
        await execute(
            connection,
            """
            INSERT INTO question_bank.asset (id, sha256, media_type, width, height, size, blob_id, kept_at)
            VALUES (:id, :sha256, :media_type, :width, :height, :size, :blob, :at) ON CONFLICT (id) DO NOTHING
            """,
            id=asset,
            sha256=digest,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            blob=ref.id,
            at=at,
        )
        known = await _find(connection, asset)
    assert known is not None
    if known.sha256 != digest:
        raise Conflict("asset_exists", f"Изображение «{asset}» уже есть и отличается. Дайте новому другое имя.")
    return known


async def keep_drawn(connection: AsyncConnection, blobs: Blobs, picture: Picture, at: Moment) -> Asset:
    """Keep a picture under the id of its content; one that is kept already is that one."""
    known = await find_picture(connection, picture.data)
    return known or await keep_asset(connection, blobs, content_id(picture), picture, at)


async def find_picture(connection: AsyncConnection, data: bytes) -> Asset | None:
    """The asset that has exactly these bytes: what left the bank and comes back is not drawn a second time."""
    row = await fetch_one(
        connection,
        """
        SELECT id, media_type, width, height, size, sha256, blob_id FROM question_bank.asset
        WHERE sha256 = :sha256 ORDER BY kept_at, id LIMIT 1
        """,
        sha256=sha256(data).digest(),
    )
    return None if row is None else _asset(row)


async def load_asset(connection: AsyncConnection, asset: AssetId) -> Asset:
    """Raises NotFound (`asset_unknown`)."""
    found = await _find(connection, asset)
    if found is None:
        raise NotFound("asset_unknown", "Такого изображения нет.")
    return found


async def load_sizes(connection: AsyncConnection, assets: Iterable[AssetId]) -> dict[AssetId, Size]:
    """Width and height of those assets that are kept."""
    wanted = sorted(set(assets))
    if not wanted:
        return {}
    rows = await fetch_all(
        connection,
        "SELECT id, width, height FROM question_bank.asset WHERE id = ANY(CAST(:ids AS text[]))",
        ids=wanted,
    )
    return {AssetId(row["id"]): (row["width"], row["height"]) for row in rows}


async def _find(connection: AsyncConnection, asset: AssetId) -> Asset | None:
    row = await fetch_one(
        connection,
        """
        SELECT id, media_type, width, height, size, sha256, blob_id FROM question_bank.asset WHERE id = :id
        """,
        id=asset,
    )
    return None if row is None else _asset(row)


def _asset(row: RowMapping) -> Asset:
    return Asset(
        AssetId(row["id"]),
        row["media_type"],
        row["width"],
        row["height"],
        row["size"],
        bytes(row["sha256"]),
        BlobId(row["blob_id"]),
    )
