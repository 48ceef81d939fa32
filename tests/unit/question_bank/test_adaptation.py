"""HTML of others: what has a like here becomes it, what has none is named once, and the result is always fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.adaptation import LONGEST, adapt, as_html, unite
from question_bank.markup import MOST_IMAGES, clean, find_fault, read_plain


def name_of(attributes: dict[str, str]) -> str | None:
    return "pic-1" if attributes.get("src", "").endswith(".png") else attributes.get("data-asset")


@pytest.mark.parametrize(
    ("brought", "text"),
    [
        ("Простой  текст\n5 &lt; 7", "Простой текст 5 < 7"),
        ("<p>Один</p>\n<p>два &amp; три</p>", "Один\nдва & три"),
        ("<div><h2>Жалобы</h2><div>боль</div></div>", "Жалобы\nболь"),
        ("<span class='x'>5 < 7</span>", "5 < 7"),
        ("раз<br/>два<br>", "раз\nдва"),
        ("<pre>раз\n  два</pre>", "раз\nдва"),
        ("<p> </p><p>&nbsp;</p><b> </b>", "\xa0"),
        ("a<script>alert(1)</script><style>*{}</style>", "a"),
    ],
)
def test_where_nothing_rich_is_left_the_text_is_plain(brought: str, text: str) -> None:
    adapted = adapt(brought, inline=False, picture=name_of)
    assert (adapted.markup, adapted.text) == ("text", text)


@pytest.mark.parametrize(
    ("brought", "text"),
    [
        ("SaO<sub>2</sub> <b>низкая</b>, <i>да</i>", "<p>SaO<sub>2</sub> <strong>низкая</strong>, <em>да</em></p>"),
        ("<b>а </b>б<b> в</b>", "<p><strong>а</strong> б <strong>в</strong></p>"),
        ("<b><p>а</p><p>б</p></b>", "<p><strong>а</strong></p><p><strong>б</strong></p>"),
        ("до<ul><li><p>раз</p><li>два</ul>после", "<p>до</p><ul><li>раз</li><li>два</li></ul><p>после</p>"),
        (
            "<table><thead><tr><td>А</td></tr></thead><tr><td colspan=2 width=9>1<p>2</p></table>",
            '<table><thead><tr><th scope="col">А</th></tr></thead><tbody><tr><td colspan="2">1<br>2</td></tr></tbody>'
            "</table>",
        ),
        (
            '<img src="a.png" alt="ЭКГ &quot;II&quot;" width="3">',
            '<p><img data-asset="pic-1" alt="ЭКГ &quot;II&quot;"></p>',
        ),
        ('<object data="a.png" type="image/png">ЭКГ</object>', '<p><img data-asset="pic-1" alt="ЭКГ"></p>'),
        ("<m:math><m:mi>x</m:mi></m:math>", "<p><math><mi>x</mi></math></p>"),
        (
            "<math><mfenced open='['><mi>x</mi><mn>2</mn></mfenced></math>",
            "<p><math><mrow><mo>[</mo><mi>x</mi><mo>,</mo><mn>2</mn><mo>)</mo></mrow></math></p>",
        ),
        (
            "<math><mfrac><mi>a</mi><mi>b</mi><mi>c</mi></mfrac><msqrt>7</msqrt></math>",
            "<p><math><mfrac><mi>a</mi><mrow><mi>b</mi><mi>c</mi></mrow></mfrac><msqrt><mtext>7</mtext></msqrt></math></p>",
        ),
    ],
)
def test_what_has_a_like_here_becomes_it(brought: str, text: str) -> None:
    adapted = adapt(brought, inline=False, picture=name_of)
    assert (adapted.markup, adapted.text) == ("html", text)
    assert adapted.losses == ()


@pytest.mark.parametrize(
    ("brought", "text"),
    [
        ("<p>Да</p>", "Да"),
        ("<p>Да</p><p>нет</p>", "Да<br>нет"),
        ("<ul><li>Да</li><li>нет</li></ul>", "Да<br>нет"),
        ("<table><tr><td>А<td>1<tr><td>Б</table>", "А 1<br>Б"),
    ],
)
def test_an_option_is_lines_without_paragraphs(brought: str, text: str) -> None:
    assert adapt(brought, inline=True, picture=name_of).text == text


@pytest.mark.parametrize(
    ("brought", "words"),
    [
        ('<p style="color:red">a</p><p style="color:blue">b</p>', "style"),
        ('<a href="https://example.org">a</a><a href="/b">b</a>', "Ссылка"),
        ("<u>a</u><u>b</u>", "Подчёркивание"),
        ("<h1>a</h1><h1>b</h1>", "Заголовки"),
        ('<img src="b.gif" alt="лось">', "«лось»"),
        ("<video><source src=a></video>", "<video>"),
        ("<blink>a</blink><blink>b</blink>", "<blink>"),
        ("<math><semantics><mi>x</mi><annotation>x</annotation></semantics></math>", "annotation"),
        ("<math><mphantom><mi>x</mi></mphantom></math>", "формулы"),
        ("<math><menclose><mi>x</mi></menclose></math>", "<menclose>"),
    ],
)
def test_a_loss_is_named_once(brought: str, words: str) -> None:
    (loss,) = adapt(brought, inline=False, picture=name_of).losses
    assert words in loss


def test_a_lost_picture_leaves_its_words_and_there_are_not_too_many() -> None:
    assert adapt('см. <img src="b.gif" alt="лось">', inline=True, picture=name_of).text == "см. лось"
    many = adapt('<img src="a.png" alt="А">' * (MOST_IMAGES + 1), inline=False, picture=name_of)
    assert many.text.count("<img") == MOST_IMAGES
    assert len(many.losses) == 1


def test_a_text_without_end_is_not_looked_into() -> None:
    text = "<b>" * LONGEST
    assert adapt(text, inline=False, picture=name_of).text == text


def test_the_texts_of_an_item_are_in_one_markup() -> None:
    plain, rich = (adapt(text, inline=True, picture=name_of) for text in ("5 &lt; 7", "H<sub>2</sub>"))
    assert unite([plain, plain]) == ("text", ("5 < 7", "5 < 7"))
    assert unite([plain, rich]) == ("html", ("5 &lt; 7", "H<sub>2</sub>"))


def test_plain_text_becomes_html_that_reads_alike() -> None:
    assert as_html("5 < 7", inline=False) == "5 &lt; 7"
    assert as_html("раз\n\nдва", inline=False) == "<p>раз</p><p>два</p>"
    assert as_html("раз\nдва", inline=True) == "раз<br>два"


NAMES = (
    "p div b i u ul ol li table thead tbody tr td th caption img br pre a span sub h1 math mrow mi mo mn mtext mfrac"
    " msup mtable mtr mtd mfenced semantics annotation mphantom mmultiscripts mprescripts mglyph script svg style"
    " object select template"
)
TAGS = NAMES.split()
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS]),
    st.sampled_from([f"</{tag}>" for tag in TAGS]),
    st.sampled_from([f"<{tag}/>" for tag in TAGS]),
    st.sampled_from(['<img src="a.png" alt="А">', '<td colspan="3">', '<math display="block" href="x">', "<!-- -->"]),
    st.text(alphabet="аб <>&;\n\xa0\"'", max_size=6),
)


@given(st.lists(PIECES, max_size=14).map("".join), st.booleans())
def test_whatever_comes_the_result_is_fit_and_ours(brought: str, inline: bool) -> None:
    adapted = adapt(brought, inline=inline, picture=name_of)
    assert find_fault(adapted.html, inline=inline) is None
    assert clean(adapted.html) == adapted.html
    again = adapt(adapted.html, inline=inline, picture=name_of)
    assert again.losses == ()
    if adapted.markup == "html":
        assert adapted.text == adapted.html
        assert again.text == adapted.text
    else:
        assert again.text == adapted.text
        assert read_plain(adapted.html) == " ".join(adapted.text.split())


@pytest.mark.parametrize("begun", ["<img ", "<!--", "<b a=1 ", '<x a="', "<a href=", "<b a<"])
def test_tags_that_are_never_ended_are_text(begun: str) -> None:
    """Once each: by the square of their number they would take minutes."""
    many = begun * (100_000 // len(begun))
    made = adapt(many, inline=False, picture=lambda given: None)
    assert (made.markup, made.text) == ("text", many.strip())
