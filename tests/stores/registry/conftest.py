"""A register with one trusted sender."""

from collections.abc import Awaitable, Callable

import pytest

from core.clock import ManualClock
from core.database import Database
from core.signatures import Signer, verify
from registry.intake import Intake, Sender
from registry.notices import NOTICE_TYPE, RECEIPT_TYPE, OutcomeNotice, Receipt, encode, read_receipt

EXAM = Signer.fresh()
REGISTRY = Signer.fresh()

Receive = Callable[[OutcomeNotice], Awaitable[Receipt]]


def signed(notice: OutcomeNotice, signer: Signer = EXAM) -> str:
    return signer.sign(encode(notice), NOTICE_TYPE)


def opened(token: str) -> Receipt:
    """A receipt whose signature holds."""
    return read_receipt(verify(token, {REGISTRY.kid: REGISTRY.public}, RECEIPT_TYPE).payload)


@pytest.fixture
def intake(database: Database, clock: ManualClock) -> Intake:
    return Intake(database, {EXAM.kid: Sender("exam", EXAM.public)}, REGISTRY, clock)


@pytest.fixture
def receive(intake: Intake) -> Receive:
    """Send a notice in and read the receipt."""

    async def receive(notice: OutcomeNotice) -> Receipt:
        return opened(await intake.receive(signed(notice)))

    return receive
