"""Rich text: what is allowed survives, what is not is named to its author and never reaches a page."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import AssetId
from question_bank.formulas import DEEPEST, FORMULA
from question_bank.markup import (
    BLOCKS,
    INLINE,
    LONGEST_ALT,
    MOST_IMAGES,
    as_page,
    clean,
    find_assets,
    find_fault,
    find_lack,
    is_asset_id,
    read_plain,
    set_sizes,
)

TABLE = (
    '<table><caption>Анализ крови</caption><thead><tr><th scope="col">Показатель</th>'
    '<th scope="col">Значение</th></tr>'
    '</thead><tbody><tr><th scope="row">Гемоглобин</th><td>92 г/л</td></tr></tbody></table>'
)
RICH = (
    "<p>Уровень Na<sup>+</sup> и H<sub>2</sub>O <em>важен</em>, <strong>срочно</strong>.</p>"
    f'<ul><li>раз</li><li>два</li></ul>{TABLE}<img data-asset="ekg-1" alt="ЭКГ &quot;II&quot;">'
)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<p onclick=alert(1)>x</p>",
    "<svg onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe src=//evil></iframe>",
    "<style>*{display:none}</style>",
    "<p style=position:fixed>x</p>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><p><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<math><mi><svg><style><img src=x onerror=alert(1)></style></svg></mi></math>",
    "<math><a xlink:href=javascript:alert(1)>x</a></math>",
    "<math href=javascript:alert(1)><mi>x</mi></math>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)><mi>x</mi></maction></math>",
    "<math><mi style=position:fixed class=x id=y onclick=alert(1)>x</mi></math>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<table><math><mi><tr><td><style><img src=x onerror=alert(1)>",
    "<form action=/login><input name=password></form>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<base href=//evil>",
    "<p title=onerror>x</p>",
    "<p lang=onerror>x</p>",
]
FOREIGN = {"style", "svg", "mglyph", "malignmark", "annotation-xml", "form", "select", "template", "foreignObject"}
TAG = re.compile(r"<(/?[a-z0-9-]+)")
FORBIDDEN = ("<script", "onerror", "onclick", "onload", "javascript:", "<iframe", "<style", "style=", "<svg", "<form")


def test_what_is_allowed_survives_word_for_word() -> None:
    assert clean(RICH) == RICH
    assert find_fault(RICH, inline=False) is None
    assert find_fault("H<sub>2</sub>SO<sub>4</sub>, 5 &lt; 7", inline=True) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_is_a_fault_and_reaches_no_page(text: str) -> None:
    assert find_fault(text, inline=False) is not None
    for shown in (clean(text), as_page(text, lambda asset: f"/media/{asset}")):
        assert not any(word in shown.lower() for word in FORBIDDEN), shown


FORMULA_TEXT = (
    '<p>SaO<sub>2</sub>: <math display="block" alttext="доля"><msub><mi>S</mi><mtext>aO</mtext></msub><mo>=</mo>'
    '<mfrac linethickness="1px"><mi mathvariant="normal">Hb</mi><msqrt><mn>2</mn></msqrt></mfrac></math></p>'
)
PIECES = st.sampled_from(
    [f"<{slash}{tag}>" for slash in ("", "/") for tag in sorted(FORMULA | INLINE | BLOCKS | FOREIGN)]
) | st.sampled_from(["x", "&lt;", "<!--", "-->", "<mi/>", " "])


def test_a_formula_survives_word_for_word() -> None:
    assert clean(FORMULA_TEXT) == FORMULA_TEXT
    assert find_fault(FORMULA_TEXT, inline=False) is None
    said = ' alttext="доля" role="math" aria-label="доля">'
    assert as_page(FORMULA_TEXT, lambda asset: None) == FORMULA_TEXT.replace(' alttext="доля">', said)
    assert read_plain(FORMULA_TEXT) == "SaO2: доля"


@settings(max_examples=600)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_meeting_of_formulas_and_html_deceives_the_cleaner(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    for formula in once.split("<math>")[1:]:
        inside = formula.split("</math>")[0]
        assert {tag.strip("/") for tag in TAG.findall(inside)} <= FORMULA


@given(
    st.text(alphabet=st.sampled_from(list("<>/\"'=& abcdehimnoprstvyxz-!&;")), max_size=60) | st.sampled_from(HOSTILE)
)
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(word in once.lower() for word in ("<script", "<svg", "<iframe", "<style"))


@pytest.mark.parametrize(
    ("text", "inline", "words"),
    [
        ("<p>абзац</p>", True, "<p>"),
        (f"<p>{TABLE.removesuffix('</table>')}</p>", False, "Закройте таблицу"),
        ('<img alt="ЭКГ">', False, "data-asset"),
        ('<img data-asset="../../etc" alt="ЭКГ">', False, "data-asset"),
        ('<img src="https://example.org/a.png" alt="ЭКГ">', False, "src"),
        (f'<img data-asset="ekg-1" alt="{"я" * (LONGEST_ALT + 1)}">', False, "не длиннее"),
        ('<img data-asset="ekg-1" alt="ЭКГ">' * (MOST_IMAGES + 1), False, "не больше"),
        ("<p>a<!-- b --></p>", False, "комментарии"),
        ("<mi>x</mi>", True, "начинается с <math>"),
        ("<math><math></math></math>", True, "другой формулы"),
        ("<math><mi>x</mi>", True, "Закройте <math>"),
        ("<math><mi>x</mrow></math>", True, "Закройте <mi>"),
        ("<math>x</math>", True, "внутри <mi>"),
        ("<math><mi>x<strong>y</strong></mi></math>", True, "<strong>"),
        ("<math><mi>x<mn>1</mn></mi></math>", True, "только знаки"),
        ("<math><mfrac><mn>1</mn></mfrac></math>", True, "частей: 2"),
        ("<math><mtd><mn>1</mn></mtd></math>", True, "<mtr>"),
        ('<math href="x"><mi>x</mi></math>', True, "href"),
        ('<math><mspace width="-9em"></mspace></math>', True, "исправьте width"),
        ("<math><semantics><mi>x</mi></semantics></math>", True, "<semantics>"),
        ("<math><mfenced><mi>x</mi></mfenced></math>", True, "скобки"),
        ("<math>" + "<mrow>" * DEEPEST + "</mrow>" * DEEPEST + "</math>", True, "слишком сложна"),
    ],
)
def test_a_fault_says_what_to_mend(text: str, inline: bool, words: str) -> None:
    fault = find_fault(text, inline=inline)
    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<table><tr><td>1</td></tr></table>", "Назовите таблицу"),
        ('<img data-asset="ekg-1">', "Опишите"),
        ('<img data-asset="ekg-1" alt=" ">', "Опишите"),
    ],
)
def test_what_a_reader_lacks_is_no_fault_but_is_told(text: str, words: str) -> None:
    assert find_fault(text, inline=False) is None
    lack = find_lack(text)
    assert lack is not None
    assert words in lack
    assert find_lack(RICH) is None


def test_pictures_are_found_once_and_get_their_sizes() -> None:
    text = clean(
        '<p><img alt="А" data-asset="ekg-1">, <img data-asset="x-2" alt="Б" width="9"></p>'
        '<img data-asset="ekg-1" alt="В">'
    )
    assert find_assets(text) == ("ekg-1", "x-2")
    sized = set_sizes(text, {AssetId("ekg-1"): (640, 240), AssetId("x-2"): (10, 20)})
    assert sized.count('width="640" height="240"') == 2
    assert 'alt="Б" width="10" height="20"' in sized
    assert clean(sized) == sized
    assert set_sizes(sized, {AssetId("ekg-1"): (640, 240), AssetId("x-2"): (10, 20)}) == sized
    with pytest.raises(KeyError):
        set_sizes(text, {})


def test_words_are_read_without_the_markup() -> None:
    assert read_plain(RICH) == (
        'Уровень Na+ и H2O важен, срочно. раз два Анализ крови Показатель Значение Гемоглобин 92 г/л ЭКГ "II"'
    )
    assert read_plain("5 &lt; 7") == "5 < 7"


def test_a_page_gets_addresses_and_tables_that_scroll() -> None:
    page = as_page(RICH, lambda asset: f"/media/{asset}?a=1&b=2")
    assert 'src="/media/ekg-1?a=1&amp;b=2"' in page
    assert '<div class="rich__table" tabindex="0" role="region" aria-label="Анализ крови"><table>' in page
    assert page.count("</table></div>") == 1
    nowhere = as_page(RICH, lambda asset: None)
    assert "<img" not in nowhere
    assert "ЭКГ" in nowhere


@pytest.mark.parametrize(
    ("text", "fits"), [("ekg-1", True), ("a", False), ("Ekg", False), ("a/b", False), ("эк", False)]
)
def test_ids_of_assets_are_plain(text: str, fits: bool) -> None:
    assert is_asset_id(text) is fits


@pytest.mark.parametrize(
    "begun", ["<!--", "<!", "<math>", "<b a=1 ", '<x a="', "<a href=", "<img data-asset='", "<![CDATA[", "<b<"]
)
def test_what_is_begun_and_never_ended_takes_no_longer_than_it_is_long(begun: str) -> None:
    # By the square of their number these would take hours.
    many = begun * 400_000
    assert len(read_plain(many)) <= len(many)
    assert find_fault(many, inline=False) is not None
    assert find_lack(many) is None


def test_a_tag_that_is_not_ended_is_a_fault_and_a_sign_is_a_sign() -> None:
    assert find_fault("p < 0,05 и p <0,05, a<b", inline=True) is not None, "what cleaning drops is told"
    assert find_fault("p < 0,05 и p <0,05", inline=True) is None
    assert clean("p < 0,05 и p <0,05") == "p &lt; 0,05 и p &lt;0,05"
    assert find_fault('<img data-asset="ekg-1" alt="p < 0,05 > 0,01">', inline=True) is None
