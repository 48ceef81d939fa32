"""What an installation needs besides its packages, got beforehand: the face model files."""

import sys

from core.errors import AccreditationError
from core.settings import Settings
from proctoring.models import Models, find_models


def get_models(settings: Settings) -> Models:
    """The face model files of this installation, fetched on first use. Raises Unavailable."""
    return find_models(settings.proctoring_models, settings.data_dir / "models")


def main() -> int:
    """`python -m app.provisions`: exit code 0 when everything is there."""
    try:
        get_models(Settings())
    except AccreditationError as error:
        sys.stderr.write(error.message + "\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
