"""Who is behind a request: the cookie of a login becomes a principal before any page sees the request."""

import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders, State
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.access import logins
from core.access.roles import Permission, Principal
from core.clock import Clock
from core.database import Database
from core.errors import Forbidden, Unauthenticated, Unavailable
from core.randomness import fresh_token
from core.together import Together

LOGIN_COOKIE = "login"
VISITOR_COOKIE = "visitor"
_VISITOR = re.compile(r"[A-Za-z0-9_-]{32}")
_LONGEST_TOKEN = 200


class LoginGate:
    """Sets `state.principal` (or None) and `state.login_key` of every HTTP request and WebSocket handshake.

    `login_key` is what CSRF tokens are made for: it differs with every login, and a visitor who is not
    signed in has one from a random cookie. Takes `database` and `clock` from `app.state`. While the database
    is away the last known answer holds for two minutes; after that `state.login_unknown` is True and
    `require` raises Unavailable instead of sending people to sign in again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._lookups: Together[bytes, Principal] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        state = scope.setdefault("state", {})
        state["login_unknown"] = False
        token = connection.cookies.get(LOGIN_COOKIE, "")
        try:
            principal = await self._who(connection, token)
        except Unavailable:
            principal = None
            state["login_unknown"] = True
        state["principal"] = principal
        if principal is not None or state["login_unknown"]:
            state["login_key"] = "login:" + logins.digest(token).hex()
            await self.app(scope, receive, send)
            return
        visitor = connection.cookies.get(VISITOR_COOKIE, "")
        if _VISITOR.fullmatch(visitor):
            state["login_key"] = "visitor:" + visitor
            await self.app(scope, receive, send)
            return
        visitor = fresh_token(24)
        state["login_key"] = "visitor:" + visitor
        await self.app(scope, receive, _giving(send, scope, visitor))

    async def _who(self, connection: HTTPConnection, token: str) -> Principal | None:
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        clock: Clock = connection.app.state.clock
        key, now = logins.digest(token), clock.now()
        known, principal = logins.recent.recall(key, now)
        # Who has to choose a password is asked about every time: once it is chosen, that holds in every process.
        if known and not (principal is not None and principal.password_given):
            return principal
        if self._lookups is None:
            self._lookups = _lookups(connection.app.state)
        try:
            principal = await self._lookups.ask(key)
        except Unavailable:
            known, principal = logins.recent.recall(key, now, logins.STALE)
            if known:
                return principal
            raise
        logins.recent.remember(key, principal, now)
        return principal


def require(connection: HTTPConnection, permission: Permission) -> Principal:
    """The signed-in person, who has the permission. Raises Unauthenticated, Forbidden or Unavailable."""
    principal = signed_in(connection)
    if not principal.may(permission):
        raise Forbidden(
            "forbidden",
            "У вас нет прав на эту страницу или это действие. Если доступ нужен, обратитесь к администратору.",
        )
    return principal


def signed_in(connection: HTTPConnection) -> Principal:
    """Whoever is signed in. Raises Unauthenticated or Unavailable."""
    principal = getattr(connection.state, "principal", None)
    if isinstance(principal, Principal):
        return principal
    if getattr(connection.state, "login_unknown", False):
        raise Unavailable("database_away", "База данных временно недоступна. Повторите через минуту.")
    raise Unauthenticated("unauthenticated", "Эта страница открывается только после входа. Войдите в систему.")


def put_cookie(response: Response, connection: HTTPConnection, token: str, hours: int) -> None:
    """Hand the token of a new login to the browser."""
    response.set_cookie(
        LOGIN_COOKIE,
        token,
        max_age=hours * 3600,
        httponly=True,
        samesite="lax",
        secure=connection.url.scheme in ("https", "wss"),
    )


def clear_cookie(response: Response) -> None:
    """Take the login's cookie away from the browser."""
    response.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="lax")


def address_of(connection: HTTPConnection) -> str:
    """The network address that the request came from; empty where the server does not know it."""
    return connection.client.host if connection.client else ""


def _lookups(state: State) -> Together[bytes, Principal]:
    async def look_up(keys: Sequence[bytes]) -> dict[bytes, Principal]:
        database: Database = state.database
        clock: Clock = state.clock
        async with database.transaction() as connection:
            return await logins.principals_of(connection, keys, clock.now())

    return Together(look_up)


def _giving(send: Send, scope: Scope, visitor: str) -> Send:
    """Sends on, and gives a page that may hold a form the visitor's cookie."""
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    cookie = f"{VISITOR_COOKIE}={visitor}; HttpOnly; Path=/; SameSite=Lax{secure}"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers.append("set-cookie", cookie)
        await send(message)

    return sending
