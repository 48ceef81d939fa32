"""The way in: technical check, consent, identity. Only when all are settled may the sitting start."""

import asyncio
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.clock import Clock
from core.database import Database
from core.errors import Conflict, Invalid, TooMany, Unavailable
from core.ids import PersonId, SittingId
from core.moments import Moment, Span
from exam_server import store, timing
from exam_server.commands import Admit, WithdrawAdmission
from exam_server.conduct import Conduct
from exam_server.events import IdentityBy
from exam_server.sitting import Sitting, Status
from exam_server.store import unknown_sitting
from proctoring.store import Reference, withdraw_reference
from proctoring.turns import Turns
from question_bank.blueprint_store import load_blueprint
from question_bank.forms import Navigation

CONSENT_VERSION = "2026-1"
MOST_PICTURES = 20
"""Reference pictures of a sitting that are looked at, good ones or not: each costs a detector's time."""
MOST_CONSENTS = 20
"""How often consent to biometrics may be given for a sitting: each time stays in the journal. Refusing it is free."""
PATIENCE = 5.0
"""Seconds that a step waits for the log while it keeps others from the entrance, and a connection."""

Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
Pixels = Annotated[int, Meta(ge=0, le=20_000)]
Rate = Annotated[float, Meta(ge=0, le=100_000)]


class CameraReading(Struct, frozen=True, forbid_unknown_fields=True):
    width: Pixels
    height: Pixels
    label: Label


class ScreenReading(Struct, frozen=True, forbid_unknown_fields=True):
    width: Pixels
    height: Pixels


class Readings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the technical check measured on the candidate's device: Mbit/s, milliseconds, pixels."""

    camera: CameraReading
    screen: ScreenReading
    download_mbit: Rate
    upload_mbit: Rate
    latency_ms: Rate
    secure: bool
    storage: bool
    websocket: bool


class Consent(Struct, frozen=True, forbid_unknown_fields=True):
    """What the candidate agreed to. Biometrics may be refused at no cost: a person then checks the passport."""

    version: Literal["2026-1"]
    processing: bool
    biometrics: bool


class SectionCard(Struct, frozen=True):
    """A section as its candidate is told of it; `limit` is None where only the exam has one."""

    title: str
    count: int
    limit: Span | None


class EntranceView(Struct, frozen=True):
    """How far a candidate came, as the entrance pages show it. Spans in ms, moments in ms since the epoch."""

    sitting: SittingId
    title: str
    speciality: str
    items: int
    exam_limit: Span
    closes_at: Moment
    status: Status
    checked: bool
    consented: bool
    biometrics: bool | None
    referenced: bool
    admitted: bool
    pictures_left: int
    """How many more reference pictures are looked at."""
    identity_by_person_pending: bool
    navigation: Navigation
    flags: bool
    practice: bool
    available: Span
    """How long it will be for who begins now: less than `exam_limit` where the window closes sooner."""
    sections: tuple[SectionCard, ...] = ()
    notices: tuple[str, ...] = ()
    """What the proctor wrote and the candidate has not confirmed yet, the oldest first."""


class ReferenceTaker(Protocol):
    """Judges a reference picture, raising AccreditationError with what to do, and keeps it for the sitting."""

    async def judge_reference(self, jpeg: bytes) -> Reference: ...

    async def keep_reference(
        self, connection: AsyncConnection, sitting: SittingId, reference: Reference, jpeg: bytes, at: Moment
    ) -> None: ...


class Entrance:
    """The steps before the start, each repeatable until the sitting has begun."""

    def __init__(self, database: Database, clock: Clock, conduct: Conduct, observer: ReferenceTaker) -> None:
        self._database = database
        self._clock = clock
        self._conduct = conduct
        self._observer = observer
        self._turns = Turns()

    async def view(self, sitting_id: SittingId, candidate: PersonId) -> EntranceView:
        """Raises NotFound for a sitting that does not exist or is somebody else's."""
        sitting = await self._own(sitting_id, candidate)
        async with self._database.transaction() as connection:
            blueprint = await load_blueprint(connection, sitting.form.blueprint, sitting.form.blueprint_version)
            entrance = await store.load_entrance(connection, sitting_id)
            notes = await store.load_notes(connection, sitting_id) if sitting.unread else {}
        if sitting.status == "ready" and sitting.admitted is None and settled_by(entrance) is not None:
            await self._admit_when_complete(sitting_id)  # whoever had it to do has died meanwhile
            sitting = (await self._conduct.hold(sitting_id)).state
        exam_limit = timing.stretch(sitting, sitting.rules.exam_limit)
        return EntranceView(
            sitting=sitting_id,
            title=blueprint.title,
            speciality=blueprint.speciality_title,
            items=len(sitting.items),
            exam_limit=exam_limit,
            closes_at=timing.exam_deadline(sitting),
            status=sitting.status,
            checked=entrance.checked_at is not None,
            consented=entrance.consented_at is not None,
            biometrics=entrance.biometrics,
            referenced=entrance.referenced_at is not None,
            admitted=sitting.admitted is not None,
            pictures_left=max(0, MOST_PICTURES - entrance.pictures),
            identity_by_person_pending=entrance.biometrics is False and entrance.identified_at is None,
            navigation=sitting.rules.navigation,
            flags=sitting.rules.flags,
            practice=blueprint.practice,
            available=min(exam_limit, max(0, sitting.closes_at - self._clock.now())),
            sections=tuple(
                SectionCard(
                    section.title, rule.count, None if rule.limit is None else timing.stretch(sitting, rule.limit)
                )
                for section, rule in zip(blueprint.sections, sitting.rules.sections, strict=True)
            ),
            notices=tuple(notes[one.note].body for one in sitting.unread if one.note in notes),
        )

    async def record_check(self, sitting_id: SittingId, candidate: PersonId, readings: Readings) -> None:
        """Keep what was measured. Only a device on which the exam can't work at all is turned away."""
        await self._own_ready(sitting_id, candidate)
        problems = {}
        if readings.camera.width < 320 or readings.camera.height < 240:
            problems["camera"] = "Камера не найдена или её изображение слишком мало. Подключите другую камеру."
        if not readings.websocket:
            problems["websocket"] = "Постоянное соединение не открывается. Смените сеть или отключите прокси-сервер."
        if not readings.storage:
            problems["storage"] = "Браузер не хранит данные. Выйдите из приватного режима."
        if problems:
            raise Invalid("check_failed", "Устройство пока не готово. Исправьте отмеченное.", fields=problems)
        async with self._database.transaction() as connection:
            text = msgspec.json.encode(readings).decode()
            await store.record_check(connection, sitting_id, text, self._clock.now())
        await self._admit_when_complete(sitting_id)

    async def record_consent(self, sitting_id: SittingId, candidate: PersonId, consent: Consent) -> None:
        """Raises Invalid when the processing of personal data was not agreed to, and TooMany (`too_many_consents`) for
        biometrics agreed to once more after they were refused as often as may be. Saying the same again does nothing.
        """
        await self._own_ready(sitting_id, candidate)
        if not consent.processing:
            raise Invalid(
                "consent_needed",
                "Без согласия на обработку персональных данных и наблюдение тестирование невозможно.",
                fields={"processing": "Поставьте отметку, если согласны."},
            )
        at = self._clock.now()
        async with self._turns.of(sitting_id), self._database.transaction() as connection:
            before = await store.lock_entrance(connection, sitting_id)
            if (before.consent_version, before.biometrics) != (consent.version, consent.biometrics):
                _require_consents_left(before, consent)
                if before.biometrics is not None:
                    await self._withdraw_admission(sitting_id)
                await _record_consent(connection, sitting_id, candidate, consent, at)
        await self._admit_when_complete(sitting_id)

    async def _withdraw_admission(self, sitting_id: SittingId) -> None:
        """Before anything that it rests upon is gone: the exam may be beginning just now, in another tab."""
        async with asyncio.timeout(PATIENCE):
            await self._conduct.renew(await self._conduct.hold(sitting_id))  # another process may have admitted
            await self._conduct.order(sitting_id, WithdrawAdmission())
            _require_ready((await self._conduct.hold(sitting_id)).state)

    async def take_reference(self, sitting_id: SittingId, candidate: PersonId, jpeg: bytes) -> None:
        """Judge and keep the reference picture. Raises AccreditationError saying how to take a better one, and TooMany
        (`too_many_pictures`) once as many as may be were looked at."""
        await self._own_ready(sitting_id, candidate)
        async with self._database.transaction() as connection:
            _require_biometrics(await store.load_entrance(connection, sitting_id))
            if not await store.count_picture(connection, sitting_id, MOST_PICTURES):
                raise TooMany(
                    "too_many_pictures",
                    "Больше фото отправить нельзя. Нажмите «Подтвердить личность паспортом по камере»"
                    " и дождитесь проктора: он посмотрит на вас и на паспорт.",
                )
        try:
            reference = await self._observer.judge_reference(jpeg)
            # Meanwhile the exam may have begun, or consent been taken back, in another tab.
            await self._own_ready(sitting_id, candidate)
            at = self._clock.now()
            async with self._database.transaction() as connection:
                _require_biometrics(await store.lock_entrance(connection, sitting_id))
                await self._observer.keep_reference(connection, sitting_id, reference, jpeg, at)
                await store.record_reference(connection, sitting_id, at)
        except Unavailable:
            async with self._database.transaction() as connection:
                await store.uncount_picture(connection, sitting_id)
            raise
        await self._admit_when_complete(sitting_id)

    async def confirm_identity(self, sitting_id: SittingId, by: PersonId) -> None:
        """A proctor has compared the passport with the face over the camera."""
        held = await self._conduct.hold(sitting_id)
        if by == held.state.candidate:
            raise Conflict("own_sitting", "Подтвердить собственную личность нельзя.")
        at = self._clock.now()
        async with self._database.transaction() as connection:
            entrance = await store.load_entrance(connection, sitting_id)
            if entrance.consented_at is None or entrance.biometrics:
                raise Conflict("not_asked", "Кандидат не просил о проверке паспорта.")
            await store.record_identity(connection, sitting_id, by, at)
            await journal.record(connection, f"person:{by}", "identity.confirmed", f"sitting:{sitting_id}", {}, at)
        await self._admit_when_complete(sitting_id)

    async def _own_ready(self, sitting_id: SittingId, candidate: PersonId) -> None:
        _require_ready(await self._own(sitting_id, candidate))

    async def _own(self, sitting_id: SittingId, candidate: PersonId) -> Sitting:
        """Raises NotFound before anything is loaded for somebody whose sitting it is not, or not yet."""
        async with self._database.transaction() as connection:
            card = await store.load_card(connection, sitting_id)
        if card.candidate != candidate or card.entered_at is None:
            raise unknown_sitting()
        return (await self._conduct.hold(sitting_id)).state

    async def _admit_when_complete(self, sitting_id: SittingId) -> None:
        """While it is locked nobody takes back what the admission rests upon, in another process either."""
        async with self._turns.of(sitting_id), self._database.transaction() as connection:
            by = settled_by(await store.lock_entrance(connection, sitting_id))
            if by is not None:
                async with asyncio.timeout(PATIENCE):
                    await self._conduct.order(sitting_id, Admit(by))


async def _record_consent(
    connection: AsyncConnection, sitting_id: SittingId, candidate: PersonId, consent: Consent, at: Moment
) -> None:
    await store.record_consent(connection, sitting_id, consent.version, consent.biometrics, at)
    if not consent.biometrics:
        await withdraw_reference(connection, sitting_id, at)
    await journal.record(
        connection,
        f"person:{candidate}",
        "consent.given",
        f"sitting:{sitting_id}",
        {"version": consent.version, "biometrics": str(consent.biometrics).lower()},
        at,
    )


def _require_ready(sitting: Sitting) -> None:
    if sitting.status != "ready":
        raise Conflict("already_started", "Тестирование уже началось, эти шаги пройдены.")


def _require_consents_left(entrance: store.Entrance, consent: Consent) -> None:
    if consent.biometrics and entrance.consents >= MOST_CONSENTS:
        raise TooMany(
            "too_many_consents",
            "Вы слишком часто меняли решение о биометрии. Выберите «Подтвердить личность паспортом по камере»"
            " и дождитесь проктора: он посмотрит на вас и на паспорт.",
        )


def _require_biometrics(entrance: store.Entrance) -> None:
    if not entrance.biometrics:
        raise Conflict("no_biometrics", "Вы не давали согласия на сравнение лица. Личность проверит проктор.")


def settled_by(entrance: store.Entrance) -> IdentityBy | None:
    """How identity was settled, once check and consent are there too; None while something is missing."""
    if entrance.checked_at is None or entrance.consented_at is None:
        return None
    if entrance.biometrics:
        return "biometrics" if entrance.referenced_at is not None else None
    return "person" if entrance.identified_at is not None else None
