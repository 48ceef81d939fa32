"""The film shows what its scenes promise: to the detector, and to a page in Chromium, live."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import pytest
from playwright.async_api import Page

from proctoring.models import Models
from tests.browser.film import HEIGHT, WIDTH, Film, Picture, dark, frames, nobody, person, two_people

PAGE = b"""<!doctype html><meta charset="utf-8"><video autoplay muted playsinline></video><canvas></canvas>"""

WATCH = """async () => {
    const video = document.querySelector('video');
    if (!video.srcObject) {
        video.srcObject = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}});
        await video.play();
    }
    await new Promise(done => video.requestVideoFrameCallback(done));
    const canvas = document.querySelector('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(video, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2];
    return {width: canvas.width, height: canvas.height, brightness: sum / data.length * 4 / 3,
            state: document.visibilityState};
}"""


@pytest.mark.parametrize(("scene", "faces"), [(person, 1), (two_people, 2), (nobody, 0), (dark, 0)])
def test_every_frame_of_a_scene_has_as_many_faces_as_it_says(
    models: Models, scene: Callable[[], Picture], faces: int
) -> None:
    for size in ((WIDTH, HEIGHT), (WIDTH // 2, HEIGHT // 2)):
        detector = cv2.FaceDetectorYN.create(str(models.detector), "", size, 0.7)
        for frame in frames(scene()):
            _, found = detector.detect(cv2.resize(frame, size))
            assert (0 if found is None else len(found)) == faces


def test_scenes_have_the_same_size_and_moving_frames(tmp_path: Path) -> None:
    film = Film(tmp_path / "film.y4m")
    before = film.path.stat()
    film.show(dark)
    after = film.path.stat()
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)
    pictures = [frame.tobytes() for frame in frames(person())]
    assert len(set(pictures)) == len(pictures)


@pytest.fixture
def address() -> Iterator[str]:
    """A page on this machine: a camera is given to no other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_the_webcam_shows_the_film_and_follows_its_scenes(page: Page, film: Film, address: str) -> None:
    await page.goto(address)
    seen = await page.evaluate(WATCH)
    assert (seen["width"], seen["height"], seen["state"]) == (WIDTH, HEIGHT, "visible")
    assert abs(seen["brightness"] - person().mean()) < 12
    film.show(dark)
    await page.wait_for_function(f"async () => (await ({WATCH})()).brightness < 20")
    film.show(person)
    await page.wait_for_function(f"async () => (await ({WATCH})()).brightness > 80")


async def test_a_page_behind_another_tab_is_hidden(page: Page, address: str) -> None:
    await page.goto(address)
    other = await page.context.new_page()
    await other.bring_to_front()
    await page.wait_for_function("document.visibilityState === 'hidden'", polling=50)
    await page.bring_to_front()
    await page.wait_for_function("document.visibilityState === 'visible'", polling=50)
