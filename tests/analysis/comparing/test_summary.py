"""A summary says what a run came to, and in words what its numbers do not say."""

import json
from dataclasses import replace

import made_runs
import numpy as np
import pytest

from retina.analysis.comparing import summary
from retina.experiments.experiment import Experiment
from retina.reporting.terminal import runs as terminal_runs
from retina.runs import folder as runs
from retina.runs.data import Exclusion
from retina.runs.folder import Prediction
from retina.runs.session import Timings

COUNTS = {"train": (100, 80), "validation": (100, 80), "test": (100, 80)}


def record_of(**changes):
    """The record of a run of two epochs; what is changed within one of its parts leaves the rest of the part."""
    experiment = Experiment(backbone="resnet18", params="p1", **made_runs.SETTINGS | {"epochs": 2})
    made = made_runs.record("a", experiment, status="completed", data="d", epochs=2, counts=COUNTS, best=2)
    made = made_runs.changed(made, data={"excluded": (), "warnings": ()}, timings={"training_seconds": 61.0})
    return made_runs.changed(made, **changes)


@pytest.fixture
def make(tmp_path):
    """Write a run of 100 + 100 images, 80 % positive, whose best validation accuracy is given."""

    def make(accuracy=0.95, **changes):
        run = runs.create(tmp_path, "a")
        row = dict.fromkeys(runs.HISTORY_COLUMNS, 0.5)
        run.write_history([row | {"epoch": 1, "val_accuracy": 0.5}, row | {"epoch": 2, "val_accuracy": accuracy}])
        labels = np.arange(100) % 5 != 0
        logits = np.where(labels, 1.0, -1.0)
        logits[:4] = 0.5
        run.write_predictions(
            Prediction(split, str(number), int(label), float(logit))
            for split in ("validation", "test")
            for number, (label, logit) in enumerate(zip(labels, logits, strict=True))
        )
        run.write_record(record_of(**changes))
        return made_runs.sealed(run)

    return make


def test_the_numbers_follow_from_the_predictions(make):
    found = summary.summarize(make()).results["test"]
    assert (found.images, found.positives, found.prevalence) == (100, 80, 0.8)
    assert found.accuracy == 0.99
    assert found.auroc == pytest.approx(1 - 3 * 0.5 / (20 * 80))


def test_a_summary_as_json_is_the_record_with_what_follows_from_it(make):
    run = make()
    found = json.loads(json.dumps(summary.summarize(run).to_dict()))
    further = {key: found.pop(key) for key in ("folder", "results", "remarks")}
    assert found == run.record().to_dict()
    assert further["folder"] == str(run.folder)
    assert list(further["results"]["test"]) == ["images", "positives", "prevalence", "auroc", "accuracy", "log_loss"]
    assert all(isinstance(sentence, str) for sentence in further["remarks"])


VERDICTS = [(0.60, "is worse than"), (0.80, "cannot be told from"), (0.86, "cannot be told from"), (0.89, None)]


@pytest.mark.parametrize(("accuracy", "verdict"), VERDICTS)
def test_an_accuracy_that_does_not_beat_the_majority_guess_is_called_that(make, accuracy, verdict):
    """100 images: the 95 % Wilson interval of 0.60 ends at 0.69, that of 0.86 begins at 0.78, that of 0.89 at 0.81."""
    text = " ".join(summary.summarize(make(accuracy)).remarks)
    assert ("calling every image the majority class (0.800)" in text) is (verdict is not None)
    assert verdict is None or verdict in text


def test_a_run_without_early_stopping_says_where_it_would_have_stopped(make):
    found = summary.summarize(make(early_stopping={"used": False, "patience": 3, "stop_epoch": 5}))
    assert "Early stopping with patience 3 would have stopped after epoch 5." in found.remarks


def test_notices_stand_beside_the_numbers(make):
    run = make(
        weights={"notice": "random weights", "origin": "random"},
        data={"notice": "drawn.", "excluded": (Exclusion(split="test", id="1", reason="damaged"),) * 2},
    )
    text = terminal_runs.render(summary.summarize(run))
    for sentence in ("random weights.", "drawn.", "2 images were left out"):
        assert sentence in text
    assert ".." not in text


def test_an_unfinished_run_has_no_results(make):
    run = make(status="interrupted")
    found = summary.summarize(run)
    assert found.results is None
    assert "interrupted" in terminal_runs.render_all([found])


def test_the_table_of_runs_says_what_each_started_from_and_repeats_the_notices_once(make):
    run = make(weights={"notice": "not ImageNet", "origin": "random"})
    table = terminal_runs.render_all([summary.summarize(run)] * 2)
    assert table.count("random") == 2
    assert table.count("not ImageNet.") == 1


def test_the_table_holds_both_baselines_under_each_split(make):
    lines = terminal_runs.render(summary.summarize(make())).splitlines()
    for split in ("validation", "test"):
        place = next(number for number, line in enumerate(lines) if line.startswith(split))
        assert lines[place + 1].split()[-1] == "0.8000"
        assert lines[place + 2].split()[-2:] == ["0.6100", "0.7000"]


def test_the_speed_of_a_run_is_one_line_and_left_out_where_it_was_not_recorded():
    timings = Timings(started="", images_per_second=12.34, waiting_share=0.0156, peak_memory_mib=2048)
    line = "12.3 images/s, 1.6% of the time waiting for data"
    assert terminal_runs.speed(timings) == [f"{line}, peak memory 2.0 GiB"]
    assert terminal_runs.speed(replace(timings, peak_memory_mib=None)) == [line]
    kept = "12.3 images/s on kept features (1 min 1 s before the first epoch), 1.6% of the time waiting for data"
    assert terminal_runs.speed(replace(timings, peak_memory_mib=None, feature_seconds=61.2)) == [kept]
    assert terminal_runs.speed(Timings(started="", training_seconds=61.0)) == []
    assert terminal_runs.speed(replace(timings, images_per_second=None)) == []
