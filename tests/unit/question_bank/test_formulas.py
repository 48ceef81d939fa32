"""Formulas: attributes are bounded, and one that cannot be drawn is still read."""

import pytest

from question_bank.formulas import BroughtFormula, read_formula, takes


@pytest.mark.parametrize(
    ("tag", "attribute", "value", "fits"),
    [
        ("math", "display", "block", True),
        ("math", "display", "none", False),
        ("math", "href", "x", False),
        ("mspace", "width", "0.5em", True),
        ("mspace", "width", "10em", False),
        ("mfrac", "linethickness", "0", True),
        ("mo", "stretchy", "false", True),
        ("mi", "mathvariant", "normal", True),
        ("mi", "mathcolor", "red", False),
        ("mi", "style", "x", False),
    ],
)
def test_attributes_have_bounds(tag: str, attribute: str, value: str, fits: bool) -> None:
    assert takes(tag, attribute, value) is fits


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        ("<mi>x</mi><mo>=</mo><mfrac><mrow><mn>2</mn><mo>+</mo><mi>y</mi></mrow><mn>3</mn></mfrac>", "x = (2 + y)/3"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>-</mo><msqrt><mn>7</mn></msqrt>", "x^2 - √7"),
        ("<msub><mi>SaO</mi><mn>2</mn></msub>", "SaO2"),
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "xi^2"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "3√x"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "1 2"),
        ("<mn>5</mn><mspace width='1em'></mspace><mtext>мл &amp; г</mtext>", "5 мл & г"),
    ],
)
def test_a_formula_is_read_in_a_line(formula: str, line: str) -> None:
    assert read_formula(f"<math>{formula}</math>") == line


def test_the_words_of_its_author_come_first() -> None:
    assert read_formula('<math alttext=" икс  в квадрате"><mi>x</mi></math>') == "икс в квадрате"


def test_a_formula_of_others_is_closed_and_given_the_parts_it_needs() -> None:
    formula = BroughtFormula({"display": "block", "xmlns": "http://www.w3.org/1998/Math/MathML"})
    formula.begin("mfrac", {})
    formula.begin("mi", {"mathvariant": "bold"})
    formula.say(" x ")
    assert formula.end() == '<math display="block"><mfrac><mi>x</mi><mrow></mrow></mfrac></math>'
    assert BroughtFormula({}).end() == ""
