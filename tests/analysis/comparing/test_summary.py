"""The result of a run follows from its predictions and its curves."""

import json

import pytest
from exact_runs import make_exact_run

from retina.analysis.comparing import summary
from retina.runs import folder as runs


def test_the_numbers_follow_from_the_predictions(tmp_path):
    result = summary.summarize(make_exact_run(tmp_path)).results["test"]
    assert (result.images, result.positives, result.prevalence) == (100, 80, 0.8)
    assert result.accuracy == 0.99
    assert result.auroc == pytest.approx(1 - 3 * 0.5 / (20 * 80))


def test_a_summary_as_json_is_the_record_with_what_follows_from_it(tmp_path):
    run = make_exact_run(tmp_path)
    values = json.loads(json.dumps(summary.summarize(run).to_dict()))
    further = {key: values.pop(key) for key in ("folder", "results")}
    assert values == run.record().to_dict()
    assert further["folder"] == str(run.folder)
    assert list(further["results"]["test"]) == ["images", "positives", "prevalence", "auroc", "accuracy", "log_loss"]


@pytest.mark.parametrize(("accuracy", "verdict"), [(0.60, "worse"), (0.80, "alike"), (0.86, "alike"), (0.89, "better")])
def test_the_best_accuracy_is_judged_by_its_interval_against_the_majority_guess(tmp_path, accuracy, verdict):
    """100 images: the 95 % Wilson interval of 0.60 ends at 0.69, that of 0.86 begins at 0.78, that of 0.89 at 0.81."""
    best = summary.summarize(make_exact_run(tmp_path, accuracy)).best_accuracy
    assert (best.value, best.majority) == (accuracy, 0.8)
    assert best.low < accuracy < best.high
    assert best.verdict == verdict


def test_an_unfinished_run_has_no_results(tmp_path):
    unfinished = summary.summarize(make_exact_run(tmp_path, status="interrupted"))
    assert unfinished.results is None
    assert unfinished.best_accuracy is None


def test_a_damaged_run_is_named_and_the_others_are_summarized(tmp_path):
    make_exact_run(tmp_path)
    broken = runs.create(tmp_path, "broken")
    broken.record_path.write_text("{")
    summaries, damaged = summary.summarize_all(tmp_path)
    assert [item.record.name for item in summaries] == ["a"]
    assert len(damaged) == 1
    assert str(broken.folder) in damaged[0]
