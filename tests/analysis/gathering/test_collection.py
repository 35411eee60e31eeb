"""Run folders are read whole, each under a label of its own; what is damaged is named and left out."""

import json
import shutil

import pytest
from made_runs import make_run, make_study, rewrite, sealed

from retina.analysis.gathering import collection
from retina.experiments.splits import PREDICTED_SPLITS
from retina.runs.data import ColourHistogram
from retina.runs.folder import Run


def damaged(run, text, name):
    """Read a run one of whose tables was changed by someone who knows how to seal a record."""
    (run.folder / name).write_text(text)
    return collection.collect([sealed(run)])


def test_the_study_is_read_with_short_labels(tmp_path):
    entries, problems = collection.collect(make_study(tmp_path))
    assert not problems
    assert sorted(entry.label for entry in entries) == [
        *("resnet18 p1 ce", "resnet18 p1 focal", "resnet18 p2 ce"),
        *("resnet50 p1 ce", "resnet50 p2 ce", "vgg16 p1 ce", "vgg16 p2 ce"),
    ]


def test_an_unfinished_run_is_read_without_predictions_and_even_without_an_epoch(tmp_path):
    running = make_run(tmp_path, status="running", epochs=3)
    started = make_run(tmp_path, status="interrupted", epochs=0, seed=1)
    entries, problems = collection.collect([running, started])
    assert not problems
    assert [len(entry.history) for entry in entries] == [3, 0]
    assert not any(entry.finished for entry in entries)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("test,48,0,", "test,48,1,"), "images, positives"),
        (lambda text: text + "test,48,0,0.5\n", "twice"),
        (lambda text: "\n".join(text.splitlines()[:-3]) + "\n", "images, positives"),
        (lambda text: "\n".join([*text.splitlines()[:-1], "test,48,0,inf"]) + "\n", "finite logits"),
        (lambda text: text.replace("validation", "training"), "images of validation and test"),
        (lambda _: "", "cannot be read"),
    ],
)
def test_predictions_that_contradict_the_record_are_named_and_the_rest_goes_on(tmp_path, change, words):
    good, bad = make_run(tmp_path), make_run(tmp_path, seed=1)
    bad.predictions_path.write_text(change(bad.predictions_path.read_text()))
    entries, problems = collection.collect([bad, good])
    assert [entry.name for entry in entries] == [good.folder.name]
    assert len(problems) == 1
    assert words in problems[0]
    assert str(bad.predictions_path) in problems[0]


def test_a_history_of_other_epochs_than_the_record_says_is_named(tmp_path):
    run = make_run(tmp_path)
    lines = run.history_path.read_text().splitlines()
    _, problems = damaged(run, "\n".join(lines[:-1]) + "\n", "history.csv")
    assert "epochs 1 to 10" in problems[0]
    _, problems = damaged(run, "\n".join([*lines[:2], *lines[3:]]) + "\n", "history.csv")
    assert "epochs 1 to 10" in problems[0]


def test_a_run_of_another_schema_is_named(tmp_path):
    run = make_run(tmp_path)
    run.record_path.write_text(run.record_path.read_text().replace('"schema": 3', '"schema": 0'))
    _, problems = collection.collect([run])
    assert "another schema" in problems[0]


def test_a_record_with_a_wrong_value_is_named_and_the_rest_goes_on(tmp_path):
    good, bad = make_run(tmp_path), make_run(tmp_path, seed=1)
    content = json.loads(bad.record_path.read_text())
    content["data"]["splits"]["train"]["images"] = 0
    bad.record_path.write_text(json.dumps(content))
    entries, problems = collection.collect([bad, good])
    assert [entry.name for entry in entries] == [good.folder.name]
    assert len(problems) == 1
    assert "data.splits.train.images" in problems[0]


def test_a_best_epoch_that_was_not_trained_is_named(tmp_path):
    _, problems = collection.collect([rewrite(make_run(tmp_path), best_epoch=99)])
    assert len(problems) == 1
    assert "best epoch 99" in problems[0]


@pytest.mark.parametrize("column", ["train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_auroc"])
def test_a_curve_out_of_range_is_named(tmp_path, column):
    for value in ("-0.1", "79.1"):
        run = make_run(tmp_path / value)
        lines = [line.split(",") for line in run.history_path.read_text().splitlines()]
        lines[3][lines[0].index(column)] = value
        _, problems = damaged(run, "\n".join(map(",".join, lines)) + "\n", "history.csv")
        assert len(problems) == (0 if value == "79.1" and column.endswith("loss") else 1)


def test_a_colour_histogram_without_an_auroc_is_no_damage(tmp_path):
    histogram = {split: ColourHistogram(accuracy=0.7, auroc=None) for split in PREDICTED_SPLITS}
    run = rewrite(make_run(tmp_path), baselines={"colour_histogram": histogram})
    assert collection.collect([run])[1] == []


def test_a_copy_of_a_run_is_named_and_is_no_repetition(tmp_path):
    run = make_run(tmp_path)
    shutil.copytree(run.folder, run.folder.with_name("resnet18 copy"))
    entries, problems = collection.collect([run, Run(run.folder.with_name("resnet18 copy"))])
    assert len(entries) == 1
    assert "a run is a copy of another run" in problems[0]


def test_a_folder_that_vanishes_is_one_line(tmp_path):
    run = make_run(tmp_path)
    shutil.rmtree(run.folder)
    entries, problems = collection.collect([run])
    assert not entries
    assert "cannot be read" in problems[0]
