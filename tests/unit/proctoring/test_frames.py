import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import AccreditationError
from proctoring import frames
from proctoring.frames import MAX_BYTES, MAX_SCANS, Size

CODES = {"frame_not_jpeg", "frame_too_large", "frame_bad_size", "frame_broken"}


def picture(width: int = 320, height: int = 240, progressive: bool = False) -> bytes:
    noise = np.random.default_rng(7).integers(0, 256, (height // 24, width // 24, 3), np.uint8)
    pixels = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    done, data = cv2.imencode(
        ".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_QUALITY, 75]
    )
    assert done
    return data.tobytes()


GOOD = picture()
PROGRESSIVE = picture(progressive=True)


def refusal(jpeg: bytes) -> str:
    with pytest.raises(AccreditationError) as caught:
        frames.decode(jpeg, frames.check(jpeg))
    return caught.value.code


def outcome(jpeg: bytes, side: int | None) -> str:
    try:
        pixels = frames.decode(jpeg, frames.check(jpeg), side)
    except AccreditationError as error:
        return error.code
    return "read" if max(pixels.shape) <= 1280 else "huge"


def claiming(width: int, height: int) -> bytes:
    """A small picture whose header says that it is of another size."""
    at = GOOD.index(b"\xff\xc0") + 5
    return GOOD[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + GOOD[at + 4 :]


@pytest.mark.parametrize("jpeg", [GOOD, PROGRESSIVE], ids=["baseline", "progressive"])
def test_a_good_frame_is_read(jpeg: bytes) -> None:
    size = frames.check(jpeg)
    assert size == Size(width=320, height=240)
    assert frames.decode(jpeg, size).shape == (240, 320, 3)


def test_a_phone_held_upright_is_read() -> None:
    assert frames.check(picture(480, 640)) == Size(width=480, height=640)


@pytest.mark.parametrize(("side", "width"), [(None, 1280), (640, 640), (320, 320), (321, 640), (100, 160)])
def test_a_reduced_picture_keeps_enough_pixels(side: int | None, width: int) -> None:
    jpeg = picture(1280, 960)
    assert frames.decode(jpeg, frames.check(jpeg), side).shape == (width * 3 // 4, width, 3)


def test_an_odd_size_is_reduced_too() -> None:
    jpeg = picture(641, 479)
    assert frames.decode(jpeg, frames.check(jpeg), 320).shape == (240, 321, 3)


@pytest.mark.parametrize(
    ("jpeg", "code"),
    [
        (b"", "frame_not_jpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "frame_not_jpeg"),
        (b"<svg onload=alert(1)>", "frame_not_jpeg"),
        (b"\xff\xd8\xff", "frame_broken"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 20, "frame_broken"),
        (GOOD[: len(GOOD) // 2], "frame_broken"),
        (GOOD + bytes(MAX_BYTES), "frame_too_large"),
        (claiming(65_535, 65_535), "frame_bad_size"),
        (claiming(0, 0), "frame_bad_size"),
        (claiming(1281, 720), "frame_bad_size"),
        (claiming(1280, 961), "frame_bad_size"),
        (claiming(160, 119), "frame_bad_size"),
        (claiming(159, 120), "frame_bad_size"),
    ],
)
def test_what_is_no_frame_is_refused_by_code(jpeg: bytes, code: str) -> None:
    assert refusal(jpeg) == code


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", explode)
    with pytest.raises(AccreditationError, match="frame_bad_size"):
        frames.check(claiming(60_000, 60_000))


def test_a_picture_of_thousands_of_scans_is_refused() -> None:
    at = PROGRESSIVE.index(b"\xff\xda")
    scan = PROGRESSIVE[at : PROGRESSIVE.index(b"\xff", at + 2)]
    assert refusal(PROGRESSIVE[:at] + scan * MAX_SCANS + PROGRESSIVE[at:]) == "frame_broken"


@pytest.mark.parametrize("start", [b"\xff\xc3", b"\xff\xc9"], ids=["lossless", "arithmetic"])
def test_other_ways_of_coding_are_refused(start: bytes) -> None:
    assert refusal(GOOD.replace(b"\xff\xc0", start, 1)) == "frame_broken"


def test_orientation_in_exif_is_ignored() -> None:
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    exif = b"Exif\x00\x00" + tiff
    turned = GOOD[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + GOOD[2:]
    assert frames.decode(turned, frames.check(turned)).shape == (240, 320, 3)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_raise_anything_else(tail: bytes, looks_like_jpeg: bool) -> None:
    jpeg = b"\xff\xd8\xff" + tail if looks_like_jpeg else tail
    assert refusal(jpeg) in CODES


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_frame_is_read_or_refused(data: st.DataObject) -> None:
    jpeg = bytearray(data.draw(st.sampled_from([GOOD, PROGRESSIVE])))
    last = len(jpeg) - 1
    where = st.one_of(st.integers(0, 700), st.integers(0, last))
    for at, byte in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=12)):
        jpeg[min(at, last)] = byte
    damaged = bytes(jpeg[: data.draw(st.one_of(st.just(last + 1), st.integers(0, last)))])
    assert outcome(damaged, data.draw(st.sampled_from([None, 100, 320]))) in CODES | {"read"}


def test_encode_makes_a_frame() -> None:
    pixels = np.zeros((240, 320, 3), np.uint8)
    assert frames.check(frames.encode(pixels)) == Size(width=320, height=240)
