"""Static files: for ever where their address names their content, asked about again where it does not."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

NAMED = "public, max-age=31536000, immutable"
ASKED = "no-cache"
"""Kept, but never used without asking: modules import each other by bare names, and old must not meet new."""


class Statics(StaticFiles):
    """A folder of files with cache rules."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        named = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = NAMED if named else ASKED
        return response
