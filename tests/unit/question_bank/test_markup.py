"""Rich text: what is allowed survives, what is not is named to its author and never reaches a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import AssetId
from question_bank.markup import (
    LONGEST_ALT,
    MOST_IMAGES,
    as_page,
    clean,
    find_assets,
    find_fault,
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
    "<form action=/login><input name=password></form>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<base href=//evil>",
]
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
        ("<table><tr><td>1</td></tr></table>", False, "Назовите таблицу"),
        (f"<p>{TABLE.removesuffix('</table>')}</p>", False, "Закройте таблицу"),
        ('<img data-asset="ekg-1">', False, "Опишите"),
        ('<img data-asset="ekg-1" alt=" ">', False, "Опишите"),
        ('<img alt="ЭКГ">', False, "data-asset"),
        ('<img data-asset="../../etc" alt="ЭКГ">', False, "data-asset"),
        ('<img src="https://example.org/a.png" alt="ЭКГ">', False, "src"),
        (f'<img data-asset="ekg-1" alt="{"я" * (LONGEST_ALT + 1)}">', False, "не длиннее"),
        ('<img data-asset="ekg-1" alt="ЭКГ">' * (MOST_IMAGES + 1), False, "не больше"),
        ("<p>a<!-- b --></p>", False, "комментарии"),
    ],
)
def test_a_fault_says_what_to_mend(text: str, inline: bool, words: str) -> None:
    fault = find_fault(text, inline=inline)
    assert fault is not None
    assert words in fault


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
