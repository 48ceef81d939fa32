"""Cleaned texts in a real parser: whatever a stranger writes, a browser makes of them only what is allowed.

Cleaners have been deceived where HTML and MathML meet: what was harmless when it was cleaned was read otherwise by the
browser. So its own parser has the last word.
"""

from random import Random

from playwright.async_api import Page

from question_bank.formulas import FORMULA
from question_bank.markup import ATTRIBUTES, BLOCKS, INLINE, as_page, clean

TEXTS = 6_000
ALLOWED = INLINE | BLOCKS | FORMULA
FOREIGN = (
    "style svg mglyph malignmark annotation-xml semantics form select option template foreignObject desc title textarea"
    " noscript iframe script plaintext xmp noembed frameset button a b i font nobr div h1 image"
)
PIECES = [f"<{slash}{tag}>" for tag in sorted(ALLOWED) + FOREIGN.split() for slash in ("", "/")] + [
    "<img src=x onerror=fire()>",
    '<img title="--&gt;&lt;img src=1 onerror=fire()&gt;" data-asset=xx alt="</style><img src=x onerror=fire()>">',
    '<math alttext="</math><img src=x onerror=fire()>">',
    '<annotation-xml encoding="text/html">',
    '<a id="</style><img src onerror=fire()>">',
    "&lt;img src=x onerror=fire()&gt;",
    *("<!--", "-->", "<![CDATA[", "]]>", "x", "<mtext/>", "<mi/>", "<br/>"),
]
READ = """({texts, allowed, names, formula}) => {
    const strange = [];
    for (const text of texts) {
        const place = document.createElement("div");
        place.innerHTML = text;
        for (const root of [place, new DOMParser().parseFromString(text, "text/html").body]) {
            const odd = [...root.querySelectorAll("*")].find(one =>
                !allowed.includes(one.localName) || one.getAttributeNames().some(name => !names.includes(name))
                || formula.includes(one.localName) !== (one.namespaceURI === "http://www.w3.org/1998/Math/MathML"));
            if (odd) {
                strange.push([text, odd.localName, odd.getAttributeNames()]);
            }
        }
    }
    return strange;
}"""


async def test_a_browser_makes_of_a_cleaned_text_only_what_is_allowed(page: Page) -> None:
    chance = Random(7)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(2, 14))) for _ in range(TEXTS)]
    own = {name for names in ATTRIBUTES.values() for name in names}
    added = {"src", "loading", "class", "tabindex", "role", "aria-label"}
    for shown, tags, names in (
        ([clean(text) for text in texts], ALLOWED, own),
        ([as_page(text, lambda asset: f"/media/{asset}") for text in texts], ALLOWED | {"div"}, own | added),
    ):
        values = {"texts": shown, "allowed": sorted(tags), "names": sorted(names), "formula": sorted(FORMULA)}
        assert await page.evaluate(READ, values) == []
