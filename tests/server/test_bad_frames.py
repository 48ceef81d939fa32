"""Whatever arrives on the camera's socket: it is refused with a code, the camera and the exam go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import cv2
import numpy as np
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from exam_server.camera import FRAMES_AT_ONCE
from proctoring.frames import MAX_BYTES
from proctoring.store import incidents_of
from tests.server.booth import PATIENCE, Booth, Staff, until
from tests.server.conftest import FACE
from tests.server.processes import Server

Booths = Callable[[Server], Awaitable[Booth]]
GOOD = FACE.read_bytes()


def picture(width: int, height: int, extension: str = ".jpg", quality: int = 60) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8)
    done, data = cv2.imencode(extension, noise, [cv2.IMWRITE_JPEG_QUALITY, quality] if extension == ".jpg" else [])
    assert done
    return data.tobytes()


def comment(jpeg: bytes, text: str) -> bytes:
    """The same picture as other bytes."""
    said = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(said) + 2).to_bytes(2, "big") + said + jpeg[2:]


def claim(jpeg: bytes, width: int, height: int) -> bytes:
    """The same file with another size in its header."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


def scramble(jpeg: bytes) -> bytes:
    """A whole header, an end, and nothing decodable between them."""
    at = jpeg.index(b"\xff\xc4")
    return jpeg[:at] + b"\xff\xda\x00\x0c" + b"\x00" * 400 + b"\xff\xd9"


class Lens:
    """The camera's socket of a page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            heard: dict[str, Any] = json.loads(await self.socket.recv())
            return heard

    async def refusals(self) -> list[str]:
        """The codes of everything refused up to now: a refusal asked for now comes behind them."""
        await self.socket.send("?")
        codes: list[str] = []
        while not codes or codes[-1] != "invalid_message":
            codes.append((await self.hear())["code"])
        return codes[:-1]


@pytest.fixture
async def camera(house: Server, booths: Booths) -> AsyncIterator[tuple[Booth, Lens]]:
    booth = await booths(house)
    page = await booth.begin()
    await page.leave()
    lens = Lens(await booth.connect(f"/ws/camera/{booth.sitting}"))
    assert await lens.hear() == {"type": "rate", "interval_ms": 1_000}
    yield booth, lens
    await lens.socket.close()


async def looked_at(house: Server, booth: Booth, frame: bytes) -> None:
    """A proctor sees this very frame."""
    async with await Staff.open(house, "proktor") as proctor:

        async def shown() -> bool:
            answer = await proctor.http.get(f"/staff/proctor/{booth.sitting}/still.jpg")
            return answer.status_code == 200 and answer.content == frame

        await until(shown, "the proctor sees the frame")


BAD_FRAMES = {
    "empty": (b"", "frame_not_jpeg"),
    "text": ("кадр".encode(), "frame_not_jpeg"),
    "zeros": (b"\x00" * 5_000, "frame_not_jpeg"),
    "png": (picture(320, 240, ".png")[:100_000], "frame_not_jpeg"),
    "gif": (b"GIF89a" + b"\x00" * 100, "frame_not_jpeg"),
    "magic only": (b"\xff\xd8\xff", "frame_broken"),
    "magic and zeros": (b"\xff\xd8\xff\xe0" + b"\x00" * 100, "frame_broken"),
    "cut in the header": (GOOD[:150], "frame_broken"),
    "cut in the middle": (GOOD[: len(GOOD) // 2], "frame_broken"),
    "cut before its end": (GOOD[:-2], "frame_broken"),
    "nothing decodable": (scramble(GOOD), "frame_broken"),
    "a bomb": (claim(GOOD, 65_000, 65_000), "frame_bad_size"),
    "no pixels": (claim(GOOD, 0, 0), "frame_bad_size"),
    "too small": (picture(80, 60), "frame_bad_size"),
    "too wide": (picture(1600, 120, quality=5), "frame_bad_size"),
    "a thousand scans": (GOOD[:-2] + b"\xff\xda\x00\x08" * 1_000 + b"\xff\xd9", "frame_broken"),
    "too large": (picture(1280, 960), "frame_too_large"),
    "much too large": (b"\xff\xd8\xff" * 300_000, "frame_too_large"),
}


@pytest.mark.parametrize("first", range(0, len(BAD_FRAMES), 7))
async def test_a_bad_frame_is_refused_and_the_next_one_is_looked_at(
    house: Server, camera: tuple[Booth, Lens], first: int
) -> None:
    booth, lens = camera
    for name, (frame, code) in list(BAD_FRAMES.items())[first : first + 7]:
        await lens.socket.send(frame)
        refusal = await lens.hear()
        assert (refusal["type"], refusal["code"]) == ("refused", code), name
        assert refusal["message"]
    good = comment(GOOD, f"after {first}")
    await lens.socket.send(good)
    await looked_at(house, booth, good)
    page = await booth.open_page()
    await page.answer()
    await page.leave()


def test_the_frame_that_is_too_large_really_is() -> None:
    sizes = [len(BAD_FRAMES[name][0]) for name in ("too large", "much too large")]
    assert min(sizes) > MAX_BYTES
    assert max(sizes) < 1_048_576


BAD_WORDS = (
    ("", "invalid_message"),
    ("{", "invalid_message"),
    ("null", "invalid_message"),
    ("[" * 1_000, "invalid_message"),
    ("x" * 2_000, "invalid_message"),
    ('{"type":"window"}', "invalid_message"),
    ('{"type":"frame","kind":"blur"}', "invalid_message"),
    ('{"type":"window","kind":7}', "invalid_message"),
    ('{"type":"window","kind":null}', "invalid_message"),
    ('{"type":"window","kind":"blur","at":1}', "invalid_message"),
    ('{"type":"window","kind":"' + "b" * 40 + '"}', "invalid_message"),
    ('{"type":"window","kind":"earthquake"}', "unknown_window_kind"),
    ('{"type":"window","kind":""}', "unknown_window_kind"),
    ('{"type":"window","kind":"absent"}', "unknown_window_kind"),
    ('{"type":"window","kind":"several_faces"}', "unknown_window_kind"),
)


async def test_a_bad_word_about_the_window_is_refused_and_the_next_one_counts(
    house: Server, camera: tuple[Booth, Lens]
) -> None:
    booth, lens = camera
    for text, code in BAD_WORDS:
        await lens.socket.send(text)
        refusal = await lens.hear()
        assert (refusal["type"], refusal["code"]) == ("refused", code), text
    await lens.socket.send('{"type":"window","kind":"paste"}')
    assert await lens.refusals() == []

    async def noted() -> bool:
        async with booth.database.transaction() as connection:
            return [i.kind.value for i in await incidents_of(connection, booth.sitting)] == ["paste"]

    await until(noted, "the next word counts")


async def test_too_many_frames_are_refused_and_the_camera_goes_on(house: Server, camera: tuple[Booth, Lens]) -> None:
    booth, lens = camera
    for _ in range(FRAMES_AT_ONCE + 3):
        await lens.socket.send(GOOD)
    refused = await lens.refusals()
    assert refused
    assert set(refused) == {"too_many_frames"}
    page = await booth.open_page()
    await page.answer()
    await page.leave()
    last = comment(GOOD, "last")

    async def accepted() -> bool:
        await lens.socket.send(last)
        return await lens.refusals() == []

    await until(accepted, "a frame is taken again")
    await looked_at(house, booth, last)


async def test_a_flood_on_the_camera_ends_the_camera_only(house: Server, camera: tuple[Booth, Lens]) -> None:
    booth, lens = camera
    page = await booth.open_page()
    with pytest.raises(websockets.ConnectionClosed) as end:
        for _ in range(500):
            await lens.socket.send('{"type":"window","kind":"blur"}')
        while True:
            await lens.hear()
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1008
    await page.answer()
    again = Lens(await booth.connect(f"/ws/camera/{booth.sitting}"))
    assert (await again.hear())["type"] == "rate"
    frame = comment(GOOD, "back again")
    await again.socket.send(frame)
    await looked_at(house, booth, frame)
    await again.socket.close()
    await page.leave()


async def test_a_frame_after_the_end_is_told_that_it_is_over(house: Server, camera: tuple[Booth, Lens]) -> None:
    booth, lens = camera
    page = await booth.open_page()
    await page.order("submit")
    await page.hear("ended")
    await lens.socket.send(GOOD)
    assert (await lens.hear())["type"] == "closed"
    with pytest.raises(websockets.ConnectionClosedOK):
        await lens.hear()
    await page.leave()


async def test_before_the_start_a_proctor_sees_the_picture_and_bad_ones_are_refused(
    house: Server, booths: Booths
) -> None:
    booth = await booths(house)
    await booth.enter()
    lens = Lens(await booth.connect(f"/ws/camera/{booth.sitting}"))
    await lens.hear()
    await lens.socket.send(b"not a picture")
    assert (await lens.hear())["code"] == "frame_not_jpeg"
    frame = comment(GOOD, "passport")
    await lens.socket.send(frame)
    await looked_at(house, booth, frame)
    await lens.socket.close()
