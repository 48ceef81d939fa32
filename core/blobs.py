"""Encrypted files that never change: evidence, documents.

Every owner ("sitting:123") has a data key of its own; files are sealed with it (AES-256-GCM, bound to their
id, owner and media type), and it is wrapped by the master key. Destroying an owner's key makes every copy of
its files unreadable, those in backups too, as long as core.data_key is backed up separately.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url
from sqlalchemy.ext.asyncio import AsyncConnection

from core import outbox
from core.database import execute, fetch_all, fetch_one
from core.errors import AccreditationError, Conflict, NotFound, Unavailable
from core.ids import BlobId
from core.moments import Moment
from core.randomness import fresh_bytes, fresh_token

TOPIC = "blobs.destroyed"
"""Outbox topic of owners whose files are to be removed; its handler is `Blobs.remove_files`."""
DISCARDED = "blobs.discarded"
"""Outbox topic of single files that are to be removed; its handler is `Blobs.remove_file`."""

LARGEST = 64 * 1024 * 1024
_NONCE_BYTES = 12
_MISSING = (FileNotFoundError, NotFoundError)
_INLINE_BYTES = 256 * 1024


class BlobRef(msgspec.Struct, frozen=True):
    """What stands for a file elsewhere. `sha256` is of the plain bytes, `size` their number."""

    id: BlobId
    sha256: bytes
    size: int


class Damaged(AccreditationError):
    """A stored file is not what was put there."""

    status = 500


class Blobs:
    """A store of encrypted files. `masters` are the master keys by kid; the first one wraps new data keys."""

    def __init__(self, store: ObjectStore, masters: Mapping[str, bytes]) -> None:
        self._store = store
        self._masters = {kid: AESGCM(key) for kid, key in masters.items()}
        self._newest = next(iter(self._masters))

    @classmethod
    def in_folder(cls, folder: Path, masters: Mapping[str, bytes]) -> "Blobs":
        """Files in a folder, which is made if need be."""
        return cls(LocalStore(folder, mkdir=True), masters)

    @classmethod
    def at(cls, url: str, masters: Mapping[str, bytes]) -> "Blobs":
        """Files at s3://bucket/prefix or another address that obstore knows; credentials come from AWS_… variables.

        An address that names no store raises ValueError.
        """
        try:
            return cls(from_url(url), masters)
        except BaseError as error:
            raise ValueError(f"BLOBS_URL: {error}") from error

    async def put(self, connection: AsyncConnection, owner: str, data: bytes, media_type: str, at: Moment) -> BlobRef:
        """Seal the bytes. The reference holds once the caller's transaction commits.

        Raises Conflict (`owner_destroyed`) after `destroy`, ValueError over 64 MiB, and Unavailable when the
        store does not take it.
        """
        if len(data) > LARGEST:
            raise ValueError("too large for a blob")
        key = await self._own_key(connection, owner, at)
        ref = BlobRef(BlobId(fresh_token(18)), hashlib.sha256(data).digest(), len(data))
        nonce = fresh_bytes(_NONCE_BYTES)
        bound = _bound(ref.id, owner, media_type)
        if len(data) <= _INLINE_BYTES:
            sealed = key.encrypt(nonce, data, bound)
        else:
            sealed = await asyncio.to_thread(key.encrypt, nonce, data, bound)
        try:
            await self._store.put_async(_path(ref.id), nonce + sealed, mode="create")
        except (BaseError, OSError) as error:
            raise _away() from error
        await execute(
            connection,
            "INSERT INTO core.blob (id, owner, media_type, sha256, size, created_at)"
            " VALUES (:id, :owner, :media_type, :sha256, :size, :at)",
            id=ref.id,
            owner=owner,
            media_type=media_type,
            sha256=ref.sha256,
            size=ref.size,
            at=at,
        )
        return ref

    async def get(self, connection: AsyncConnection, blob_id: BlobId) -> bytes:
        """The plain bytes. Raises NotFound, also after `destroy`, and Damaged when they are not the same."""
        row = await fetch_one(
            connection,
            "SELECT b.owner, b.media_type, b.sha256, k.wrapped, k.master_kid"
            " FROM core.blob b JOIN core.data_key k ON k.owner = b.owner WHERE b.id = :id",
            id=blob_id,
        )
        if row is None or row["wrapped"] is None:
            raise NotFound("blob_missing", "Файла нет: он не сохранялся или его срок хранения истёк.")
        key = self._unwrap(row["owner"], row["master_kid"], bytes(row["wrapped"]))
        try:
            file = bytes(await (await self._store.get_async(_path(blob_id))).bytes_async())
        except _MISSING as error:
            raise _damaged("blob_lost", blob_id) from error
        except (BaseError, OSError) as error:
            raise _away() from error
        nonce, sealed = file[:_NONCE_BYTES], file[_NONCE_BYTES:]
        bound = _bound(blob_id, row["owner"], row["media_type"])
        try:
            if len(sealed) <= _INLINE_BYTES:
                data = key.decrypt(nonce, sealed, bound)
            else:
                data = await asyncio.to_thread(key.decrypt, nonce, sealed, bound)
        except (InvalidTag, ValueError) as error:
            raise _damaged("blob_damaged", blob_id) from error
        if hashlib.sha256(data).digest() != bytes(row["sha256"]):
            raise _damaged("blob_damaged", blob_id)
        return data

    async def destroy(self, connection: AsyncConnection, owner: str, at: Moment) -> bool:
        """Destroy the owner's key, and have the files removed once the transaction has committed.

        From then on the owner takes no files either. False when there is no key to destroy.
        """
        destroyed = await execute(
            connection,
            "UPDATE core.data_key SET wrapped = NULL, destroyed_at = :at WHERE owner = :owner AND destroyed_at IS NULL",
            owner=owner,
            at=at,
        )
        if destroyed:
            await outbox.post(connection, TOPIC, owner, owner.encode())
        return destroyed == 1

    async def remove_files(self, connection: AsyncConnection, message: outbox.Message) -> None:
        """Remove the files of a destroyed owner: the outbox handler of TOPIC."""
        rows = await fetch_all(connection, "SELECT id FROM core.blob WHERE owner = :owner", owner=message.body.decode())
        for row in rows:
            await self._remove(row["id"])

    async def remove_file(self, connection: AsyncConnection, message: outbox.Message) -> None:
        """Remove one file that was discarded: the outbox handler of DISCARDED."""
        await self._remove(message.body.decode())

    async def _remove(self, blob_id: str) -> None:
        try:
            await self._store.delete_async(_path(blob_id))
        except _MISSING:
            return

    async def _own_key(self, connection: AsyncConnection, owner: str, at: Moment) -> AESGCM:
        select = "SELECT master_kid, wrapped FROM core.data_key WHERE owner = :owner FOR SHARE"
        row = await fetch_one(connection, select, owner=owner)
        if row is None:
            await execute(
                connection,
                "INSERT INTO core.data_key (owner, master_kid, wrapped, created_at)"
                " VALUES (:owner, :kid, :wrapped, :at) ON CONFLICT (owner) DO NOTHING",
                owner=owner,
                kid=self._newest,
                wrapped=self._wrap(owner, fresh_bytes(32)),
                at=at,
            )
            row = await fetch_one(connection, select, owner=owner)
        if row is None or row["wrapped"] is None:
            raise Conflict("owner_destroyed", "Материалы уже уничтожены по сроку хранения, добавить файл нельзя.")
        return self._unwrap(owner, row["master_kid"], bytes(row["wrapped"]))

    def _wrap(self, owner: str, key: bytes) -> bytes:
        nonce = fresh_bytes(_NONCE_BYTES)
        return nonce + self._masters[self._newest].encrypt(nonce, key, _bound("data key", owner))

    def _unwrap(self, owner: str, kid: str, wrapped: bytes) -> AESGCM:
        if kid not in self._masters:
            raise _damaged("master_key_missing", owner)
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(self._masters[kid].decrypt(nonce, sealed, _bound("data key", owner)))
        except InvalidTag as error:
            raise _damaged("data_key_damaged", owner) from error


async def discard(connection: AsyncConnection, blob_id: BlobId) -> None:
    """Nobody reads this file any more once the caller's transaction commits, and it is removed after that.

    Never before: what replaces it is durable by then, and a crash in between only puts the removal off.
    """
    await execute(connection, "DELETE FROM core.blob WHERE id = :id", id=blob_id)
    await outbox.post(connection, DISCARDED, blob_id, blob_id.encode())


def _bound(*parts: str) -> bytes:
    """What a sealed text is bound to, unambiguously: it opens only where it belongs."""
    return msgspec.json.encode(parts)


def _path(blob_id: str) -> str:
    # Two letters of a random id: no folder grows without bound.
    return f"{blob_id[:2]}/{blob_id}"


def _damaged(code: str, what: str) -> Damaged:
    return Damaged(code, f"Сохранённый файл не читается ({what}). Сообщите администратору.")


def _away() -> Unavailable:
    return Unavailable("files_away", "Хранилище файлов временно недоступно. Повторите через минуту.")
