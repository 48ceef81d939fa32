"""Specialities and the professional requirements that items are written to. Pure."""

from msgspec import Struct

from core.moments import Moment


class Speciality(Struct, frozen=True):
    code: str
    title: str


class Requirement(Struct, frozen=True):
    """One line of the register of professional requirements; every item names one."""

    code: str
    speciality: str
    title: str
    section: str = ""
    """Title of the part of the speciality's register in which it stands."""
    repealed_at: Moment | None = None
