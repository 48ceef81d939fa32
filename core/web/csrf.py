"""Proof that a form was sent from a page of ours to the person who was signed in there."""

import hmac
from base64 import urlsafe_b64encode

from starlette.requests import Request

from core.errors import Forbidden

_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
_KEPT_BYTES = 18


def token(secret: bytes, login_key: str) -> str:
    """The token of one login: 24 URL-safe characters (144 bits of HMAC-SHA256)."""
    digest = hmac.digest(secret, b"csrf\0" + login_key.encode(), "sha256")
    return urlsafe_b64encode(digest[:_KEPT_BYTES]).decode()


def check(secret: bytes, login_key: str, given: str) -> bool:
    """Whether the token belongs to the login; takes the same time for every wrong token."""
    return hmac.compare_digest(token(secret, login_key).encode(), given.encode("utf-8", "replace"))


def token_for(request: Request) -> str:
    """The token to put into the pages of this request. A visitor who is not signed in has an empty key."""
    return token(request.app.state.csrf_secret, _login_key(request))


async def require(request: Request) -> None:
    """Raise Forbidden unless the header `X-CSRF-Token` or the form field `csrf` holds the login's token.

    The form is parsed at most once: a later `await request.form()` on the same request gets it again.
    """
    given = request.headers.get("x-csrf-token")
    if given is None and request.headers.get("content-type", "").lower().startswith(_FORM_TYPES):
        field = (await request.form()).get("csrf")
        given = field if isinstance(field, str) else None
    if given is None or not check(request.app.state.csrf_secret, _login_key(request), given):
        await request.close()
        raise Forbidden(
            "csrf_failed",
            "Страница устарела: вход выполнен заново или истёк. "
            "Вернитесь назад, обновите страницу и повторите действие.",
        )


def _login_key(request: Request) -> str:
    key = getattr(request.state, "login_key", None)
    return key if isinstance(key, str) else ""
