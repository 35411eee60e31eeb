"""Markdown shows every value as it is: parsed again, the text is the text, and no markup came from a value."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retina.reporting.document import (
    Cell,
    Chart,
    Code,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Picture,
    Remark,
    Remarks,
    Table,
)
from retina.reporting.writers import markdown

HOSTILE = (
    "<script>alert(1)</script>",
    "a | b || c",
    "*bold* _em_ **x** __y__ `code` ~~gone~~",
    "[text](javascript:alert(1)) ![x](y)",
    "# heading",
    "- item",
    "+0.5",
    "1. first",
    "3) third",
    "> quote",
    "=== ---",
    "\\*",
    "a\n\n# b",
    "&amp; &lt;b&gt;",
    "x\u2028y\u202ez",
    "=1+1",
    "resnet18_p1_ce _x_",
)


def shown(text):
    """What a reader of plain text sees of it: one line, no control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def tokens(block):
    document = Document("t", "en", (block,))
    return MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(markdown.render(document))


def texts(parsed):
    """The visible text of every inline token; any child that is not text is a failure."""
    found = []
    for token in parsed:
        assert token.type != "html_block"
        if token.type == "inline":
            assert all(child.type in ("text", "text_special") for child in token.children), token.children
            found.append("".join(child.content for child in token.children))
    return found


hostile = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)).filter(shown)


@given(hostile)
@example("1. first")
@example("a\\")
def test_a_paragraph_is_its_text(text):
    parsed = tokens(Paragraph(text))
    assert [token.type for token in parsed] == ["paragraph_open", "inline", "paragraph_close"]
    assert texts(parsed) == [shown(text)]


@given(st.lists(hostile, min_size=1, max_size=4), st.booleans())
def test_a_list_has_its_items(items, numbered):
    parsed = tokens(Items(tuple(items), numbered=numbered))
    assert parsed[0].type == ("ordered_list_open" if numbered else "bullet_list_open")
    assert texts(parsed) == [shown(text) for text in items]


@given(st.lists(st.tuples(hostile, hostile), min_size=1, max_size=4), hostile)
def test_a_table_has_its_cells(rows, name):
    table = Table("t", (Column(name), Column("n", numeric=True)), tuple((Cell(a), Cell(b)) for a, b in rows))
    parsed = tokens(table)
    cells = [
        "".join(child.content for child in parsed[place + 1].children)
        for place, token in enumerate(parsed)
        if token.type in ("th_open", "td_open")
    ]
    assert cells == [shown(name), "n", *(shown(text) for row in rows for text in row)]


@pytest.mark.parametrize("text", HOSTILE)
def test_headings_remarks_and_captions_carry_no_markup_of_a_value(text):
    parsed = tokens(Heading(text, 2, "a"))
    assert (parsed[0].tag, texts(parsed)) == ("h2", [shown(text)])
    parsed = tokens(Remarks((Remark("warning", text, text),)))
    (inline,) = [token for token in parsed if token.type == "inline"]
    allowed = {"text", "text_special", "strong_open", "strong_close"}
    assert {child.type for child in inline.children} <= allowed
    picture = Picture("forest-0", text, text)
    for block in (picture, Chart(picture, {}, 0, ())):
        images = [child for token in tokens(block) for child in token.children or () if child.type == "image"]
        assert [image.attrs["src"] for image in images] == ["figures/forest-0.png"]


@pytest.mark.parametrize("text", [*HOSTILE, "```", "``` x\n````"])
def test_code_cannot_leave_its_fence(text):
    parsed = tokens(Code((text, "second")))
    assert [token.type for token in parsed] == ["fence"]
    assert parsed[0].content.splitlines() == [" ".join(text.split()), "second"]
