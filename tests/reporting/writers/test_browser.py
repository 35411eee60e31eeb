"""The HTML report in a real browser: nothing leaves the page, nothing hostile runs, tables sort, curves can be read."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from html_samples import HOSTILE, NO_VALUE, draw, names, reworded, sample

from retina.reporting.document import Chart, Document, Heading, Picture
from retina.reporting.writers.html import MOST_STILLS, render

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs the Python package playwright: pip install -e '.[dev]'"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs headless Chromium: apt-get install chromium")

RECORD = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    """Headless Chromium, started once."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--host-resolver-rules=MAP * ~NOTFOUND"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Callable[..., Path]:
    """Write a document as a page in a folder of its own."""

    def write(document) -> Path:
        folder = tmp_path_factory.mktemp("report")
        page = folder / "report.html"
        page.write_text(render(document, draw(document, folder / "figures")), encoding="utf-8")
        return page

    return write


@pytest.fixture
def visit(browser, written) -> Iterator[Callable[..., "playwright.Page"]]:
    """Open a document offline; afterwards nothing was asked for, nothing was refused and nothing was complained of."""
    contexts, requests, complaints = [], [], []

    def open_page(document, viewport=WIDE, **options):
        context = browser.new_context(viewport=viewport, offline=True, **options)
        contexts.append(context)
        context.add_init_script(RECORD)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))  # the refused ones too
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(written(document).as_uri())
        return page

    open_page.complaints, open_page.requests = complaints, requests
    yield open_page
    for context in contexts:
        for page in context.pages:
            complaints += page.evaluate("window.violations || []")
        context.close()
    assert not complaints
    assert requests
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def column(page, table: int, number: int) -> list[str]:
    return page.locator("table").nth(table).locator(f"tbody tr > :nth-child({number})").all_text_contents()


def heading(page, table: int, number: int):
    return page.locator("table").nth(table).locator(f"thead th:nth-child({number})")


def overflow(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_a_column_of_numbers_sorts_by_value_up_and_down_and_back_with_missing_ones_last(visit):
    page = visit(sample())
    reported = column(page, 0, 10)
    present = sorted(float(text) for text in reported if text != NO_VALUE)
    button = heading(page, 0, 10).get_by_role("button")
    button.click()
    assert column(page, 0, 10) == [f"{value:.3f}" for value in present] + [NO_VALUE]
    assert heading(page, 0, 10).get_attribute("aria-sort") == "ascending"
    button.press("Enter")
    assert column(page, 0, 10) == [f"{value:.3f}" for value in reversed(present)] + [NO_VALUE]
    assert heading(page, 0, 10).get_attribute("aria-sort") == "descending"
    button.click()
    assert column(page, 0, 10) == reported
    assert page.locator("table").first.locator("th[aria-sort]:not([aria-sort=none])").count() == 0


def test_numbers_sort_by_value_where_their_texts_would_sort_otherwise(visit):
    page = visit(sample())
    failures = page.locator("table").count() - 1
    heading(page, failures, 1).get_by_role("button").click()
    assert column(page, failures, 1) == ["14", "220", "1207"]


def test_a_column_of_text_sorts_as_text_and_keeps_the_order_of_equals(visit):
    page = visit(sample())
    heading(page, 0, 1).get_by_role("button").click()
    assert column(page, 0, 1) == sorted(names())
    heading(page, 0, 1).get_by_role("button").click()
    assert column(page, 0, 1) == sorted(names(), reverse=True)
    heading(page, 0, 11).get_by_role("button").click()
    assert column(page, 0, 11) == ["completed"] * 5 + ["diverged"] + ["stopped early"] * 6
    assert column(page, 0, 1) == [names()[0], *names()[4::2], names()[2], *names()[1::2]]


def test_hovering_a_curve_reads_every_value_at_the_nearest_epoch(visit):
    page = visit(sample())
    drawing = page.locator(".drawing").first
    plot = drawing.locator("svg.plot").first
    box = plot.bounding_box()
    readings = set()
    for share in (0.12, 0.5, 0.97):
        plot.hover(position={"x": box["width"] * share, "y": box["height"] / 2})
        epoch = int(drawing.locator(".epoch").text_content())
        row = page.locator(".values table").first.locator("tbody tr").nth(epoch - 1).locator("td").all_text_contents()
        assert drawing.locator(".reading").all_text_contents() == row[:5]
        crosshair = float(drawing.locator(".crosshair").first.get_attribute("x1"))
        assert abs(crosshair - box["width"] * share) < box["width"] / 12
        readings.add(epoch)
    assert len(readings) == 3
    assert max(readings) == 12


def test_the_keyboard_walks_through_the_epochs_and_says_all_values(visit):
    page = visit(sample())
    drawing = page.locator(".drawing").first
    slider = drawing.get_by_role("slider")
    assert drawing.locator(".epoch").text_content() == "4"
    assert drawing.locator(".marked").text_content() == "best epoch"
    slider.press("ArrowRight")
    assert drawing.locator(".marked").text_content() == "overfitting begins"
    slider.press("Home")
    said = slider.get_attribute("aria-valuetext")
    assert said.startswith("Epoch 1, training loss 0.5583, validation loss 0.")
    assert said.count(",") == 5
    slider.press("End")
    assert drawing.locator(".epoch").text_content() == "12"


def test_a_touch_moves_the_crosshair(visit):
    page = visit(sample(), viewport=NARROW, has_touch=True)
    plot = page.locator(".drawing").first.locator("svg.plot").last
    plot.tap(position={"x": plot.bounding_box()["width"] - 20, "y": 120})
    assert page.locator(".drawing .epoch").first.text_content() == "12"


def test_a_missing_value_is_a_gap_in_its_curve_and_has_no_point(visit):
    page = visit(sample())
    drawing = page.locator(".drawing").first
    assert drawing.locator("svg.plot .curve-2").get_attribute("d").count("M") == 2
    drawing.get_by_role("slider").fill("8")
    assert drawing.locator(".reading").last.text_content() == NO_VALUE
    assert not drawing.locator(".dot-2").is_visible()


def test_the_scale_of_losses_is_logarithmic_and_says_so_where_one_epoch_flattens_the_others(visit):
    picture = Picture("curves", "curves", "")
    bad = Chart(picture, {"train": (0.7, 0.6, 0.5), "val": (0.7, 23.0, 0.6)}, 2, (1, 2, 3))
    fine = Chart(picture, {"train": (0.7, 0.6, 0.5), "val": (0.7, 1.2, 0.6)}, 2, (1, 2, 3))
    lone = Chart(picture, {"train": (0.7,), "val": (None,), "accuracy": (1.0,), "AUROC": (0.25,)}, 2, (1,), {"best": 1})
    empty = Chart(picture, {"train": (None, None), "accuracy": (None, None)}, 1, (1, 2), {"best": 3})
    page = visit(Document("Scales", "en", (Heading("Scales", 1, "scales"), bad, fine, lone, empty)))
    titles = page.locator(".panel-title").all_text_contents()
    assert titles == ["Loss (log scale)", "Loss", "Loss", "Accuracy and AUROC", "Loss", "Accuracy and AUROC"]
    ticks = [plot.locator("[text-anchor=end]").all_text_contents() for plot in page.locator("svg.plot").all()]
    assert ticks[0] == ["0.5", "1", "2", "5", "10", "20"]
    assert [ticks[1][0], ticks[3][0], ticks[3][-1]] == ["0.0", "0.2", "1.0"]
    assert page.locator("svg.plot [d*=NaN], svg.plot [y*=NaN], svg.plot [cx*=NaN], svg.plot [x1*=NaN]").count() == 0
    assert page.locator(".drawing").nth(3).locator(".reading").all_text_contents() == [NO_VALUE, NO_VALUE]


def test_marks_are_at_their_epochs_with_their_labels(visit):
    page = visit(sample())
    panel = page.locator(".drawing svg.plot").first
    assert panel.locator(".mark-label").all_text_contents() == ["best epoch", "overfitting begins", "patience 3 stops"]
    assert panel.locator(".mark").count() == 3
    spans = panel.locator(".mark-label").evaluate_all("all => all.map(e => e.getBoundingClientRect().toJSON())")
    for one in spans:
        for other in spans:
            apart = one["right"] <= other["left"] or one["left"] >= other["right"]
            assert one == other or apart or one["bottom"] <= other["top"] + 2 or one["top"] >= other["bottom"] - 2


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_page_never_scrolls_sideways(visit, language, viewport):
    page = visit(sample(language), viewport=viewport)
    assert overflow(page) == 0
    page.locator("details").evaluate_all("all => all.forEach((details) => { details.open = true; })")
    assert overflow(page) == 0


def test_a_wide_table_scrolls_in_its_box_and_keeps_its_first_column_and_title(visit):
    page = visit(sample(), viewport=NARROW)
    box, first = page.locator(".scroll").first, page.locator("tbody th").first
    title, before = page.locator("caption span").first, first.bounding_box()["x"]
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    box.evaluate("box => { box.scrollLeft = 200; }")
    assert first.bounding_box()["x"] == pytest.approx(before, abs=1)
    assert title.bounding_box()["x"] == pytest.approx(before, abs=1)


def test_the_contents_are_beside_a_wide_page_and_fold_on_a_narrow_one(visit):
    wide = visit(sample())
    assert wide.locator("nav.side").is_visible()
    assert not wide.locator("details.folded").is_visible()
    narrow = visit(sample(), viewport=NARROW)
    assert not narrow.locator("nav.side").is_visible()
    link = narrow.locator("details.folded a", has_text="Each run")
    assert not link.is_visible()
    narrow.locator("details.folded summary").click()
    link.click()
    assert not link.is_visible()
    assert 0 <= narrow.locator("h2#runs").bounding_box()["y"] < 100


def test_a_figure_grows_on_a_click_within_its_own_box(visit):
    page = visit(sample(), viewport=NARROW)
    picture = page.locator(".picture img")
    small = picture.bounding_box()["width"]
    page.locator(".picture button").click()
    assert picture.bounding_box()["width"] > 3 * small
    assert overflow(page) == 0


def test_without_its_script_the_page_shows_still_figures_and_all_values(visit):
    page = visit(sample(), java_script_enabled=False)
    assert page.locator(".chart img").first.is_visible()
    assert page.locator("button, .drawing").count() == 0
    page.locator(".values summary").first.click()
    assert page.locator(".values table").first.is_visible()


def test_very_many_charts_are_drawn_without_stills_and_have_their_values_without_the_script(visit):
    document = sample()
    (one, *_) = [block for block in document.blocks if isinstance(block, Chart)]
    many = dataclasses.replace(document, blocks=(document.blocks[0], *[one] * (MOST_STILLS + 1)))
    page = visit(many)
    assert page.locator(".chart img").count() == 0
    assert page.locator(".drawing").count() == MOST_STILLS + 1
    page = visit(many, java_script_enabled=False)
    page.locator(".values summary").first.click()
    assert page.locator(".values table").first.is_visible()


def test_with_its_script_the_curves_take_the_place_of_the_still_figure(visit):
    page = visit(sample())
    assert not page.locator(".chart img").first.is_visible()
    assert page.locator(".picture img").evaluate("image => image.naturalWidth") == 640


@pytest.mark.parametrize("word", [" ".join(HOSTILE), "x" * 300], ids=["all", "long"])
def test_hostile_words_in_every_field_neither_run_nor_break_the_page(visit, word):
    plain = sample()
    count = iter(range(10_000))
    page = visit(reworded(plain, lambda _: f"{word} {next(count)}"), viewport=NARROW)
    shape = "[...document.querySelectorAll('main *')].filter((e) => !e.closest('svg')).map((e) => e.tagName).join()"
    assert page.evaluate("window.hacked") is None
    for link in page.locator("nav.side a").evaluate_all("all => all.map((a) => a.getAttribute('href'))"):
        assert link.startswith("#")
    page.locator("details").evaluate_all("all => all.forEach((details) => { details.open = true; })")
    page.locator("tbody th, .mark-label, abbr, img").evaluate_all(
        "all => all.forEach((e) => e.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })))"
    )
    heading(page, 0, 1).get_by_role("button").click()
    assert page.evaluate("window.hacked") is None
    assert overflow(page) == 0
    assert page.evaluate(shape) == visit(plain, viewport=NARROW).evaluate(shape)
    assert page.locator(".drawing").count() == 2


def test_the_policy_refuses_what_would_run_or_be_fetched_if_markup_got_in(visit):
    page = visit(sample())
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend",
            '<img src="https://example.org/a.png" onerror="window.hacked = 2">'
            + '<p style="color: red" onclick="window.hacked = 3">x</p>');
        document.body.lastChild.click();
    }""")
    page.wait_for_function("window.violations.length >= 5")
    assert page.evaluate("window.hacked") is None
    directives = set(page.evaluate("window.violations.splice(0)"))
    assert directives == {"script-src-elem", "script-src-attr", "style-src-attr", "img-src"}
    assert visit.requests.pop() == "https://example.org/a.png"
    visit.complaints.clear()
