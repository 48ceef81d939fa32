"""One worker process of a node: `python -m app.worker`, started by the supervisor and by nobody else.

Settings come from the environment, where the supervisor has put the database's address.
"""

import os
import signal
import sys
import threading

from app.asgi import build
from app.serving import serve_on
from app.supervisor import bind
from core.keys import Keys
from core.settings import Settings
from proctoring.models import find_models


def main() -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    settings = Settings()
    assert settings.database_url is not None
    models = find_models(settings.proctoring_models, settings.data_dir / "models")
    application = build(settings, settings.database_url, Keys.open(settings), models, alone=False)
    serve_on(application, bind(settings.host, settings.port), settings.trusted_proxies)


def _leave_with_parent() -> None:
    """The supervisor holds the other end of our standard input: when that closes, it is gone."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
