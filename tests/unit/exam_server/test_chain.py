"""The digest chain: what was stored reads back, and nothing else does."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import SittingId
from exam_server.chain import START, BrokenChain, Row, follow_chain, link
from exam_server.commands import Settle
from exam_server.events import Detached, encode_batch
from tests.histories.sittings import NOW, SITTING, Drive, thorough


def rows_of(sitting: SittingId = SITTING, length: int = 4) -> list[Row]:
    rows: list[Row] = []
    prev = START
    for version in range(length):
        stored = encode_batch((Detached(NOW + version),))
        digest = link(sitting, version, prev, stored)
        rows.append(Row(version, prev, digest, stored))
        prev = digest
    return rows


def test_a_chain_reads_back_in_order() -> None:
    assert list(follow_chain(SITTING, rows_of())) == [Detached(NOW + version) for version in range(4)]
    assert list(follow_chain(SITTING, [])) == []


def test_the_digest_is_sha_256_over_predecessor_place_and_bytes() -> None:
    place = bytes([0, 0, 0, 0, 0, 0, 1, 2]) + bytes([0, 0, 0, 3])
    assert link(SittingId(258), 3, b"p" * 32, b"stored") == hashlib.sha256(b"p" * 32 + place + b"stored").digest()


def test_a_drive_through_the_state_machine_chains() -> None:
    drive = Drive().start()
    drive.do(Settle(), NOW + 70_000)
    stored = encode_batch(tuple(drive.events))
    row = Row(0, START, link(SITTING, 0, START, stored), stored)
    assert list(follow_chain(SITTING, [row])) == drive.events


@given(st.integers(0, 3), st.sampled_from(["prev", "digest", "events"]), st.integers(0), st.integers(1, 255))
@thorough(100)
def test_one_changed_byte_anywhere_is_noticed(version: int, field: str, place: int, flip: int) -> None:
    rows = rows_of()
    stored = bytearray(getattr(rows[version], field)) or bytearray(1)
    stored[place % len(stored)] ^= flip
    rows[version] = replace(rows[version], **{field: bytes(stored)})
    with pytest.raises(BrokenChain, match=f"sitting 7: version {version} "):
        list(follow_chain(SITTING, rows))


def test_a_missing_a_doubled_or_a_moved_row_is_noticed() -> None:
    rows = rows_of()
    for tampered in (
        rows[1:],
        [rows[0], *rows[2:]],
        [rows[0], rows[0], *rows[1:]],
        [rows[0], rows[2], rows[1], rows[3]],
    ):
        with pytest.raises(BrokenChain):
            list(follow_chain(SITTING, tampered))


def test_a_row_of_another_sitting_does_not_fit() -> None:
    rows = [*rows_of()[:2], *rows_of(SittingId(8))[2:]]
    with pytest.raises(BrokenChain, match="version 2"):
        list(follow_chain(SITTING, rows))
    with pytest.raises(BrokenChain, match="version 0"):
        list(follow_chain(SittingId(8), rows_of()))


def test_a_version_that_was_only_renumbered_is_noticed() -> None:
    rows = rows_of()
    rows[2] = replace(rows[2], version=3)
    with pytest.raises(BrokenChain, match="version 2"):
        list(follow_chain(SITTING, rows))
