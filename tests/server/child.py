"""One server process as `run` would start it, on a database that is ready: the other end of every test here.

Everything comes from the environment, as in production. It ends when whoever started it closes its standard
input, so that a run that was killed leaves nothing behind.
"""

import os
import sys
import threading

from app.asgi import DEFAULT_FLOOD, Flood, build
from app.cli import serve
from app.demo.people import CANDIDATES, STAFF
from app.embedded import database_url
from app.provisions import get_models
from core.keys import Keys
from core.settings import Settings


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings()
    burst = int(os.environ.get("FLOOD_BURST", DEFAULT_FLOOD.burst))
    with database_url(settings) as url:
        serve(
            build(
                settings,
                url,
                Keys.open(settings),
                get_models(settings),
                demo_people=(*CANDIDATES, *STAFF),
                flood=Flood(DEFAULT_FLOOD.rate, burst),
            ),
            settings,
        )


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
