"""One tree of errors. Each carries a code for machines, a sentence for people, and the fields it is about."""

from collections.abc import Mapping


class AccreditationError(Exception):
    """A refusal by rule, or a fault with a name. `code` is snake_case and stable; `message` is Russian."""

    status = 400

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        if status is not None:
            self.status = status


class Invalid(AccreditationError):
    """What was sent does not have the required shape."""

    status = 422


class Unauthenticated(AccreditationError):
    """Nobody is signed in."""

    status = 401


class Forbidden(AccreditationError):
    """Signed in, but not allowed."""

    status = 403


class NotFound(AccreditationError):
    """It does not exist, or it is somebody else's, which looks the same."""

    status = 404


class Conflict(AccreditationError):
    """A rule or the present state does not allow it."""

    status = 409


class TooLarge(AccreditationError):
    status = 413


class TooMany(AccreditationError):
    """Too often; try again later."""

    status = 429


class Unavailable(AccreditationError):
    """Something this depends on does not answer."""

    status = 503
