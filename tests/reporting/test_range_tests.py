"""A range test is a folder with its record, its curve and its figure, written whole."""

import csv

import numpy as np
import pytest

from retina.errors import RunError
from retina.reporting import range_tests
from retina.reporting.figures.rates import Line

RECORD = {
    "experiment": {
        "backbone": "resnet18",
        "params": "p1",
        "loss": "ce",
        "batch_size": 8,
        "image_size": 64,
        "fine_tune": "full",
    },
    "data": {"fingerprint": "d" * 64},
    "weights": {"origin": "random"},
    "suggestion": 1e-3,
}
RATES = np.array([1e-4, 1e-3, 1e-2])
LINES = [Line(seed, RATES, np.array([0.9, 0.5, 0.7]), np.array([0.9, 0.6, 0.65]), 1e-3) for seed in (0, 1)]


def test_a_range_test_is_read_as_it_was_written(tmp_path):
    folder = tmp_path / "lr-find" / "a"
    range_tests.write(folder, RECORD, LINES)
    assert range_tests.read(folder) == RECORD
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.png", "curve.svg", "record.json"]
    with (folder / "curve.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["seed"], row["step"]) for row in rows] == [(str(s), str(n)) for s in (0, 1) for n in (1, 2, 3)]
    assert [float(row["learning_rate"]) for row in rows[:3]] == RATES.tolist()
    assert [float(row["smoothed"]) for row in rows[:3]] == [0.9, 0.6, 0.65]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "cross-entropy, nats"),
        ({"class_weight": "none", "label_smoothing": 0.0}, "cross-entropy, nats"),
        ({"class_weight": "balanced"}, "class-weighted cross-entropy, nats"),
        ({"loss": "focal", "label_smoothing": 0.1}, "focal loss, nats, label smoothing 0.1"),
    ],
)
def test_the_axis_names_the_loss_that_was_measured(settings, name):
    assert range_tests.loss_name(RECORD["experiment"] | settings) == name


def test_a_new_range_test_replaces_the_earlier_one_with_its_check(tmp_path):
    folder = tmp_path / "lr-find" / "a"
    range_tests.write(folder, RECORD, LINES)
    (folder / "check.json").write_text("of the earlier test")
    range_tests.write(folder, RECORD | {"suggestion": None}, LINES[:1])
    assert range_tests.read(folder)["suggestion"] is None
    assert not (folder / "check.json").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["a"]


def test_a_record_that_was_changed_is_an_error_that_names_the_way_out(tmp_path):
    folder = tmp_path / "lr-find" / "a"
    range_tests.write(folder, RECORD, LINES[:1])
    path = folder / "record.json"
    path.write_text(path.read_text().replace("0.001", "0.1"))
    with pytest.raises(RunError, match=r"an earlier range test is damaged .*--force"):
        range_tests.read(folder)
