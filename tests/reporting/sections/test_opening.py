"""The first page: what may and what may not be concluded."""

import dataclasses
import math
import re

import pandas as pd
import pytest
from composed_reports import compose, everything_said
from made_runs import make_run

from retina.analysis.comparing import comparison
from retina.analysis.gathering.candidates import Candidate
from retina.reporting import cells
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.sections import opening


def test_a_clear_difference_is_stated_in_its_direction_whichever_run_comes_first(tmp_path):
    """The better run is once first and once second by name; the sentence is the same."""
    for folder, skills in (("a", (1.5, 0.1)), ("b", (0.1, 1.5))):
        made = [
            make_run(tmp_path / folder, params=params, skill=skill)
            for params, skill in zip(("p1", "p2"), skills, strict=True)
        ]
        better, worse = ("p1", "p2") if folder == "a" else ("p2", "p1")
        compared = comparison.compare(made)
        text = everything_said(compose(compared))
        assert f"It can be told apart from the next in order, resnet18 {worse} ce: " in text
        assert re.search(r"their test AUROCs differ by \+0\.\d+ \(\+0\.\d+ to \+0\.\d+", text)
        assert f"resnet18 {better} ce ranks these test images better than resnet18 {worse} ce (AUROC +0." in text


def test_runs_that_answer_alike_are_not_told_apart(tmp_path):
    made = [make_run(tmp_path, skill=1.0), make_run(tmp_path, skill=1.0, params="p2")]
    text = everything_said(compose(comparison.compare(made)))
    assert "It cannot be told apart" in text
    assert "no pair can be told apart by AUROC" in text
    assert "no evidence that they are equal" in text
    assert re.search(r"difference that this test set could have detected is 0\.\d{3} \(2\.80", text), (
        "one pair, no range"
    )
    assert "by pair" not in text
    made.append(make_run(tmp_path, skill=0.5, loss="focal"))
    assert text.count("by pair") < everything_said(compose(comparison.compare(made))).count("by pair") == 2


def test_published_models_without_validation_are_in_order_of_names_and_say_so(published):
    text = everything_said(compose(comparison.compare([], [published])))
    assert "stand in order of their names; the first is Theirs (published)" in text
    assert "Each run trained" not in text


ROWS = pd.DataFrame(
    [
        {"model_a": "a", "model_b": "b", "difference": 0.1, "low": 0.05, "high": 0.2, "p_holm": 0.01},
        {"model_a": "a", "model_b": "c", "difference": -0.3, "low": -0.4, "high": -0.2, "p_holm": 0.01},
        {"model_a": "b", "model_b": "c", "difference": -0.4, "low": -0.5, "high": -0.3, "p_holm": 0.001},
        {"model_a": "a", "model_b": "d", "difference": 0.2, "low": 0.0, "high": 0.4, "p_holm": 0.05},
        {"model_a": "a", "model_b": "e", "difference": 0.2, "low": math.nan, "high": math.nan, "p_holm": math.nan},
    ]
)
A, B = (Candidate(name, name, {}) for name in "ab")


def test_the_pair_of_two_models_is_found_by_their_order():
    assert opening.between(ROWS, A, B) == cells.rows(ROWS)[0]


def test_significant_pairs_come_with_the_clearest_first_and_the_largest_of_equals():
    found = opening.significant(ROWS)
    assert (found["model_a"] + found["model_b"]).tolist() == ["bc", "ac", "ab"]
    assert opening.significant(ROWS[3:]).empty


def test_what_could_be_detected_is_summed_up_over_the_pairs_that_know_it():
    rows = pd.DataFrame({"smallest_detectable": [0.02, math.nan, 0.1, None, 0.04]})
    assert opening.detectable(rows) == {"typical": 0.04, "low": 0.02, "high": 0.1}
    assert opening.detectable(rows[1:2]) is None


@pytest.mark.parametrize("name", LANGUAGES)
def test_conclusions_that_do_not_hold_have_reasons_and_an_external_test_is_always_missing(everything, name):
    language, group = Language(name), everything.groups[0]
    texts = opening.unsupported(everything, group, language)
    assert texts[-1] == language.say("report.conclusions.cannot_external")
    assert language.say("report.conclusions.cannot_random") in texts
    assert language.say("report.conclusions.cannot_drawn") not in texts


def test_the_regression_on_colours_is_quoted_beside_a_leading_run_and_not_beside_published_scores(everything):
    group = everything.groups[0]
    assert group.candidates[0].entry is not None
    quoted = opening.against_colours(everything, group, Language("en"))
    assert quoted["histogram"] == "0.610"
    foreign = dataclasses.replace(group, candidates=tuple(item for item in group.candidates if item.entry is None))
    assert len(foreign.candidates) == 1
    assert opening.against_colours(everything, foreign, Language("en")) == {}


def test_curves_without_a_warning_are_called_clean(everything):
    group = everything.groups[0]
    english = Language("en")
    clean = dataclasses.replace(everything, findings=dict.fromkeys(everything.findings, ()))
    questions = {entry.question for entry in group.entries}
    runs = sum(entry.question in questions for entry in everything.entries)
    assert opening.diagnosis_sentences(clean, group, english) == [
        english.say("report.summary.diagnosis_clean", runs=runs)
    ]
