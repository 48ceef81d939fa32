"""Where tests put what is written much and thrown away."""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 1 << 30


def quick_folder() -> str | None:
    """A folder in memory where there is one with room; None means the usual place for temporary files."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        return str(MEMORY)
    return None
