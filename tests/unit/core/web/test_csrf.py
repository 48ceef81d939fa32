import httpx
import pytest

from core.web import csrf

SECRET = b"a secret of the tests, 32 bytes."
TOKEN = csrf.token(SECRET, "login-1")


def test_a_token_is_short_url_safe_and_belongs_to_one_login_and_one_secret() -> None:
    assert len(TOKEN) == 24
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    assert csrf.check(SECRET, "login-1", TOKEN)
    assert not csrf.check(SECRET, "login-2", TOKEN)
    assert not csrf.check(SECRET[::-1], "login-1", TOKEN)


@pytest.mark.parametrize("given", ["", TOKEN[:-1], TOKEN + "A", TOKEN.swapcase(), "ж" * 24, "\udc80"])
def test_anything_else_is_refused_without_failing(given: str) -> None:
    assert not csrf.check(SECRET, "login-1", given)


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        ({"csrf": TOKEN, "name": "Анна"}, {}, 200),
        ({"name": "Анна"}, {"x-csrf-token": TOKEN}, 200),
        ({"name": "Анна"}, {}, 403),
        ({"csrf": "wrong", "name": "Анна"}, {}, 403),
        ({"csrf": csrf.token(SECRET, "login-2"), "name": "Анна"}, {}, 403),
        # A wrong header is not saved by a right field: the page that sent it is not ours.
        ({"csrf": TOKEN, "name": "Анна"}, {"x-csrf-token": "wrong"}, 403),
    ],
)
async def test_a_change_needs_the_token_of_its_login(
    client: httpx.AsyncClient, data: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/change", data=data, headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.text == "changed Анна"
    else:
        assert "csrf_failed" in answer.text


async def test_a_file_sent_in_place_of_the_token_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/change", files={"csrf": ("token.txt", TOKEN.encode())})
    assert answer.status_code == 403


async def test_a_body_that_is_no_form_needs_the_header(client: httpx.AsyncClient) -> None:
    assert (await client.post("/change", json={"csrf": TOKEN})).status_code == 403
    assert (await client.post("/change", json={}, headers={"x-csrf-token": TOKEN})).status_code == 200
