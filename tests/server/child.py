"""One server process as `run` would start it, on a database that is ready: the other end of every test here.

Everything comes from the environment, as in production. It ends when whoever started it closes its standard
input, so that a run that was killed leaves nothing behind.
"""

import os
import sys
import threading

from app.asgi import DEFAULT_FLOOD, Flood, build
from app.demo.people import CANDIDATES, STAFF
from app.embedded import database_url
from app.provisions import get_models
from app.serving import serve
from core.keys import Keys
from core.settings import Settings


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings()
    burst = int(os.environ.get("FLOOD_BURST", DEFAULT_FLOOD.burst))
    with database_url(settings) as url:
        keys, models = Keys.open(settings), get_models(settings)
        flood = Flood(DEFAULT_FLOOD.rate, burst)
        application = build(settings, url, keys, models, demo_people=(*CANDIDATES, *STAFF), flood=flood)
        serve(application, settings.host, settings.port)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


if __name__ == "__main__":
    main()
