"""The headers that tell a browser what our pages may do."""

from functools import lru_cache

from starlette.datastructures import MutableHeaders

_YEAR_SECONDS = 31_536_000

_CONTENT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "font-src": "'self'",
    # 'self' covers same-origin ws: and wss: in every browser of the technical check.
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

_FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: that would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(self), fullscreen=(self), screen-wake-lock=(self), window-management=(self), "
        "microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), browsing-topics=()"
    ),
}

# Nothing about a person stays on a shared computer after signing out.
_PERSONAL_TYPES = ("text/html", "application/json", "application/problem+json")


def harden(headers: MutableHeaders, secure: bool, form_action: tuple[str, ...] = ()) -> None:
    """Add what is missing. `secure` says that the page came over https; only then is https promised."""
    headers.setdefault("content-security-policy", content_policy(secure, form_action))
    for name, value in _FIXED.items():
        headers.setdefault(name, value)
    if secure:
        headers.setdefault("strict-transport-security", f"max-age={_YEAR_SECONDS}; includeSubDomains")
    if headers.get("content-type", "").startswith(_PERSONAL_TYPES):
        headers.setdefault("cache-control", "no-store")


@lru_cache(maxsize=16)
def content_policy(secure: bool, form_action: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy; `form_action` lists origins beside our own that a form may lead to."""
    directives = _CONTENT | {"form-action": " ".join(["'self'", *form_action])}
    text = "; ".join(f"{name} {value}" for name, value in directives.items())
    return f"{text}; upgrade-insecure-requests" if secure else text
