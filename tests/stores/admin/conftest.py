from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.database import Database
from tests.stores.admin.school import School


@pytest.fixture
async def school(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[School]:
    """People of every role, a bank, an open window, and the staff's pages."""
    opened = School(database, clock, tmp_path)
    await opened.open()
    yield opened
    await opened.close()
