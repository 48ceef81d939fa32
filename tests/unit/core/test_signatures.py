import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey

from core.errors import Invalid
from core.signatures import LONGEST_TOKEN, PublicKey, Signer, verify

SIGNER = Signer.fresh()
OTHER = Signer.fresh()
KNOWN = {SIGNER.kid: SIGNER.public}


def refusal(token: str, typ: str = "note") -> str:
    with pytest.raises(Invalid) as error:
        verify(token, KNOWN, typ)
    return error.value.code


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@given(st.binary(max_size=500))
def test_what_was_signed_is_what_is_read(payload: bytes) -> None:
    verified = verify(SIGNER.sign(payload, "note"), KNOWN, "note")
    assert (verified.kid, verified.payload) == (SIGNER.kid, payload)


@given(st.data())
def test_no_character_can_be_changed(data: st.DataObject) -> None:
    token = SIGNER.sign(b'{"answer": 42}', "note")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.!"))
    changed = token[:place] + letter + token[place + 1 :]
    # The last letter of a signature's base64 holds bits that mean nothing.
    if changed == token or place == len(token) - 1:
        return
    assert refusal(changed).startswith("signature_")


def test_a_foreign_key_is_unknown() -> None:
    assert refusal(OTHER.sign(b"x", "note")) == "signature_unknown_key"


def test_a_foreign_signature_under_a_known_name_is_wrong() -> None:
    header, payload, _ = SIGNER.sign(b"x", "note").split(".")
    foreign = OTHER.sign(b"x", "note").rsplit(".", 1)[1]
    assert refusal(f"{header}.{payload}.{foreign}") == "signature_wrong"


def test_a_message_of_another_type_does_not_pass() -> None:
    assert refusal(SIGNER.sign(b"x", "receipt")) == "signature_other_type"


def test_other_algorithms_do_not_pass() -> None:
    public = json.dumps(SIGNER.public.key.as_dict(private=False)).encode()
    symmetric = OctKey.import_key(urlsafe_b64encode(public))
    header = {"alg": "HS256", "kid": SIGNER.kid, "typ": "note"}
    assert refusal(jws.serialize_compact(header, b"x", symmetric)) == "signature_malformed"
    curve = ECKey.generate_key("P-256")
    assert refusal(jws.serialize_compact(header | {"alg": "ES256"}, b"x", curve)) == "signature_malformed"
    unsigned = b64(json.dumps(header | {"alg": "none"}).encode()) + "." + b64(b"x") + "."
    assert refusal(unsigned) == "signature_malformed"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "привет",
        "\ud800",
        b64(b"[]") + ".eA.eA",
        b64(b"null") + ".eA.eA",
        b64(b'"text"') + ".eA.eA",
        b64(b"{}") + ".eA.eA",
        b64(b'{"alg": ["Ed25519"], "kid": {}, "typ": "note"}') + ".eA.eA",
        b64(b'{"alg": "Ed25519", "kid": [], "typ": "note"}') + ".eA.eA",
        b64(b"[" * 100_000) + ".eA.eA",
        "A" * (LONGEST_TOKEN + 1),
    ],
)
def test_what_is_no_signed_message_is_refused(token: str) -> None:
    assert refusal(token) == "signature_malformed"


@given(st.text(max_size=200))
def test_any_text_is_answered(token: str) -> None:
    assert refusal(token).startswith("signature_")


def test_critical_headers_nobody_understands_do_not_pass() -> None:
    header = {"alg": "Ed25519", "kid": SIGNER.kid, "typ": "note", "crit": ["exp"], "exp": 1}
    token = b64(json.dumps(header).encode()) + ".eA." + SIGNER.sign(b"x", "note").rsplit(".", 1)[1]
    assert refusal(token) in {"signature_malformed", "signature_wrong"}


def test_keys_come_back_from_their_files() -> None:
    again = Signer.from_pem(SIGNER.to_pem())
    assert again.kid == SIGNER.kid
    assert verify(again.sign(b"x", "note"), KNOWN, "note").payload == b"x"


def test_a_public_key_holds_no_more_than_the_public_half() -> None:
    whole = OKPKey.generate_key("Ed25519")
    public = PublicKey(whole)
    assert (public.kid, public.key.is_private) == (whole.thumbprint(), False)


def test_keys_of_another_curve_are_refused() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        PublicKey(OKPKey.generate_key("Ed448"))


def test_a_public_key_is_no_signer() -> None:
    with pytest.raises(ValueError, match="private"):
        Signer(SIGNER.public.key)
    with pytest.raises(ValueError, match="Ed25519"):
        Signer.from_pem(b"nonsense")


def test_the_name_of_a_key_is_its_thumbprint() -> None:
    """RFC 8037, appendix A.3."""
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert PublicKey(key).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
