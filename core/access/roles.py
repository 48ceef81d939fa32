"""Who may do what. Pure: a table of roles and what each of them is allowed."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from core.ids import PersonId


class Role(StrEnum):
    """What a person is to the platform; one person may be several things."""

    CANDIDATE = "candidate"
    METHODOLOGIST = "methodologist"
    COMMISSION = "commission"
    COMMISSION_CHAIR = "commission_chair"
    COMMISSION_SECRETARY = "commission_secretary"
    APPEAL_COMMISSION = "appeal_commission"
    PROCTOR = "proctor"
    REGISTER_KEEPER = "register_keeper"
    EMPLOYER = "employer"
    INSPECTOR = "inspector"
    OPERATOR = "operator"


class Permission(StrEnum):
    """One thing that a page or an action asks for."""

    EXAM_TAKE = "exam.take"
    CABINET_OWN = "cabinet.own"
    BANK_READ = "bank.read"
    BANK_EDIT = "bank.edit"
    BANK_APPROVE = "bank.approve"
    PLANNING_EDIT = "planning.edit"
    ANALYSIS_READ = "analysis.read"
    SITTING_READ = "sitting.read"
    EVIDENCE_READ = "evidence.read"
    PROCTOR_WATCH = "proctor.watch"
    PROCTOR_ACT = "proctor.act"
    REVIEW_READ = "review.read"
    REVIEW_DECIDE = "review.decide"
    PROTOCOL_READ = "protocol.read"
    PROTOCOL_SIGN = "protocol.sign"
    APPEAL_DECIDE = "appeal.decide"
    REGISTER_READ = "register.read"
    REGISTER_KEEP = "register.keep"
    REGISTER_CHECK = "register.check"
    JOURNAL_READ = "journal.read"
    PEOPLE_MANAGE = "people.manage"
    OPERATE = "operate"


_REVIEW = frozenset(
    {
        Permission.SITTING_READ,
        Permission.EVIDENCE_READ,
        Permission.REVIEW_READ,
        Permission.REVIEW_DECIDE,
        Permission.PROTOCOL_READ,
    }
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CANDIDATE: frozenset({Permission.EXAM_TAKE, Permission.CABINET_OWN}),
    Role.METHODOLOGIST: frozenset(
        {
            Permission.BANK_READ,
            Permission.BANK_EDIT,
            Permission.BANK_APPROVE,
            Permission.PLANNING_EDIT,
            Permission.ANALYSIS_READ,
        }
    ),
    Role.COMMISSION: _REVIEW,
    Role.COMMISSION_CHAIR: _REVIEW | {Permission.PROTOCOL_SIGN, Permission.ANALYSIS_READ},
    Role.COMMISSION_SECRETARY: _REVIEW | {Permission.PROTOCOL_SIGN, Permission.PLANNING_EDIT},
    Role.APPEAL_COMMISSION: frozenset(
        {
            Permission.SITTING_READ,
            Permission.EVIDENCE_READ,
            Permission.REVIEW_READ,
            Permission.PROTOCOL_READ,
            Permission.APPEAL_DECIDE,
        }
    ),
    Role.PROCTOR: frozenset({Permission.PROCTOR_WATCH, Permission.PROCTOR_ACT}),
    Role.REGISTER_KEEPER: frozenset({Permission.REGISTER_READ, Permission.REGISTER_KEEP, Permission.REGISTER_CHECK}),
    Role.EMPLOYER: frozenset({Permission.REGISTER_CHECK}),
    Role.INSPECTOR: frozenset({Permission.REGISTER_CHECK, Permission.REGISTER_READ}),
    # Runs the machine, and for that very reason sees neither the bank nor what cameras recorded.
    Role.OPERATOR: frozenset(
        {
            Permission.OPERATE,
            Permission.PEOPLE_MANAGE,
            Permission.PLANNING_EDIT,
            Permission.SITTING_READ,
            Permission.JOURNAL_READ,
        }
    ),
}


class Principal(msgspec.Struct, frozen=True):
    """Who is asking: the person that a login belongs to."""

    id: PersonId
    login: str
    name: str
    """«Фамилия Имя Отчество»."""
    roles: frozenset[Role]
    zone: str = "Europe/Moscow"
    password_given: bool = False
    """Somebody else chose the password: the person is to choose another before anything but an exam."""

    def may(self, permission: Permission) -> bool:
        """Whether any of the person's roles allows it."""
        return any(permission in PERMISSIONS[role] for role in self.roles)

    @property
    def permissions(self) -> frozenset[Permission]:
        return frozenset().union(*(PERMISSIONS[role] for role in self.roles))


def known_roles(names: Iterable[str]) -> frozenset[Role]:
    """Stored role names as roles; a name of another release grants nothing."""
    names = set(names)
    return frozenset(role for role in Role if role.value in names)
