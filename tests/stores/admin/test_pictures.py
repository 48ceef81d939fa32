"""An author's picture: taken, drawn anew, shown; what is none is refused with a reason."""

import cv2
import numpy as np

from core.access import Role
from question_bank.pictures import MAX_BYTES
from tests.stores.admin.school import School

PNG = cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()


async def send(school: School, data: bytes, name: str = "picture") -> tuple[int, dict[str, object]]:
    methodologist = school.staff[Role.METHODOLOGIST]
    async with school.client(methodologist) as client:
        answer = await client.post(
            "/staff/bank/assets",
            files={name: ("экг.png", data, "image/png")},
            headers={
                "origin": "http://exam.test",
                "accept": "application/json",
                "x-csrf-token": school.csrf(methodologist),
            },
        )
    return answer.status_code, answer.json()


async def test_a_picture_gets_an_id_of_its_content_and_an_address(school: School) -> None:
    status, answer = await send(school, PNG + b" and something behind it")
    assert status == 200
    assert (answer["width"], answer["height"]) == (60, 40)
    assert answer["address"] == f"/staff/bank/assets/{answer['asset']}"
    assert await send(school, PNG) == (200, answer)
    shown = await school.get(school.staff[Role.METHODOLOGIST], str(answer["address"]))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert b"something behind" not in shown.content
    assert (await school.get(school.staff[Role.PROCTOR], str(answer["address"]))).status_code == 403


async def test_what_is_no_picture_is_refused_with_a_reason(school: School) -> None:
    status, answer = await send(school, b"<svg onload='alert(1)'/>")
    assert (status, answer["code"]) == (422, "bad_picture")
    assert "PNG, JPEG или WebP" in str(answer["fields"])
    status, answer = await send(school, bytes(MAX_BYTES + 1))
    assert (status, answer["code"]) == (413, "picture_too_large")
    status, answer = await send(school, PNG, name="other")
    assert (status, answer["code"]) == (422, "picture_missing")
