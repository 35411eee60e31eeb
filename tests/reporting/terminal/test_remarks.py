"""The sentences beside a run's numbers say what the numbers do not."""

import re

import pytest
from exact_runs import make_exact_run, record_of

from retina.analysis.comparing.summary import summarize
from retina.reporting.terminal.remarks import notices, remarks
from retina.runs.data import Exclusion

VERDICTS = [(0.60, "is worse than"), (0.80, "cannot be told from"), (0.86, "cannot be told from"), (0.89, None)]


@pytest.mark.parametrize(("accuracy", "verdict"), VERDICTS)
def test_an_accuracy_that_does_not_beat_the_majority_guess_is_called_that(tmp_path, accuracy, verdict):
    text = " ".join(remarks(summarize(make_exact_run(tmp_path, accuracy))))
    assert ("calling every image the majority class (0.800)" in text) is (verdict is not None)
    assert verdict is None or verdict in text


@pytest.mark.parametrize("accuracy", [0.60, 0.89])
@pytest.mark.parametrize("class_weight", ["none", "balanced"])
def test_an_accuracy_below_the_majority_guess_is_explained_where_class_weights_ask_for_it(
    tmp_path, accuracy, class_weight
):
    run = make_exact_run(tmp_path, accuracy, experiment={"class_weight": class_weight})
    said = any("class weights" in sentence for sentence in remarks(summarize(run)))
    assert said is (accuracy == 0.60 and class_weight == "balanced")


def test_a_run_without_early_stopping_says_where_it_would_have_stopped(tmp_path):
    run = make_exact_run(tmp_path, early_stopping={"used": False, "patience": 3, "stop_epoch": 5})
    assert remarks(summarize(run)) == ["Early stopping with patience 3 would have stopped after epoch 5."]


def test_a_run_that_stopped_early_says_nothing_of_it(tmp_path):
    run = make_exact_run(tmp_path, early_stopping={"used": True, "patience": 3, "stop_epoch": 5})
    assert remarks(summarize(run)) == []


def test_notices_are_whole_sentences_on_weights_data_and_images_left_out():
    record = record_of(
        weights={"notice": "random weights", "origin": "random"},
        data={"notice": "drawn.", "excluded": (Exclusion(split="test", id="1", reason="damaged"),) * 2},
    )
    excluded = "2 images were left out; the record of the run names them."
    assert notices(record) == ["random weights.", "drawn.", excluded]


def test_an_unfinished_run_has_its_notices_alone(tmp_path):
    run = make_exact_run(tmp_path, 0.60, status="interrupted", data={"notice": "drawn"})
    assert remarks(summarize(run)) == ["drawn."]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"ema": 0.9}, None),
        ({"ema": 0.99}, "An ema of 0.99 is too slow for 150 steps: the average, .* still holds 22% of the weights"),
        ({"ema": 0.9, "epochs": 3, "freeze_epochs": 2}, "too slow for 10 steps: .* 35% of the weights"),
    ],
)
def test_an_average_that_holds_much_of_the_first_weights_to_the_end_is_told(changes, words):
    said = " ".join(notices(record_of(experiment={"epochs": 15, "batch_size": 10} | changes)))  # of 100 images
    assert re.search(words, said) if words else "ema" not in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight_decay": 0.01}, "weight_decay 0.01 has no effect with optimizer adam."),
        ({"weight_decay": 0.01, "optimizer": "sgd"}, None),
        ({"plateau_factor": 0.1}, "plateau_factor 0.1 has no effect with schedule constant."),
        ({"freeze_epochs": 2, "fine_tune": "head"}, "freeze_epochs 2 has no effect with fine_tune head."),
        ({"focal_gamma": 1.0}, None),
    ],
)
def test_a_value_of_a_file_that_nothing_reads_is_told(changes, words):
    """Not so a focal loss' settings: a parameter set names them for both losses."""
    assert notices(record_of(experiment=changes)) == ([words] if words else [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"warmup_epochs": 4.0, "epochs": 4}, None),
        (
            {"warmup_epochs": 4.0, "epochs": 1},
            "A warm-up of 4 epochs does not end in 1: .* rises to 2.5e-05, not to 0.0001",
        ),
        ({"warmup_epochs": 2.0, "epochs": 3, "freeze_epochs": 2}, "rises to 5e-05, not to 0.0001"),
    ],
)
def test_a_run_that_ends_within_its_warm_up_says_which_rate_it_reaches(changes, words):
    said = " ".join(notices(record_of(experiment=changes | {"learning_rate": 1e-4})))
    assert re.search(words, said) if words else "warm-up" not in said
