"""Templates of every package in one environment, and the static folders beside them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from core.moments import Moment, Span
from core.web import csrf, formats, language

THEME_COOKIE = "theme"
THEMES = ("light", "dark", "contrast", "contrast-dark")

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


class Pages:
    """The pages of core.web and of the given packages.

    A package keeps templates in `pages/templates/<package>/`, static files in `pages/static/` and
    catalogues in `pages/locale/<lang>/LC_MESSAGES/messages.po`; each folder may be absent. A package
    that is not installed raises ModuleNotFoundError.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self._folders = {name: _folder(name) / "pages" for name in packages if name != "core.web"}
        language.load([folder / "locale" for folder in self._folders.values()])
        self._statics = {"core": STATIC} | {
            name: folder / "static" for name, folder in self._folders.items() if (folder / "static").is_dir()
        }
        self.environment = self._environment()

    def static_mounts(self) -> list[tuple[str, Path]]:
        """URL prefix and folder of everything that is served as a file."""
        return [(f"/static/{name}", folder) for name, folder in self._statics.items()]

    def text(self, name: str, context: Mapping[str, Any], lang: str) -> str:
        """The rendered template in the language."""
        with language.speaking(lang):
            return self.environment.get_template(name).render({**context, "lang": lang})

    def asset(self, path: str) -> str:
        """The URL of a static file, `core/base.css`, with a mark that changes when its content does.

        An unknown file raises FileNotFoundError: a page must not ask for what is not there.
        """
        package, _, inner = path.partition("/")
        if package not in self._statics:
            raise FileNotFoundError(path)
        file = self._statics[package] / inner
        return f"/static/{path}?v={_content_mark(file, file.stat().st_mtime_ns)}"

    def _environment(self) -> Environment:
        templates = [_HERE / "templates", *(folder / "templates" for folder in self._folders.values())]
        environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            _gettext, _ngettext, newstyle=True
        )
        environment.globals["asset"] = self.asset
        environment.filters |= {
            "datetime": _datetime,
            "date": _date,
            "time": formats.time_text,
            "duration": _duration,
            "number": _number,
            "translated": _translated,
            "truncate": formats.excerpt,
            "typeset": _typeset,
        }
        return environment


def render(request: Request, name: str, context: Mapping[str, Any] | None = None, status: int = 200) -> HTMLResponse:
    """A page from a template: the given context beside what every page knows."""
    pages: Pages = request.app.state.pages
    theme = request.cookies.get(THEME_COOKIE)
    common = {
        "request": request,
        "principal": getattr(request.state, "principal", None),
        "csrf": csrf.token_for(request),
        "theme": theme if theme in THEMES else None,
    }
    lang = language.of(request)
    return HTMLResponse(pages.text(name, {**common, **(context or {})}, lang), status_code=status)


def _gettext(message: str) -> str:
    return language.gettext(language.current())(message)


def _ngettext(singular: str, plural: str, count: int) -> str:
    return language.ngettext(language.current())(singular, plural, count)


# Filters that speak take the context only because Jinja works out any other filter of a constant while it
# compiles, once for all languages.


@pass_context
def _translated(_: Context, text: str) -> str:
    """For texts that come from elsewhere: `_()` would take them for markup of ours and for a % format."""
    return language.gettext(language.current())(text) if text else text  # "" names the catalogue's header


def _typeset(text: str) -> str:
    return Markup(formats.typeset(str(text))) if isinstance(text, Markup) else formats.typeset(text)


@pass_context
def _datetime(_: Context, value: Moment | datetime, zone: str = formats.MOSCOW) -> str:
    return formats.datetime_text(value, language.current(), zone)


@pass_context
def _date(_: Context, value: Moment | datetime, zone: str = formats.MOSCOW) -> str:
    return formats.date_text(value, language.current(), zone)


@pass_context
def _duration(_: Context, span: Span) -> str:
    return formats.duration_text(span, language.current())


@pass_context
def _number(_: Context, value: int | float, digits: int | None = None) -> str:
    return formats.number_text(value, language.current(), digits)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1024)
def _content_mark(file: Path, _changed_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]
