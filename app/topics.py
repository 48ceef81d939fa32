"""Who receives what from the outbox: here the floors above and beside each other are joined."""

from collections.abc import Mapping

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from core import blobs as files
from core import journal
from core.blobs import Blobs
from core.outbox import Handler, Message
from core.signatures import PublicKey, Signer, verify
from exam_server import conclusion
from exam_server.conclusion import OutcomeFact, record_receipt
from registry import notices
from registry.intake import Intake
from registry.notices import Decision, Kind, OutcomeNotice, Person, Speciality, Term

TERM = Term(years=5)
"""How long an accreditation is asked for: five years at most."""


def join_topics(intake: Intake, register: PublicKey, signer: Signer, blobs: Blobs) -> Mapping[str, Handler]:
    """Handlers by topic. `register` is the key that receipts are signed with, `signer` the platform's own."""

    async def notify_register(connection: AsyncConnection, message: Message) -> None:
        """Sign the outcome, hand it to the register, keep its signed receipt with the sitting.

        The register commits on its own. If this transaction fails afterwards, the notice goes out again and the
        same receipt comes back.
        """
        fact = msgspec.json.decode(message.body, type=OutcomeFact)
        token = signer.sign(notices.encode(state_outcome(fact)), notices.NOTICE_TYPE)
        signed = await intake.receive(token)
        receipt = notices.read_receipt(verify(signed, {register.kid: register}, notices.RECEIPT_TYPE).payload)
        await record_receipt(connection, fact.sitting, receipt.number, signed)

    return {
        journal.TOPIC: journal.append,
        files.TOPIC: blobs.remove_files,
        files.DISCARDED: blobs.remove_file,
        conclusion.TOPIC: notify_register,
    }


def state_outcome(fact: OutcomeFact) -> OutcomeNotice:
    """An outcome in the register's words: no score, no speed."""
    return OutcomeNotice(
        key=f"sitting:{fact.sitting}",
        sequence=fact.sitting,
        person=Person(reference=f"person:{fact.candidate}", name=fact.name),
        speciality=Speciality(fact.speciality, fact.speciality_title),
        kind=Kind(fact.accreditation),
        decision=Decision.PASSED if fact.passed else Decision.FAILED,
        decided_on=fact.decided_on,
        basis=fact.basis,
        term=TERM if fact.passed else None,
    )
