"""Requirements are keyed by speciality and code."""

from question_bank.requirements import Requirement, Speciality


def test_they_are_values() -> None:
    assert Speciality("31.05.01", "Лечебное дело") == Speciality("31.05.01", "Лечебное дело")
    assert len({Requirement("ЛД-01", "31.05.01", "А"), Requirement("ЛД-01", "31.05.02", "А")}) == 2
