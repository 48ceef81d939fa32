"""Outcome notices on their way in: verified, kept, entered, answered with a signed receipt.

The same notice may come any number of times, from several sides at once, and in any order with others: it is
entered once, and every delivery gets the same receipt.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from core import journal
from core.clock import Clock
from core.database import Database
from core.errors import Conflict
from core.ids import RegisterNumber
from core.moments import Moment, to_datetime
from core.randomness import fresh_int
from core.signatures import PublicKey, Signer, verify
from registry import entries, numbers, store
from registry.entries import Entry
from registry.notices import (
    NOTICE_TYPE,
    RECEIPT_TYPE,
    Decision,
    Effect,
    OutcomeNotice,
    Receipt,
    encode,
    read_notice,
)

NumberSource = Callable[[], int]
"""Gives integers in [0, numbers.BODIES), each as likely as any other."""


class Sender(Struct, frozen=True):
    """Who may send outcomes: a lasting name, under which keys may change, and one of its keys."""

    name: str
    key: PublicKey


class Intake:
    """The register's side of the contract. `senders` are trusted keys by `kid`; `signer` signs receipts.

    Dates are counted in `zone`; `region` opens every register number.
    """

    def __init__(
        self,
        database: Database,
        senders: Mapping[str, Sender],
        signer: Signer,
        clock: Clock,
        *,
        zone: str = "Europe/Moscow",
        region: str = "77",
        number_source: NumberSource = lambda: fresh_int(numbers.BODIES),
    ) -> None:
        self._database = database
        self._senders = dict(senders)
        self._signer = signer
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._region = region
        self._number_source = number_source

    async def receive(self, token: str) -> str:
        """Take a notice (a compact JWS, `typ` NOTICE_TYPE); the receipt as a compact JWS, `typ` RECEIPT_TYPE.

        Has a transaction of its own: the receipt is true once it is returned. Raises Invalid (`signature_…`,
        `notice_…`), Conflict (`notice_conflict`: the key has stood for something else, and both are kept;
        `annuls_other`: what is annulled concerns somebody else) and Unavailable. A refusal enters nothing.
        """
        known = {kid: sender.key for kid, sender in self._senders.items()}
        verified = verify(token, known, NOTICE_TYPE)
        now = self._clock.now()
        notice = read_notice(verified.payload, self._today(now))
        sender = self._senders[verified.kid].name
        delivery = store.Delivery(sender, token, hashlib.sha256(verified.payload).digest(), now)
        async with self._database.transaction() as connection:
            receipt = await self._take(connection, delivery, notice)
        if receipt is None:
            raise Conflict(
                "notice_conflict",
                "Под этим ключом уже принято другое извещение. Отправьте новое под новым ключом.",
                fields={"key": "Ключ занят."},
            )
        return receipt

    async def _take(self, connection: AsyncConnection, delivery: store.Delivery, notice: OutcomeNotice) -> str | None:
        """The receipt, or None when the key has stood for another body: that is kept beside the first."""
        await store.lock_person(connection, delivery.sender, notice.person.reference, notice.speciality.code)
        if not await store.add_notice(connection, delivery, notice):
            if await store.notice_digest(connection, delivery.sender, notice.key) == delivery.digest:
                return await store.receipt(connection, delivery.sender, notice.key)
            await store.add_conflict(connection, delivery, notice.key)
            await self._note(connection, delivery, "registry.notice_conflicted", notice, {})
            return None
        effect, entry = await self._enter(connection, delivery, notice)
        receipt = Receipt(
            key=notice.key,
            digest=delivery.digest.hex(),
            received_at=delivery.received_at,
            effect=effect,
            number=entry.number if entry else None,
            valid_from=entry.valid_from if entry else None,
            valid_to=entry.valid_to if entry else None,
        )
        signed = self._signer.sign(encode(receipt), RECEIPT_TYPE)
        await store.add_receipt(connection, delivery.sender, notice.key, signed)
        await self._note(
            connection,
            delivery,
            "registry.notice_received",
            notice,
            {"effect": effect.value, "number": receipt.number or ""},
        )
        return signed

    async def _enter(
        self, connection: AsyncConnection, delivery: store.Delivery, notice: OutcomeNotice
    ) -> tuple[Effect, Entry | None]:
        """Do what the notice says; the effect, and the entry that it made or annulled."""
        about = (delivery.sender, notice.person.reference, notice.speciality.code)
        actor = f"sender:{delivery.sender}"
        if notice.decision is Decision.ANNULLED:
            await _check_annulled(connection, about, notice)
        if notice.decision is Decision.PASSED:
            await self._add_entry(connection, delivery, notice, actor)
        stored = await store.entries_of(connection, *about)
        changed = entries.settle(stored, await store.annulled_keys(connection, *about))
        for entry in changed:
            if not await store.change_entry(connection, entry, actor, delivery.received_at):
                raise Conflict("entry_changed", "Запись только что изменена. Отправьте извещение ещё раз.")
        by_key = {entry.key: entry for entry in (*stored, *changed)}
        if notice.decision is Decision.PASSED:
            entry = by_key[notice.key]
            standing = not entry.annulled and entry.superseded_by is None
            return (Effect.ENTERED if standing else Effect.OUTDATED), entry
        if notice.decision is Decision.FAILED or notice.annuls is None:
            return Effect.RECORDED, None
        if notice.annuls in by_key:
            return Effect.ANNULLED, by_key[notice.annuls]
        come = await store.notice_of(connection, delivery.sender, notice.annuls)
        return (Effect.AWAITED if come is None else Effect.RECORDED), None

    async def _add_entry(
        self, connection: AsyncConnection, delivery: store.Delivery, notice: OutcomeNotice, actor: str
    ) -> None:
        year = self._today(delivery.received_at).year
        while True:
            number = numbers.compose(self._region, year, self._number_source())
            entry = entries.enter(notice, RegisterNumber(number))
            if await store.add_entry(
                connection, entry, delivery.sender, notice.person.reference, actor, delivery.received_at
            ):
                return

    async def _note(
        self,
        connection: AsyncConnection,
        delivery: store.Delivery,
        action: str,
        notice: OutcomeNotice,
        fields: Mapping[str, str],
    ) -> None:
        await journal.record(
            connection,
            f"sender:{delivery.sender}",
            action,
            f"notice:{delivery.sender}:{notice.key}",
            {"decision": notice.decision.value, "digest": delivery.digest.hex(), **fields},
            delivery.received_at,
        )

    def _today(self, now: Moment) -> date:
        return to_datetime(now).astimezone(self._zone).date()


async def _check_annulled(connection: AsyncConnection, about: tuple[str, str, str], notice: OutcomeNotice) -> None:
    sender, person, speciality = about
    if notice.annuls is None:
        return
    named = await store.notice_of(connection, sender, notice.annuls)
    if named is not None and named[:2] != (person, speciality):
        raise Conflict(
            "annuls_other",
            "Аннулируемое извещение касается другого человека или другой специальности. Проверьте ключ.",
            fields={"annuls": "Проверьте ключ."},
        )
