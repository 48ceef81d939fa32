"""Cache rules of static files."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from core.web.statics import ASKED, NAMED, Statics


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    (tmp_path / "page.js").write_text("export {}")
    app = Starlette(routes=[Mount("/static", Statics(directory=tmp_path))])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


async def test_a_file_named_by_its_content_is_kept(client: httpx.AsyncClient) -> None:
    response = await client.get("/static/page.js?v=abc")
    assert (response.status_code, response.headers["cache-control"]) == (200, NAMED)


async def test_any_other_is_asked_about_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/static/page.js")
    assert first.headers["cache-control"] == ASKED
    again = await client.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, ASKED)
