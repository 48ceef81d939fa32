"""What the commands share: where they write, how they fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

from core.errors import AccreditationError

out = Console()


@contextmanager
def clear_errors() -> Iterator[None]:
    """Say what is wrong and what to do instead of a traceback."""
    try:
        yield
    except AccreditationError as error:
        fail(f"{error.message} ({error.code})")


def fail(message: str) -> NoReturn:
    out.print(message, style="red", markup=False)
    raise typer.Exit(1)
