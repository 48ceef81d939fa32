"""Whatever staff look at for accreditation never shows practice."""

import pytest

from admin import protocols_desk, review_room, sittings
from admin.proctor_room import Wall
from app.verification import verify
from core.access.roles import Role
from core.clock import ManualClock
from core.database import Database
from core.errors import NotFound
from core.ids import SittingId
from core.moments import MINUTE
from core.web.pages import Pages
from exam_server.commands import Attach, Start, Submit
from exam_server.practice import begin_run
from tests.stores.cabinet.centre import PRACTICE, Centre


async def test_practice_is_in_no_list_of_staff_and_its_result_verifies(database: Database, clock: ManualClock) -> None:
    centre = Centre(database, clock, Pages(["cabinet"]))
    await centre.fill()
    candidate = await centre.person("somebody")
    chair = await centre.person("chair", Role.COMMISSION_CHAIR)

    async def practise() -> SittingId:
        async with database.transaction() as connection:
            sitting = await begin_run(
                connection, PRACTICE.id, candidate.id, pools=centre.pools, seed=1, now=clock.now()
            )
        await centre.obey(sitting, [Attach("browser01"), Start(1)])
        return sitting

    ended = await practise()
    await centre.obey(ended, [Submit(2)])
    await centre.conclude(ended)
    await practise()
    assert await Wall(database).tiles() == ()
    async with database.transaction() as connection:
        assert await sittings.list_sittings(connection) == sittings.SittingPage((), 0)
        assert await sittings.list_exams(connection) == []
        assert await sittings.count_states(connection) == {}
        assert await protocols_desk.list_ready(connection, chair) == []
        assert await review_room.queue(connection, chair) == []
        for open_one in (sittings.open_card, sittings.open_dossier):
            with pytest.raises(NotFound):
                await open_one(connection, ended, chair)
    clock.advance(2 * MINUTE)
    report = await verify(database.url, None, clock)
    assert (report.sittings, report.results, report.faults) == (2, 1, [])
