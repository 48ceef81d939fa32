"""The steps before the start: each may be done again, and only all together let the candidate begin."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import pytest

from core import outbox
from core.access.roles import Principal
from core.blobs import DISCARDED, Blobs
from core.database import Database, fetch_all, fetch_one
from core.errors import AccreditationError, Conflict, Invalid, NotFound, TooMany, Unavailable
from core.ids import PersonId, SittingId
from exam_server import store
from exam_server.commands import Attach, Start, Tell
from exam_server.entrance import (
    MOST_CONSENTS,
    MOST_PICTURES,
    CameraReading,
    Consent,
    Entrance,
    EntranceView,
    Readings,
    ScreenReading,
)
from exam_server.event_log import EventLog
from exam_server.events import Admitted
from proctoring.store import reference_of
from tests.stores.cabinet.centre import EXAM, Centre
from tests.stores.exam_server.conftest import Engine, Pictures, warm

READINGS = Readings(
    CameraReading(640, 480, "Камера ноутбука"), ScreenReading(1366, 768), 20.5, 4.0, 35.0, True, True, True
)
AGREED = Consent("2026-1", True, True)
WITHOUT_BIOMETRICS = Consent("2026-1", True, False)
JPEG = b"a picture"
OF_NOBODY = PersonId(404)


class Door:
    """The entrance of one sitting, and the candidate and the proctor at it."""

    def __init__(self, entrance: Entrance, engine: Engine, pictures: Pictures, sitting: SittingId) -> None:
        self.entrance = entrance
        self.engine = engine
        self.pictures = pictures
        self.sitting = sitting
        self.candidate = PersonId(0)
        self.proctor = PersonId(0)

    async def check(self, readings: Readings = READINGS) -> None:
        await self.entrance.record_check(self.sitting, self.candidate, readings)

    async def agree(self, consent: Consent) -> None:
        await self.entrance.record_consent(self.sitting, self.candidate, consent)

    async def picture(self) -> None:
        await self.entrance.take_reference(self.sitting, self.candidate, JPEG)

    async def identify(self) -> None:
        await self.entrance.confirm_identity(self.sitting, self.proctor)

    async def view(self) -> EntranceView:
        return await self.entrance.view(self.sitting, self.candidate)

    async def admitted_by(self) -> list[str]:
        return [event.by for event in await self.engine.events(self.sitting) if isinstance(event, Admitted)]


@pytest.fixture
async def door(centre: Centre, candidate: Principal, database: Database, engine: Engine, prepared: SittingId) -> Door:
    pictures = Pictures()
    door = Door(Entrance(database, centre.clock, engine.conduct, pictures), engine, pictures, prepared)
    door.candidate = candidate.id
    door.proctor = (await centre.person("proctor")).id
    return door


def stored(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def code_of(work: Awaitable[object], kind: type[AccreditationError] = Conflict) -> str:
    with pytest.raises(kind) as refusal:
        await work
    return refusal.value.code


async def test_a_reference_picture_settles_the_identity(door: Door) -> None:
    await door.check()
    await door.agree(AGREED)
    assert await door.admitted_by() == []
    await door.picture()
    assert await door.admitted_by() == ["biometrics"]
    assert door.pictures.taken == [(door.sitting, JPEG, door.engine.conduct._clock.now())]
    await door.engine.order(door.sitting, Attach("browser01"), Start(1))


async def test_a_proctor_settles_the_identity_where_biometrics_was_refused(door: Door) -> None:
    await door.check()
    await door.agree(WITHOUT_BIOMETRICS)
    view = await door.entrance.view(door.sitting, door.candidate)
    assert view.identity_by_person_pending
    await door.identify()
    assert await door.admitted_by() == ["person"]
    view = await door.entrance.view(door.sitting, door.candidate)
    assert (view.admitted, view.identity_by_person_pending, view.biometrics) == (True, False, False)


async def test_what_the_proctor_writes_is_read_while_the_passport_is_awaited(
    door: Door, centre: Centre, database: Database
) -> None:
    await door.check()
    await door.agree(WITHOUT_BIOMETRICS)
    assert (await door.view()).notices == ()
    text = "Поверните паспорт: он бликует."
    async with database.transaction() as connection:
        note = await store.write_note(connection, door.sitting, door.proctor, "message", text, centre.clock.now())
    await door.engine.order(door.sitting, Tell("message", door.proctor, note))
    assert (await door.view()).notices == (text,)


async def test_the_steps_may_come_in_any_order_and_again(door: Door) -> None:
    await door.agree(WITHOUT_BIOMETRICS)
    await door.identify()
    assert await door.admitted_by() == []
    await door.check()
    await door.check()
    await door.identify()
    assert await door.admitted_by() == ["person"]


async def test_a_changed_mind_about_biometrics_counts(door: Door) -> None:
    await door.check()
    await door.agree(WITHOUT_BIOMETRICS)
    await door.agree(AGREED)
    assert await code_of(door.identify()) == "not_asked"
    await door.agree(WITHOUT_BIOMETRICS)
    assert await code_of(door.picture()) == "no_biometrics"
    await door.identify()
    assert await door.admitted_by() == ["person"]


async def test_the_view_says_how_far_one_is(door: Door, centre: Centre) -> None:
    view = await door.entrance.view(door.sitting, door.candidate)
    assert (view.checked, view.consented, view.biometrics, view.referenced, view.admitted) == (
        False,
        False,
        None,
        False,
        False,
    )
    assert (view.title, view.items, view.exam_limit, view.status) == (EXAM.title, 20, EXAM.exam_limit, "ready")
    await door.check()
    await door.agree(AGREED)
    await door.picture()
    view = await door.entrance.view(door.sitting, door.candidate)
    assert (view.checked, view.consented, view.biometrics, view.referenced, view.admitted) == (True,) * 5


async def test_nobody_else_has_anything_to_do_here(door: Door, centre: Centre) -> None:
    other = await centre.person("other")
    for who in (other.id, OF_NOBODY):
        for work in (
            door.entrance.view(door.sitting, who),
            door.entrance.record_check(door.sitting, who, READINGS),
            door.entrance.record_consent(door.sitting, who, AGREED),
            door.entrance.take_reference(door.sitting, who, JPEG),
        ):
            assert await code_of(work, NotFound) == "unknown_sitting"
    assert await code_of(door.entrance.view(SittingId(404), door.candidate), NotFound) == "unknown_sitting"
    assert await code_of(door.entrance.confirm_identity(door.sitting, door.candidate)) == "own_sitting"


async def test_only_a_device_that_can_not_work_is_turned_away(door: Door) -> None:
    bad = Readings(CameraReading(160, 120, ""), ScreenReading(320, 480), 0.0, 0.0, 9_000.0, False, False, False)
    with pytest.raises(Invalid) as refusal:
        await door.check(bad)
    assert set(refusal.value.fields) == {"camera", "websocket", "storage"}
    slow = Readings(CameraReading(320, 240, ""), ScreenReading(320, 480), 0.1, 0.1, 9_000.0, False, True, True)
    await door.check(slow)


async def test_what_was_measured_is_kept(door: Door, database: Database) -> None:
    await door.check()
    async with database.transaction() as connection:
        row = await fetch_one(connection, "SELECT CAST(readings AS text) AS readings FROM exam_server.entrance")
    assert row is not None
    assert msgspec.json.decode(row["readings"], type=Readings) == READINGS


async def test_without_consent_to_the_processing_there_is_no_exam(door: Door) -> None:
    assert await code_of(door.agree(Consent("2026-1", False, True)), Invalid) == "consent_needed"
    assert not (await door.entrance.view(door.sitting, door.candidate)).consented


async def test_consents_and_identities_stand_in_the_journal(door: Door, database: Database) -> None:
    await door.agree(WITHOUT_BIOMETRICS)
    await door.identify()
    async with database.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT convert_from(body, 'UTF8') AS body FROM core.outbox WHERE topic = 'journal' ORDER BY id"
        )
    said = [row["body"] for row in rows]
    assert any("consent.given" in body and '"biometrics":"false"' in body.replace(" ", "") for body in said)
    assert any("identity.confirmed" in body for body in said)


async def test_a_bad_picture_settles_nothing(door: Door) -> None:
    await door.check()
    await door.agree(AGREED)
    door.pictures.refusal = Invalid("face_unclear", "Лицо видно плохо.")
    assert await code_of(door.picture(), Invalid) == "face_unclear"
    view = await door.entrance.view(door.sitting, door.candidate)
    assert (view.referenced, view.admitted) == (False, False)
    door.pictures.refusal = None
    await door.picture()
    assert await door.admitted_by() == ["biometrics"]


async def test_pictures_are_looked_at_only_so_often(door: Door) -> None:
    await door.check()
    await door.agree(AGREED)
    door.pictures.refusal = Invalid("face_unclear", "Лицо видно плохо.")
    for _ in range(MOST_PICTURES - 1):
        assert await code_of(door.picture(), Invalid) == "face_unclear"
    door.pictures.refusal = Unavailable("files_away", "Хранилище файлов временно недоступно.")
    assert await code_of(door.picture(), Unavailable) == "files_away"
    assert (await door.view()).pictures_left == 1, "what was not the candidate's fault costs no try"
    door.pictures.refusal = None
    await door.picture()
    assert await code_of(door.picture(), TooMany) == "too_many_pictures"
    assert door.pictures.looked == MOST_PICTURES + 1
    assert (await door.view()).pictures_left == 0
    await door.agree(WITHOUT_BIOMETRICS)
    await door.identify()
    assert (await door.admitted_by())[-1] == "person", "a proctor is still there"


async def test_consent_that_was_given_already_is_given_once(door: Door, database: Database) -> None:
    await door.check()
    await door.agree(AGREED)
    await door.picture()
    for _ in range(3):
        await door.agree(AGREED)
    assert await door.admitted_by() == ["biometrics"]
    assert await journalled(database, door.sitting) == ["true"]


async def test_biometrics_can_be_agreed_to_only_so_often_and_refused_always(door: Door, database: Database) -> None:
    await door.check()
    for _ in range(MOST_CONSENTS):
        await door.agree(AGREED)
        await door.agree(WITHOUT_BIOMETRICS)
    await door.identify()
    written = await journalled(database, door.sitting)
    for _ in range(3):
        assert await code_of(door.agree(AGREED), TooMany) == "too_many_consents"
        await door.agree(WITHOUT_BIOMETRICS)
    assert len(written) == 2 * MOST_CONSENTS
    assert await journalled(database, door.sitting) == written
    assert (await door.view()).admitted, "a proctor has seen the passport"


async def test_who_begins_while_consent_is_taken_back_keeps_what_the_admission_rests_upon(
    door: Door, database: Database
) -> None:
    """Else who was admitted by a picture could take the exam with nobody to compare."""
    await door.check()
    await door.agree(AGREED)
    await door.picture()
    await door.engine.order(door.sitting, Attach("browser01"))
    async with database.transaction() as connection:
        await store.lock_entrance(connection, door.sitting)
        refusing = asyncio.ensure_future(door.agree(WITHOUT_BIOMETRICS))
        await waits_for_lock(database)
        await door.engine.order(door.sitting, Start(1))
    assert await code_of(refusing) == "already_started"
    view = await door.view()
    assert (view.status, view.biometrics, view.referenced) == ("running", True, True)


async def test_another_tab_admits_nobody_by_what_is_being_taken_back(door: Door, database: Database) -> None:
    await door.check()
    await warm(database, 8)
    for _ in range(5):
        await door.agree(AGREED)
        await door.picture()
        tabs = [door.check() for _ in range(7)]
        await asyncio.gather(*tabs[:3], door.agree(WITHOUT_BIOMETRICS), *tabs[3:])
        assert not (await door.view()).admitted


async def test_consent_that_is_taken_back_at_another_process_takes_back_the_admission(
    door: Door, database: Database, log: EventLog, centre: Centre
) -> None:
    elsewhere = Engine(log, database, centre.clock)
    await elsewhere.conduct.hold(door.sitting)
    await door.check()
    await door.agree(AGREED)
    await door.picture()
    there = Entrance(database, centre.clock, elsewhere.conduct, door.pictures)
    await there.record_consent(door.sitting, door.candidate, WITHOUT_BIOMETRICS)
    assert (await door.engine.stored(door.sitting)).admitted is None


async def test_an_admission_that_a_process_died_before_is_given_when_the_candidate_looks(
    door: Door, database: Database
) -> None:
    await door.check()
    await door.agree(WITHOUT_BIOMETRICS)
    async with database.transaction() as connection:
        await store.record_identity(connection, door.sitting, door.proctor, 7)
    assert (await door.view()).admitted
    assert await door.admitted_by() == ["person"]


async def waits_for_lock(database: Database) -> None:
    """Until somebody waits for a row that this test has."""
    async with database.transaction() as connection:
        while not await fetch_all(connection, "SELECT 1 FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0)


async def journalled(database: Database, sitting: SittingId) -> list[str]:
    """The decisions on biometrics in the journal, in order."""
    async with database.transaction() as connection:
        rows = await fetch_all(
            connection, "SELECT convert_from(body, 'UTF8') AS body FROM core.outbox WHERE topic = 'journal' ORDER BY id"
        )
    posted = [msgspec.json.decode(row["body"]) for row in rows]
    consents = [one for one in posted if (one["action"], one["subject"]) == ("consent.given", f"sitting:{sitting}")]
    return [one["fields"]["biometrics"] for one in consents]


async def test_tabs_have_their_tries_together(door: Door, database: Database) -> None:
    await door.agree(AGREED)
    await warm(database, 8)
    door.pictures.refusal = Invalid("face_unclear", "Лицо видно плохо.")
    codes = await asyncio.gather(*(code_of(door.picture(), AccreditationError) for _ in range(MOST_PICTURES + 5)))
    assert Counter(codes) == {"face_unclear": MOST_PICTURES, "too_many_pictures": 5}
    assert door.pictures.looked == MOST_PICTURES


@pytest.mark.parametrize("biometrics", [True, False])
async def test_a_picture_that_another_tab_overtook_is_not_kept(door: Door, biometrics: bool) -> None:
    """While it is looked at, the exam begins or consent to biometrics is taken back."""
    await door.check()
    await door.agree(AGREED)
    await door.picture()

    async def begin() -> None:
        await door.engine.order(door.sitting, Attach("browser01"), Start(1))

    door.pictures.meanwhile = begin if biometrics else lambda: door.agree(WITHOUT_BIOMETRICS)
    assert await code_of(door.picture()) == ("already_started" if biometrics else "no_biometrics")
    assert len(door.pictures.taken) == 1


async def test_tabs_that_send_at_once_leave_one_reference(door: Door, database: Database, tmp_path: Path) -> None:
    blobs = Blobs.in_folder(tmp_path, {"one": bytes(32)})
    door.pictures.blobs = blobs
    await door.agree(AGREED)
    await warm(database, 4)
    await asyncio.gather(*(door.picture() for _ in range(4)))
    assert len(door.pictures.taken) == 4
    assert await outbox.deliver(database, {DISCARDED: blobs.remove_file}) == 6
    async with database.transaction() as connection:
        current = await reference_of(connection, door.sitting)
    assert current is not None
    assert stored(tmp_path) == {current.embedding, current.picture}


async def test_a_passport_is_looked_at_only_where_that_was_asked_for(door: Door) -> None:
    assert await code_of(door.identify()) == "not_asked"
    await door.agree(AGREED)
    assert await code_of(door.identify()) == "not_asked"
    assert await door.admitted_by() == []


async def test_the_steps_are_over_once_the_exam_has_begun(door: Door) -> None:
    await door.check()
    await door.agree(WITHOUT_BIOMETRICS)
    await door.identify()
    await door.engine.order(door.sitting, Attach("browser01"), Start(1))
    for work in (door.check(), door.agree(AGREED), door.picture()):
        assert await code_of(work) == "already_started"
    assert await door.admitted_by() == ["person"]
