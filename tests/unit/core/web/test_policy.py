from starlette.datastructures import MutableHeaders

from core.web import policy


def test_nothing_inline_and_nothing_foreign_runs() -> None:
    directives = dict(part.split(" ", 1) for part in policy.content_policy(secure=False).split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert not [name for name, value in directives.items() if "unsafe" in value or "*" in value]


def test_files_may_be_cached_but_pages_and_data_may_not() -> None:
    kept = {}
    for kind in ("text/html; charset=utf-8", "application/json", "text/css; charset=utf-8", "image/svg+xml"):
        headers = MutableHeaders({"content-type": kind})
        policy.harden(headers, secure=False)
        kept[kind] = headers.get("cache-control")
    assert list(kept.values()) == ["no-store", "no-store", None, None]
