"""A signed address is good for one candidate, one picture, one place, and not for long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Forbidden
from core.ids import AssetId, PersonId, SittingId
from exam_server.media import NO_KEY, Exhibit, address_all, check, derive_key, sign

KEY = derive_key(b"a secret of the tests, 32 bytes.")
GOOD = (SittingId(7), PersonId(70), 3, AssetId("ekg-1"), 1_000)


def test_an_address_holds_until_its_moment() -> None:
    signature = sign(KEY, *GOOD)
    check(KEY, *GOOD, signature, 1_000)
    with pytest.raises(Forbidden, match="media_expired"):
        check(KEY, *GOOD, signature, 1_001)


@given(
    st.integers(1, 9),
    st.integers(69, 72),
    st.integers(0, 4),
    st.sampled_from(["ekg-1", "ekg-2"]),
    st.integers(999, 1_001),
)
def test_it_opens_nothing_else(sitting: int, person: int, position: int, asset: str, until: int) -> None:
    asked = (SittingId(sitting), PersonId(person), position, AssetId(asset), until)
    if asked != GOOD:
        with pytest.raises(Forbidden, match="media_unsigned"):
            check(KEY, *asked, sign(KEY, *GOOD), 0)


@pytest.mark.parametrize("signature", ["", "x", "я" * 43, "A" * 43])
def test_a_made_up_signature_is_refused(signature: str) -> None:
    with pytest.raises(Forbidden, match="media_unsigned"):
        check(KEY, *GOOD, signature, 0)


def test_the_key_serves_for_nothing_else() -> None:
    assert derive_key(b"a") != derive_key(b"b") != b"b"
    with pytest.raises(Forbidden):
        check(b"a secret of the tests, 32 bytes.", *GOOD, sign(KEY, *GOOD), 0)


def test_addresses_are_given_for_every_picture_and_none_without_a_key() -> None:
    sitting, person, position, asset, until = GOOD
    found = address_all(KEY, sitting, person, position, [asset, AssetId("b-2")], until)
    assert found[0] == Exhibit(asset, f"/exam/7/media/ekg-1?position=3&until=1000&sig={sign(KEY, *GOOD)}")
    assert [exhibit.asset for exhibit in found] == ["ekg-1", "b-2"]
    assert address_all(NO_KEY, sitting, person, position, [asset], until) == ()
