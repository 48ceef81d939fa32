"""Drafts of every shape that the bank keeps, for the round trips of formats."""

from hypothesis import strategies as st
from msgspec.structs import replace

from core.ids import ItemId
from core.moments import HOUR, SECOND
from question_bank.drafts import Defaults, Draft, DraftChoice, DraftStage, fill, make_item
from question_bank.exchange.entries import Leaving
from question_bank.faults import is_plain, refuse_unfit
from question_bank.forms import StageKind
from question_bank.items import Role
from question_bank.markup import clean

DEFAULTS = Defaults("31.05.01", "ЛД-01")
HARD = (*"';,\" АB1", "=1+1", "+7", "-5 °C", "@x", "''=", "\t=", "\r\n", "_x000D_", "<b>", "a\nb", '["')
"""What a table, a spreadsheet or a markup language would like to take for something else."""

texts = st.text(st.characters(exclude_categories=["Cs"]).filter(is_plain), max_size=40) | st.sampled_from(HARD)
words = texts.filter(lambda text: bool(text.strip()))
codes = st.from_regex(r"[A-Za-zА-Яа-я0-9][A-Za-zА-Яа-я0-9.\-]{0,12}", fullmatch=True)


@st.composite
def stages(draw: st.DrawFn, rich: bool) -> DraftStage:
    kind: StageKind = "actions" if draw(st.booleans()) else "choice"
    roles = (Role.KEY, Role.DISTRACTOR) if kind == "choice" else (Role.REQUIRED, Role.NEUTRAL, Role.HARMFUL)
    choices = draw(st.lists(st.builds(DraftChoice, _inline(rich), st.sampled_from(roles)), max_size=7))
    return DraftStage(
        tuple(choices),
        kind,
        draw(_block(rich)),
        draw(_block(rich)),
        kind == "actions" and draw(st.booleans()),
        draw(st.integers(1, 1_000)),
    )


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Fit, not necessarily ready: any number of options and keys, blank texts."""
    rich = draw(st.booleans())
    plain_choice = st.lists(
        st.builds(DraftChoice, _inline(rich), st.sampled_from((Role.KEY, Role.DISTRACTOR))), max_size=6
    ).map(lambda choices: (DraftStage(tuple(choices)),))
    return Draft(
        stem=draw(_block(rich)),
        stages=draw(plain_choice | st.lists(stages(rich), max_size=3).map(tuple)),
        explanation=draw(_block(rich)),
        sources=tuple(draw(st.lists(words, max_size=3))),
        markup="html" if rich else "text",
        speciality=draw(codes),
        requirement=draw(codes),
        level=draw(st.sampled_from(("recall", "application", "analysis"))),
        difficulty=draw(st.floats(0, 1, exclude_min=True, exclude_max=True, allow_subnormal=False)),
        limit=draw(st.integers(5 * SECOND, HOUR)),
        tags=tuple(draw(st.lists(words, max_size=3))),
        language=draw(st.sampled_from(("ru", "en"))),
        pool=draw(st.sampled_from(("exam", "practice"))),
    )


@st.composite
def leavings(draw: st.DrawFn) -> Leaving:
    number = draw(st.integers(1, 10**6))
    draft = draw(drafts())
    refuse_unfit(make_item(fill(draft, DEFAULTS), ItemId(f"i{number}"), 1))
    return Leaving(f"i{number}", 1, draft, {}, tuple(draw(st.lists(codes, max_size=2))))


def four_option(stem: str = "Вопрос?", key: int = 1) -> Draft:
    """A small ready item."""
    names = ("Первый", "Второй", "Третий", "Четвёртый")
    choices = (DraftChoice(name, Role.KEY if number == key else Role.DISTRACTOR) for number, name in enumerate(names))
    return replace(fill(Draft(stem, (DraftStage(tuple(choices)),)), DEFAULTS), level="recall")


def _block(rich: bool) -> st.SearchStrategy[str]:
    return texts.map(lambda text: clean(f"<p>{_plain(text)}</p>") if text else "") if rich else texts


def _inline(rich: bool) -> st.SearchStrategy[str]:
    return texts.map(lambda text: clean(f"{_plain(text)}<sub>2</sub>") if text else "") if rich else texts


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
