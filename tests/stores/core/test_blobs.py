import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from core import outbox
from core.blobs import DISCARDED, TOPIC, BlobRef, Blobs, Damaged, discard
from core.database import Database, execute, fetch_all, fetch_one
from core.errors import Conflict, NotFound
from core.ids import BlobId

NOW = 1_795_338_000_000
OLD, NEW = {"old": bytes([1]) * 32}, {"new": bytes([2]) * 32}
FACE = b"\xff\xd8 a face that must not be read \xff\xd9"


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs.in_folder(tmp_path, OLD)


async def put(database: Database, blobs: Blobs, data: bytes = FACE, owner: str = "sitting:1") -> BlobRef:
    async with database.transaction() as connection:
        return await blobs.put(connection, owner, data, "image/jpeg", NOW)


async def get(database: Database, blobs: Blobs, ref: BlobRef) -> bytes:
    async with database.transaction() as connection:
        return await blobs.get(connection, ref.id)


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("data", [b"", FACE, bytes(1_000_000)])
async def test_what_is_put_is_what_is_got(database: Database, blobs: Blobs, data: bytes) -> None:
    ref = await put(database, blobs, data)
    assert await get(database, blobs, ref) == data
    assert (len(ref.sha256), ref.size) == (32, len(data))


async def test_nothing_can_be_read_from_the_files(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    first, second = await put(database, blobs), await put(database, blobs)
    contents = [path.read_bytes() for path in stored(tmp_path)]
    assert len(contents) == 2
    assert first.id != second.id
    assert contents[0] != contents[1]
    assert not [content for content in contents if b"face" in content]


async def test_owners_have_keys_of_their_own_and_they_are_wrapped(database: Database, blobs: Blobs) -> None:
    for owner in ("sitting:1", "sitting:2", "sitting:2"):
        await put(database, blobs, owner=owner)
    async with database.transaction() as connection:
        rows = await fetch_all(connection, "SELECT owner, master_kid, wrapped FROM core.data_key ORDER BY owner")
    assert [(row["owner"], row["master_kid"]) for row in rows] == [("sitting:1", "old"), ("sitting:2", "old")]
    assert rows[0]["wrapped"] != rows[1]["wrapped"]


async def test_a_destroyed_owner_cannot_be_read_or_added_to(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    mine, other = await put(database, blobs), await put(database, blobs, owner="sitting:2")
    async with database.transaction() as connection:
        assert await blobs.destroy(connection, "sitting:1", NOW)
        assert not await blobs.destroy(connection, "sitting:1", NOW)
        assert not await blobs.destroy(connection, "sitting:9", NOW)
    with pytest.raises(NotFound):
        await get(database, blobs, mine)
    with pytest.raises(Conflict) as refusal:
        await put(database, blobs)
    assert refusal.value.code == "owner_destroyed"
    assert len(stored(tmp_path)) == 2
    assert await outbox.deliver(database, {TOPIC: blobs.remove_files}) == 1
    assert [path.name for path in stored(tmp_path)] == [other.id]
    assert await get(database, blobs, other) == FACE


async def test_removing_files_twice_is_no_error(database: Database, blobs: Blobs) -> None:
    await put(database, blobs)
    message = outbox.Message(1, TOPIC, "sitting:1", b"sitting:1", NOW, 0)
    for _ in range(2):
        async with database.transaction() as connection:
            await blobs.remove_files(connection, message)


async def test_a_discarded_file_is_removed_once_that_is_committed(
    database: Database, blobs: Blobs, tmp_path: Path
) -> None:
    mine, other = await put(database, blobs), await put(database, blobs)
    async with database.transaction() as connection:
        await discard(connection, mine.id)
        await connection.rollback()
    assert await outbox.deliver(database, {DISCARDED: blobs.remove_file}) == 0
    assert await get(database, blobs, mine) == FACE
    async with database.transaction() as connection:
        await discard(connection, mine.id)
    assert len(stored(tmp_path)) == 2, "a crash here only puts the removal off"
    with pytest.raises(NotFound):
        await get(database, blobs, mine)
    assert await outbox.deliver(database, {DISCARDED: blobs.remove_file}) == 1
    assert [path.name for path in stored(tmp_path)] == [other.id]
    message = outbox.Message(1, DISCARDED, mine.id, mine.id.encode(), NOW, 0)
    async with database.transaction() as connection:
        await blobs.remove_file(connection, message)
        assert await blobs.get(connection, other.id) == FACE


async def test_an_undone_transaction_leaves_nothing_to_read(database: Database, blobs: Blobs) -> None:
    async with database.transaction() as connection:
        ref = await blobs.put(connection, "sitting:1", FACE, "image/jpeg", NOW)
        await connection.rollback()
    with pytest.raises(NotFound):
        await get(database, blobs, ref)


async def test_first_files_at_once_share_one_key(database: Database, blobs: Blobs) -> None:
    refs = await asyncio.gather(*(put(database, blobs, b"%d" % number) for number in range(8)))
    assert [await get(database, blobs, ref) for ref in refs] == [b"%d" % number for number in range(8)]
    async with database.transaction() as connection:
        row = await fetch_one(connection, "SELECT count(*) AS keys FROM core.data_key")
    assert row is not None
    assert row["keys"] == 1


async def test_a_changed_file_is_found(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    ref = await put(database, blobs)
    (path,) = stored(tmp_path)
    good = path.read_bytes()
    for changed in (good[:-1] + bytes([good[-1] ^ 1]), good[:-1], b"", good[:5]):
        path.write_bytes(changed)
        with pytest.raises(Damaged) as error:
            await get(database, blobs, ref)
        assert error.value.code == "blob_damaged"
    path.unlink()
    with pytest.raises(Damaged) as error:
        await get(database, blobs, ref)
    assert error.value.code == "blob_lost"


async def test_files_cannot_be_exchanged(database: Database, blobs: Blobs, tmp_path: Path) -> None:
    """Neither on the disk nor by renaming a row to another owner's file."""
    first, second = await put(database, blobs, b"innocent"), await put(database, blobs, b"guilty")
    paths = {path.name: path for path in stored(tmp_path)}
    paths[first.id].write_bytes(paths[second.id].read_bytes())
    with pytest.raises(Damaged):
        await get(database, blobs, first)


@pytest.mark.parametrize("column", ["media_type = 'text/html'", "sha256 = sha256('x')", "owner = 'sitting:2'"])
async def test_a_changed_row_is_found(database: Database, blobs: Blobs, column: str) -> None:
    ref = await put(database, blobs)
    await put(database, blobs, owner="sitting:2")
    async with database.transaction() as connection:
        await execute(connection, f"UPDATE core.blob SET {column} WHERE id = :id", id=ref.id)
    with pytest.raises(Damaged):
        await get(database, blobs, ref)


async def test_unknown_files_are_not_found(database: Database, blobs: Blobs) -> None:
    async with database.transaction() as connection:
        with pytest.raises(NotFound):
            await blobs.get(connection, BlobId("../../etc/passwd"))


async def test_a_new_master_key_serves_beside_the_old_one(database: Database, tmp_path: Path) -> None:
    ref = await put(database, Blobs.in_folder(tmp_path, OLD))
    both, new = Blobs.in_folder(tmp_path, NEW | OLD), Blobs.in_folder(tmp_path, NEW)
    with pytest.raises(Damaged) as error:
        await get(database, new, ref)
    assert error.value.code == "master_key_missing"
    assert await get(database, both, ref) == FACE
    later = await put(database, both, owner="sitting:2")
    assert await get(database, new, later) == FACE


async def test_a_key_wrapped_for_one_owner_does_not_serve_another(database: Database, blobs: Blobs) -> None:
    ref = await put(database, blobs)
    await put(database, blobs, owner="sitting:2")
    async with database.transaction() as connection:
        await execute(
            connection,
            "UPDATE core.data_key SET wrapped = (SELECT wrapped FROM core.data_key WHERE owner = 'sitting:2')"
            " WHERE owner = 'sitting:1'",
        )
    with pytest.raises(Damaged) as error:
        await get(database, blobs, ref)
    assert error.value.code == "data_key_damaged"


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as files need: put, get, delete, every request signed."""

    files: ClassVar[dict[str, bytes]] = {}
    unsigned: ClassVar[list[str]] = []

    def _answer(self, status: int, body: bytes = b"") -> None:
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=somebody/"):
            self.unsigned.append(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 09:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200)

    def do_GET(self) -> None:
        found = self.files.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def do_DELETE(self) -> None:
        self.files.pop(self.path, None)
        self._answer(204)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Bucket]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "ru-1",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    yield Bucket
    server.shutdown()
    server.server_close()
    thread.join()
    Bucket.files.clear()
    Bucket.unsigned.clear()


async def test_files_may_stand_in_a_bucket_that_all_nodes_share(database: Database, bucket: type[Bucket]) -> None:
    one, other = (Blobs.at("s3://accreditation/blobs", OLD) for _ in range(2))
    ref = await put(database, one)
    assert await get(database, other, ref) == FACE
    (path,) = bucket.files
    assert path.startswith("/accreditation/blobs/")
    assert bucket.unsigned == []
    bucket.files[path] = bucket.files[path][:-1] + b"x"
    with pytest.raises(Damaged):
        await get(database, other, ref)
    bucket.files.clear()
    with pytest.raises(Damaged):
        await get(database, other, ref)


def test_an_address_that_names_no_store_is_refused() -> None:
    with pytest.raises(ValueError, match="BLOBS_URL"):
        Blobs.at("carrier-pigeon://coop/1", OLD)
