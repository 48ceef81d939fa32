"""Texts of items as the desks show them, whatever they are written in."""

from markupsafe import Markup as Safe

from question_bank.markup import Markup, as_page, read_plain


def item_text(text: str, markup: Markup) -> Safe:
    """A text of an item as it stands on a page of the desk; rich text is cleaned once more."""
    if markup == "html":
        return Safe(as_page(text, lambda asset: f"/staff/bank/assets/{asset}"))
    return Safe("{}").format(text)


def item_words(text: str, markup: Markup) -> str:
    """The words of an item's text in one line."""
    return read_plain(text) if markup == "html" else text
