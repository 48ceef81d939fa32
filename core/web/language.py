"""Russian first, English second. Message ids are the Russian sentences themselves.

English stands in `locale/en/LC_MESSAGES/messages.po` of core.web and of every package with pages; the
Russian catalogues hold only plural forms. Catalogues are read as text at start: none is compiled in git.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.web.accept import weighed

DEFAULT = "ru"
LANGUAGES = ("ru", "en")
COOKIE = "lang"
_YEAR_SECONDS = 31_536_000

_OWN_LOCALE = Path(__file__).parent / "locale"
_current: ContextVar[str] = ContextVar("language", default=DEFAULT)
_translations: dict[str, NullTranslations] = {}


def choose(cookie: str | None, accept_language: str | None) -> str:
    """The language of an answer: the visitor's own choice, then the browser's wishes, then Russian."""
    if cookie in LANGUAGES:
        return cookie
    known = [
        (weight, tag.partition("-")[0])
        for tag, weight in weighed(accept_language or "")
        if tag.partition("-")[0] in LANGUAGES and weight > 0
    ]
    # Of equal weights the first named is wanted most; max() keeps the first.
    return max(known, key=lambda wish: wish[0], default=(0.0, DEFAULT))[1]


def of(connection: HTTPConnection) -> str:
    """The language of this request."""
    return choose(connection.cookies.get(COOKIE), connection.headers.get("accept-language"))


def gettext(lang: str) -> Callable[[str], str]:
    """A function that translates a Russian sentence into the language; an unknown one stays Russian."""
    return _catalogue(lang).gettext


def ngettext(lang: str) -> Callable[[str, str, int], str]:
    """A function that picks the plural form: `(form for one, form for many, count)`."""
    return _catalogue(lang).ngettext


def current() -> str:
    """The language of the page that is being rendered; Russian outside of one."""
    return _current.get()


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Within the block `current()` is the given language."""
    mark = _current.set(lang)
    try:
        yield
    finally:
        _current.reset(mark)


def load(folders: Sequence[Path] = ()) -> None:
    """Read the catalogues of core.web and of the given `locale` folders; the first to know a msgid wins."""
    for lang in LANGUAGES:
        files = [root / lang / "LC_MESSAGES" / "messages.po" for root in (_OWN_LOCALE, *folders)]
        _translations[lang] = _read(lang, [file for file in files if file.is_file()])


def local_path(wanted: str) -> str:
    """The path where it stays on this host, else the front page: no redirect may lead away."""
    local = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if local else "/"


async def set_language(request: Request) -> Response:
    """`POST /language` with form fields `lang` and `next`: keep the choice for a year and go back."""
    form = await request.form()
    lang, back = str(form.get("lang", DEFAULT)), str(form.get("next", "/"))
    response = RedirectResponse(local_path(back), status_code=303)
    if lang in LANGUAGES:
        response.set_cookie(
            COOKIE,
            lang,
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response


routes = [Route("/language", set_language, methods=["POST"])]


def _catalogue(lang: str) -> NullTranslations:
    if not _translations:
        load()
    return _translations.get(lang, _translations[DEFAULT])


def _read(lang: str, files: Iterable[Path]) -> NullTranslations:
    whole = Catalog(locale=lang)
    for file in files:
        with file.open("rb") as source:
            for message in read_po(source, locale=lang):
                if message.id and message.id not in whole:
                    whole[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)
