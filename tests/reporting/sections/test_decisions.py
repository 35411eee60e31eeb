"""From ranking to deciding: calibration, operating points and mistakes."""

import dataclasses
import math

import pytest
from composed_reports import compose, everything_said
from made_runs import make_run

from retina.analysis.comparing import comparison
from retina.analysis.gathering.candidates import Candidate, Group
from retina.reporting import cells
from retina.reporting.document import Cell
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.sections import decisions


def test_a_platt_slope_below_0_is_named(tmp_path):
    text = everything_said(compose(comparison.compare([make_run(tmp_path, skill=-1.0)])))
    assert "turns the ranking of a model around (resnet18 p1 ce)" in text


ENGLISH = Language("en")


@pytest.mark.parametrize(("ece", "key"), [(0.05, "inside"), (0.02, "inside"), (0.019, "below"), (0.081, "outside")])
@pytest.mark.parametrize("name", LANGUAGES)
def test_a_calibration_error_is_held_against_what_a_calibrated_model_would_show(ece, key, name):
    row = {"model": "a run", "ece": ece, "ece_if_calibrated_low": 0.02, "ece_if_calibrated_high": 0.08}
    language = Language(name)
    said = language.say(f"report.calibration.{key}", label="a run", ece=ece, low=0.02, high=0.08)
    assert decisions.verdict(row, language) == said


def test_two_numbers_in_a_cell_are_sorted_by_the_first_and_missing_together():
    assert decisions.couple(ENGLISH, 0.5, 2) == Cell("0.500, 2.000", 0.5)
    assert decisions.couple(ENGLISH, 0.5, 2, ".2f") == Cell("0.50, 2.00", 0.5)
    for pair in ((None, 1.0), (1.0, math.nan)):
        assert decisions.couple(ENGLISH, *pair) == Cell(ENGLISH.say("report.none"))


def test_tables_show_the_first_twenty_models_and_say_where_the_others_are():
    def group(count):
        return Group("eyes", tuple(Candidate(str(number), str(number), {}) for number in range(count)))

    rows = [{"model": str(number)} for number in (20, 19, 0)]
    assert decisions.first(group(21), rows) == rows[1:]
    assert decisions.cut(group(20), "a.csv", ENGLISH) == ()
    (note,) = decisions.cut(group(21), "a.csv", ENGLISH)
    assert note == ENGLISH.say("report.cut", shown=20, models=21, file="a.csv")


def test_a_point_shows_its_four_counts_or_none(everything):
    row = cells.rows(everything.operating_points, split="test")[0]
    assert sum(row[key] for key in ("tp", "fp", "fn", "tn")) == 48
    row |= {"tp": 1.0, "fp": 2.0, "fn": 3.0, "tn": 4.0}
    assert decisions.point_row(row, ENGLISH)[-1].text == "1 / 2 / 3 / 4"
    assert decisions.point_row(row | {"fp": math.nan}, ENGLISH)[-1].text == "-"


def test_a_mistake_says_how_many_models_share_it():
    row = {"model": "a run", "kind": "missed", "id": "7", "probability": 0.01, "models_wrong": 3, "models": 5}
    _, kind, image, probability, shared = decisions.mistake_row(row, {"missed": "diseased, missed"}, ENGLISH)
    assert (kind.text, image.text, probability.value, shared.value) == ("diseased, missed", "7", 0.01, 3.0)
    assert "3" in shared.text
    assert "5" in shared.text


def test_without_mistakes_the_report_says_so(everything):
    spotless = dataclasses.replace(everything, mistakes=everything.mistakes[:0])
    blocks = decisions.failures(spotless, ENGLISH)[1:]
    assert [block.text for block in blocks] == [ENGLISH.say("report.mistakes.none")] * len(everything.groups)
