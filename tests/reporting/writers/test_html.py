"""The HTML report as text: every field escaped, nothing outside the file, the policy true, the same bytes each time."""

import base64
import dataclasses
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from html_samples import HOSTILE, draw, reworded, sample
from hypothesis import given
from hypothesis import strategies as st

from retina.errors import RetinaError
from retina.reporting.document import Chart, Document, Heading, Picture, Remark, Remarks, Table
from retina.reporting.writers import html
from retina.reporting.writers.html import render, visible

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """What a browser would find: elements, texts, attributes; fails on an end that fits no start."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.starts: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.starts.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def elements(self, tag: str, **where: str) -> list[dict[str, str]]:
        return [
            found
            for name, found in self.starts
            if name == tag and all(found.get(key) == of for key, of in where.items())
        ]

    def text(self) -> str:
        """All text and attributes of the page, and what its numbers say, less its own style and script."""
        said = [text for tag, text in self.texts if tag not in {"style", "script"}]
        data = [text for tag, text in self.texts if tag == "script" and text.startswith("{")]
        attributes = [value for _, found in self.starts for value in found.values()]
        return "\n".join([*said, *attributes, *(json.dumps(json.loads(text), ensure_ascii=False) for text in data)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures for every sample."""
    return draw(sample(), tmp_path_factory.mktemp("figures"))


def only(document: Document, kind: type):
    return next(block for block in document.blocks if isinstance(block, kind))


def changed(document: Document, kind: type, **fields) -> Document:
    """The document with the first block of a kind changed."""
    block = only(document, kind)
    blocks = tuple(dataclasses.replace(block, **fields) if other is block else other for other in document.blocks)
    return dataclasses.replace(document, blocks=blocks)


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_every_text_of_a_document_is_on_its_page_and_none_becomes_markup(language, folder):
    plain = sample(language)
    words: list[str] = []

    def mark(_: str) -> str:
        words.append(f"<i class='x' id=\"y\">&amp;{len(words)}</i></script>")
        return words[-1]

    marked = reworded(plain, mark)
    page = Page(render(marked, folder))
    text = page.text()
    missing = [word for word in words if word not in text and json.dumps(word, ensure_ascii=False)[1:-1] not in text]
    assert missing == []
    assert len(words) > 200
    assert not page.elements("i")
    assert Counter(tag for tag, _ in page.starts) == Counter(tag for tag, _ in Page(render(plain, folder)).starts)


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_leave_the_elements_of_the_page_as_they_are(word, folder):
    plain = sample()
    count = iter(range(10_000))
    text = render(reworded(plain, lambda _: f"{word} {next(count)}"), folder)
    text.encode("utf-8")
    page = Page(text)
    assert Counter(tag for tag, _ in page.starts) == Counter(tag for tag, _ in Page(render(plain, folder)).starts)
    for _, attributes in page.starts:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "#").startswith(("#", "data:,"))
        assert attributes.get("src", "data:image/svg").startswith("data:image/svg")


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_visible_text_can_be_written_and_hides_nothing(text):
    seen = visible(text)
    seen.encode("utf-8")
    assert html.INVISIBLE.search(seen) is None
    assert len(seen) >= len(text)
    assert seen == text or html.INVISIBLE.search(text)


def test_an_override_of_the_reading_direction_is_named_instead_of_obeyed():
    assert visible("exe\u202egpj") == "exe⟨U+202E⟩gpj"
    assert visible("眼底 é 12 %\n\t") == "眼底 é 12 %\n\t"


def test_numbers_for_the_script_cannot_end_their_element(folder):
    text = render(reworded(sample(), lambda _: "</script><!--\u2028&"), folder)
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert len(data) == 3
    assert not [found for found in data if set("<>&\u2028\u2029") & set(found)]


def test_the_policy_names_the_digests_of_the_one_style_and_the_one_script(folder):
    text = render(sample(), folder)
    policy = Page(text).elements("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    allowed = {name: " ".join(of) for name, *of in (part.split() for part in policy.split("; "))}

    def digest(tag):
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(found) == 1
        return "'sha256-" + base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode() + "'"

    assert allowed == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest("style"),
        "script-src": digest("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert text.index("Content-Security-Policy") < min(text.index("<style"), text.index("<script"), text.index("<link"))


def test_the_page_names_no_address_of_the_outside(folder):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", render(sample(), folder))
    assert re.findall(r"(?:https?:)?//[\w.]+", text) == ["http://www.w3.org"]
    assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|innerHTML|\beval\(", text)


def test_the_page_says_its_language_and_title(folder):
    for language in ("en", "zh-TW"):
        page = Page(render(sample(language), folder))
        assert page.elements("html") == [{"lang": language}]
        assert ("title", sample(language).title) in page.texts


def test_the_same_document_gives_the_same_bytes(folder):
    assert render(sample(), folder) == render(sample(), folder)


def test_pictures_are_in_the_page_byte_for_byte(folder):
    (folder / "roc.svg").write_text("<svg><!-- its own --></svg>")
    pictures = [found["src"].split(",")[1] for found in Page(render(sample(), folder)).elements("img")]
    draw(sample(), folder)
    assert base64.b64decode(pictures[0]) == b"<svg><!-- its own --></svg>"
    assert len(pictures) == 3


def test_a_missing_picture_is_one_line_that_names_its_file(tmp_path):
    with pytest.raises(RetinaError, match=r"a figure of the report cannot be read .*roc\.svg"):
        render(sample(), tmp_path)


@pytest.mark.parametrize("stem", ["../../etc/passwd", "", "roc.svg", "a b", "ROC"])
def test_a_picture_from_elsewhere_is_refused(stem, folder):
    with pytest.raises(RetinaError, match="name that is not allowed"):
        render(changed(sample(), Picture, stem=stem), folder)


def test_every_link_of_the_contents_leads_to_a_heading(folder):
    page = Page(render(sample(), folder))
    anchors = [found["id"] for tag, found in page.starts if "id" in found]
    assert len(anchors) == len(set(anchors))
    headings = [block.anchor for block in sample().blocks if isinstance(block, Heading) and block.level > 1]
    links = [found["href"][1:] for found in page.elements("a")]
    assert links == ["_report", *headings, *headings]
    assert set(links) <= set(anchors)


def test_a_table_says_its_title_its_headings_and_what_its_columns_mean(folder):
    table = only(sample(), Table)
    page = Page(render(sample(), folder))
    assert (
        len(page.elements("th", scope="col"))
        == len(page.elements("th", scope="col", **{"class": "number"})) + 2 + 2 + 2
    )
    assert len(page.elements("caption")) == 4
    assert page.elements("abbr") == [{"title": column.meaning} for column in table.columns if column.meaning]
    assert [text for tag, text in page.texts if tag == "dd"] == [
        column.meaning for column in table.columns if column.meaning
    ]


def test_a_cell_carries_the_number_that_it_is_sorted_by_unless_it_is_not_finite(folder):
    table = only(sample(), Table)
    nan, value, *rest = (
        dataclasses.replace(cell, value=number)
        for cell, number in zip(table.rows[0], [float("nan"), 0.1, *[None] * 9], strict=True)
    )
    document = Document("t", "en", (Heading("t", 1, "t"), dataclasses.replace(table, rows=((nan, value, *rest),))))
    page = Page(render(document, folder))
    assert [found["data-value"] for _, found in page.starts if "data-value" in found] == ["0.1"]


def test_the_values_of_a_chart_are_the_same_in_its_table_and_in_its_numbers(folder):
    text = render(sample(), folder)
    numbers = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text).group(1))
    chart = only(sample(), Chart)
    assert numbers["epochs"] == list(chart.epochs)
    assert [len(panel["series"]) for panel in numbers["panels"]] == [2, 3]
    for panel in numbers["panels"]:
        for curve in panel["series"]:
            assert tuple(curve["values"]) == chart.series[curve["name"]]
            assert all(f">{value}</td>" in text for value in curve["texts"])
    assert numbers["panels"][1]["series"][2]["texts"][8] == "\N{EN DASH}"
    assert {mark["label"]: mark["epoch"] for mark in numbers["marks"]} == chart.marks


def test_values_that_are_not_finite_are_gaps(folder):
    series = {"loss": (float("nan"), 1.5, float("inf"))}
    document = changed(sample(), Chart, series=series, losses=1, epochs=(1, 2, 3), marks={})
    numbers = json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', render(document, folder)).group(1)
    )
    assert [panel["series"][0]["values"] for panel in numbers["panels"]] == [[None, 1.5, None]]


def test_a_severity_is_shown_by_its_word_and_by_a_shape_of_its_own(folder):
    page = Page(render(sample(), folder))
    labels = [text for tag, text in page.texts if tag == "strong"]
    shapes = [found["d"] for found in page.elements("path")]
    assert labels == ["Critical", "Warning", "Note"] * 2
    assert len(set(shapes)) == 3
    assert len(shapes) == 6


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Heading, {"anchor": "_words"}),
        (Remarks, {"remarks": (Remark("fatal", "x", "y"),)}),
        (Table, {"columns": ()}),
        (Chart, {"epochs": (1,)}),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(kind, fields, folder):
    with pytest.raises(ValueError, match=r"anchor|severity|has not"):
        render(changed(sample(), kind, **fields), folder)


def test_an_unknown_language_is_refused(folder):
    with pytest.raises(RetinaError, match="unknown language"):
        render(dataclasses.replace(sample(), language="xx"), folder)


def test_a_report_of_two_hundred_runs_is_written(folder):
    chart = only(sample(), Chart)
    blocks = [Heading("Runs", 1, "runs")]
    for number in range(200):
        blocks += [Heading(f"run {number}", 2, f"run-{number}"), chart]
    page = Page(render(Document("Runs", "en", tuple(blocks)), folder))
    assert len(page.elements("h2")) == 200
