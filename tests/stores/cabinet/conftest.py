import pytest

from core.access.roles import Principal
from core.clock import ManualClock
from core.database import Database
from core.web.pages import Pages
from tests.stores.cabinet.centre import Centre


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(["cabinet"])


@pytest.fixture
async def centre(database: Database, clock: ManualClock, pages: Pages) -> Centre:
    centre = Centre(database, clock, pages)
    await centre.fill()
    return centre


@pytest.fixture
async def candidate(centre: Centre) -> Principal:
    """Admitted in nursing, lives four hours east of Moscow."""
    candidate = await centre.person("kim", given_name="Вера")
    await centre.admit(candidate)
    return candidate
