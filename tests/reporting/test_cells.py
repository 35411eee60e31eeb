"""Cells are sorted by the number that they show, and say where there is none."""

import math

import pandas as pd
import pytest

from retina.reporting import cells
from retina.reporting.document import Cell
from retina.reporting.language import LANGUAGES, Language

ENGLISH = Language("en")


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
@pytest.mark.parametrize("name", LANGUAGES)
def test_a_missing_number_is_the_word_for_it_and_is_not_sorted_as_a_number(value, name):
    language = Language(name)
    missing = Cell(language.say("report.none"))
    assert cells.number(language, value) == missing
    assert cells.p_value(language, value) == missing
    assert cells.span(language, value, 0.5) == missing
    assert cells.interval(language, value, 0.1, 0.5) == missing


def test_an_estimate_without_an_interval_is_shown_alone():
    assert cells.interval(ENGLISH, 0.5, math.nan, 0.9) == Cell("0.500", 0.5)
    assert cells.interval(ENGLISH, 0.5, math.nan, 0.9, signed=True) == Cell("+0.500", 0.5)


def test_an_interval_is_sorted_by_its_estimate_and_a_span_by_its_lower_end():
    interval = cells.interval(ENGLISH, 0.5, 0.4, 0.6)
    assert [number in interval.text for number in ("0.500", "0.400", "0.600")] == [True] * 3
    assert interval.value == 0.5
    assert cells.span(ENGLISH, 0.4, 0.6).value == 0.4


@pytest.mark.parametrize(("value", "text"), [(0.00049, "<0.001"), (0.0005, "0.001"), (0.04, "0.040"), (1.0, "1.000")])
def test_a_p_value_that_three_decimals_cannot_show_is_below_the_smallest_that_they_can(value, text):
    assert cells.p_value(ENGLISH, value) == Cell(text, value)


def test_rows_are_those_with_every_value_in_order():
    frame = pd.DataFrame({"model": ["a", "b", "a"], "split": ["test", "test", "validation"], "x": [1, 2, 3]})
    assert [row["x"] for row in cells.rows(frame, model="a")] == [1, 3]
    assert [row["x"] for row in cells.rows(frame, model="a", split="test")] == [1]
    assert cells.rows(pd.DataFrame(), model="a") == []


def test_a_column_has_a_meaning_where_the_language_has_one():
    model, area = cells.columns(ENGLISH, "results", ("model", "test_auroc"), ("model",))
    assert not model.numeric
    assert area.numeric
    assert area.meaning == (
        ENGLISH.say("report.results.test_auroc_meaning") if ENGLISH.knows("report.results.test_auroc_meaning") else ""
    )
