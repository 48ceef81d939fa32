"""A candidate at the door of one sitting: fakes for the tests of the exam pages."""

from starlette.types import ASGIApp, Receive, Scope, Send

from core.access import Principal, Role
from core.errors import AccreditationError, NotFound
from core.ids import BookingId, PersonId, SittingId
from exam_server.entrance import Consent, EntranceView, Readings, SectionCard
from exam_server.waiting import Wait

SECRET = b"a secret of the tests, 32 bytes."
KEY = "login-7"
SITTING = SittingId(41)
CANDIDATE = Principal(PersonId(7), "kandidat", "Соколова <Анна>", frozenset({Role.CANDIDATE}), zone="Asia/Yakutsk")

VIEW = EntranceView(
    sitting=SITTING,
    title="Экзамен </script><b>",
    speciality="Лечебное дело",
    items=20,
    exam_limit=1_800_000,
    closes_at=1_795_347_000_000,
    status="ready",
    checked=False,
    consented=False,
    biometrics=None,
    referenced=False,
    admitted=False,
    pictures_left=20,
    identity_by_person_pending=False,
    navigation="free",
    flags=True,
    practice=False,
    available=1_800_000,
    sections=(SectionCard("Терапия", 12, 900_000),),
)


BOOKING = BookingId(7)
PREPARED = SittingId(43)
WAIT = Wait(
    booking=BOOKING,
    state="waiting",
    title="Экзамен </script><b>",
    speciality="Лечебное дело",
    place="",
    opens_at=1_795_300_000_000,
    closes_at=1_795_347_000_000,
    now=1_795_290_000_000,
    practice=False,
)


class FakeWaiting:
    """One booking of one candidate, with a form prepared that nobody but the server knows of."""

    def __init__(self) -> None:
        self.now_is = WAIT

    async def view(self, booking_id: BookingId, candidate: Principal) -> Wait:
        if booking_id != BOOKING or candidate.id != CANDIDATE.id:
            raise NotFound("unknown_booking", "Такой записи нет.")
        return self.now_is

    async def find_booking(self, sitting: SittingId, candidate: PersonId) -> BookingId:
        if sitting != PREPARED or candidate != CANDIDATE.id:
            raise NotFound("unknown_sitting", "Такого тестирования нет.")
        return BOOKING


class FakeEntrance:
    """One sitting of one candidate, and what was recorded for it."""

    def __init__(self) -> None:
        self.now_is = VIEW
        self.recorded: list[object] = []
        self.refusal: AccreditationError | None = None

    async def view(self, sitting_id: SittingId, candidate: PersonId) -> EntranceView:
        if sitting_id != SITTING or candidate != CANDIDATE.id:
            raise NotFound("unknown_sitting", "Такого тестирования нет.")
        return self.now_is

    async def record_check(self, sitting_id: SittingId, candidate: PersonId, readings: Readings) -> None:
        await self._record(sitting_id, candidate, readings)

    async def record_consent(self, sitting_id: SittingId, candidate: PersonId, consent: Consent) -> None:
        await self._record(sitting_id, candidate, consent)

    async def take_reference(self, sitting_id: SittingId, candidate: PersonId, jpeg: bytes) -> None:
        await self._record(sitting_id, candidate, jpeg)

    async def _record(self, sitting_id: SittingId, candidate: PersonId, what: object) -> None:
        await self.view(sitting_id, candidate)
        if self.refusal is not None:
            raise self.refusal
        self.recorded.append(what)


class Door:
    """Stands for the login layer: everybody is `who`, nobody when that is None."""

    who: Principal | None = CANDIDATE

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(principal=Door.who, login_key=KEY, login_unknown=False)
        await self.app(scope, receive, send)
