"""Texts and keys as Moodle has them: formats, fractions, feedback, categories."""

import pytest

from question_bank.drafts import Draft
from question_bank.exchange.entries import Remark
from question_bank.exchange.moodle_texts import (
    MoodleChoice,
    MoodleItem,
    MoodleText,
    TextFormat,
    category_tag,
    find_reason,
    make_draft,
)
from question_bank.items import Role


def plain(text: str) -> MoodleText:
    return MoodleText(text, "plain")


def draft_of(item: MoodleItem) -> tuple[Draft, list[str]]:
    remarks: list[Remark] = []
    draft = make_draft(item, None, lambda _: None, remarks)
    return draft, [remark.code for remark in remarks]


@pytest.mark.parametrize(
    ("percents", "reason"),
    [
        ((100, 0, 0), ""),
        ((100, -50), ""),
        ((0, 0), ""),
        ((100, 100), "several_keys"),
        ((50, 50, 0), "several_keys"),
        ((100, 25), "partial_credit"),
        ((), ""),
    ],
)
def test_one_full_answer_is_a_key(percents: tuple[float, ...], reason: str) -> None:
    choices = tuple(MoodleChoice(plain(str(percent)), percent) for percent in percents)
    item = MoodleItem(plain("?"), choices)
    assert find_reason(item) == reason
    if not reason:
        roles = [choice.role for choice in draft_of(item)[0].stages[0].choices]
        assert roles == [Role.KEY if percent == 100 else Role.DISTRACTOR for percent in percents]


@pytest.mark.parametrize(
    ("text", "format", "read"),
    [
        ("a < b &amp; c", "plain", "a < b &amp; c"),
        ("**a**", "markdown", "**a**"),
        ("<p>a</p><p>b &amp; c</p>", "html", "a\nb & c"),
        ("a < b", "moodle", "a < b"),
        ("a &lt; b", "moodle", "a < b"),
        ("a\nb", "moodle", "a\nb"),
        ("a<br>b\nc", "moodle", "a\nb\nc"),
    ],
)
def test_every_format_of_text_is_read(text: str, format: TextFormat, read: str) -> None:
    draft, _ = draft_of(MoodleItem(MoodleText(text, format), (MoodleChoice(plain("x"), 100),)))
    assert (draft.stem, draft.markup) == (read, "text")


def test_feedback_goes_to_the_explanation_with_the_words_of_its_option() -> None:
    choices = (
        MoodleChoice(plain("да"), 100, plain("Верно.")),
        MoodleChoice(plain("нет"), 0),
        MoodleChoice(plain("как знать"), 0, MoodleText("<b>Знать!</b>", "html")),
    )
    draft, codes = draft_of(MoodleItem(plain("?"), choices[:2], plain("Так.")))
    assert (draft.explanation, codes) == ("Так.\n«да»: Верно.", ["feedback"])
    draft, _ = draft_of(MoodleItem(plain("?"), choices))
    assert draft.explanation == "<p>«да»: Верно.</p><p>«как знать»: <strong>Знать!</strong></p>"


@pytest.mark.parametrize(
    ("category", "tag"),
    [
        ("$course$/top/Default for X", "Default for X"),
        ("$course$/Терапия/Сердце", "Терапия / Сердце"),
        ("$system$/top", ""),
        ("top/А", "А"),
        ("topology/А", "topology / А"),
        ("tom/dick/harry", "tom / dick / harry"),
        ("$course$/a//b/c", "a/b / c"),
        ("", ""),
    ],
)
def test_a_category_is_a_tag(category: str, tag: str) -> None:
    assert category_tag(category) == tag
