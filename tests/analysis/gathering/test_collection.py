"""Run folders are read whole, under labels that tell them apart; what is damaged is named and left out."""

import json
import shutil

import pytest
from made_runs import make_run, make_study

from retina.analysis.gathering import collection, naming
from retina.runs import record as records
from retina.runs import status
from retina.runs.folder import Run


def damaged(run, text, name="record.json"):
    """Read a run one of whose files was changed by someone who knows how to seal a record."""
    (run.folder / name).write_text(text)
    record = json.loads(run.record_path.read_text())
    record.pop("seal", None)
    if name != "record.json":
        record["files"] = status.digests(run)
    run.write_record(record)
    return collection.collect([run])


def test_the_study_is_read_with_short_labels(tmp_path):
    entries, problems = collection.collect(make_study(tmp_path))
    assert not problems
    assert sorted(entry.label for entry in entries) == [
        *("resnet18 p1 ce", "resnet18 p1 focal", "resnet18 p2 ce"),
        *("resnet50 p1 ce", "resnet50 p2 ce", "vgg16 p1 ce", "vgg16 p2 ce"),
    ]


def test_labels_name_only_what_differs(tmp_path):
    made = [make_run(tmp_path, seed=seed) for seed in (0, 1)]
    made += [make_run(tmp_path, image_size=size, digest=f"{size:08d}", params="p2") for size in (64, 96)]
    made += [make_run(tmp_path, loss="focal", data=data, digest=data * 8) for data in "ab"]
    made += [make_run(tmp_path, backbone="vgg16", digest=digest * 8) for digest in "ef"]
    entries, _ = collection.collect(made)
    labels = {entry.name: entry.label for entry in entries}
    assert labels == {
        "resnet18-p1-ce-seed0-00000000": "resnet18 p1 ce seed 0",
        "resnet18-p1-ce-seed1-00000000": "resnet18 p1 ce seed 1",
        "resnet18-p2-ce-seed0-00000064": "resnet18 p2 ce image size 64",
        "resnet18-p2-ce-seed0-00000096": "resnet18 p2 ce image size 96",
        "resnet18-p1-focal-seed0-aaaaaaaa": "resnet18 p1 focal eyes aaaaaaaa",
        "resnet18-p1-focal-seed0-bbbbbbbb": "resnet18 p1 focal eyes bbbbbbbb",
        "vgg16-p1-ce-seed0-eeeeeeee": "vgg16 p1 ce eeeeeeee",
        "vgg16-p1-ce-seed0-ffffffff": "vgg16 p1 ce ffffffff",
    }


def test_an_unfinished_run_is_read_without_predictions_and_even_without_an_epoch(tmp_path):
    running = make_run(tmp_path, status="running", epochs=3)
    started = make_run(tmp_path, status="interrupted", epochs=0, seed=1)
    entries, problems = collection.collect([running, started])
    assert not problems
    assert [len(entry.history) for entry in entries] == [3, 0]
    assert not any(entry.finished for entry in entries)


@pytest.mark.parametrize("key", sorted(records.NEEDED))
def test_a_record_that_lacks_what_is_read_is_named(tmp_path, key):
    run = make_run(tmp_path)
    record = json.loads(run.record_path.read_text())
    inner = record
    *outer, last = key.split(".")
    for name in outer:
        inner = inner[name]
    for wrong in ("absent", "of another type"):
        if wrong == "absent":
            del inner[last]
        else:
            inner[last] = 7 if records.NEEDED[key] in (str, (str, type(None))) else "text"
        entries, problems = damaged(run, json.dumps(record))
        assert not entries
        assert len(problems) == 1
        assert str(run.record_path) in problems[0]
        assert key.split(".")[0] in problems[0]


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


def test_an_exclusion_without_a_reason_is_named(tmp_path):
    run = make_run(tmp_path)
    _, problems = damaged(run, run.record_path.read_text().replace('"reason"', '"because"'))
    assert "split, id and reason" in problems[0]


def test_a_history_of_other_epochs_than_the_record_says_is_named(tmp_path):
    run = make_run(tmp_path)
    lines = run.history_path.read_text().splitlines()
    _, problems = damaged(run, "\n".join(lines[:-1]) + "\n", "history.csv")
    assert "epochs 1 to 10" in problems[0]
    _, problems = damaged(run, "\n".join([*lines[:2], *lines[3:]]) + "\n", "history.csv")
    assert "epochs 1 to 10" in problems[0]


def test_a_run_of_another_schema_is_named(tmp_path):
    run = make_run(tmp_path)
    _, problems = damaged(run, run.record_path.read_text().replace('"schema": 2', '"schema": 0'))
    assert "another schema" in problems[0]


def test_no_path_of_the_machine_is_in_the_name_of_the_data(tmp_path):
    entries, _ = collection.collect([make_run(tmp_path)])
    assert naming.data_name(entries[0].record) == "eyes dddddddd"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"experiment": {"learning_rate": 0}}, "experiment.learning_rate"),
        ({"data": {"splits": {"train": {"images": 0}}}}, "data.splits.train.images"),
        ({"model": "x"}, "model"),
        ({"timings": {"training_seconds": "x"}}, "timings.training_seconds"),
        ({"timings": {"feature_seconds": "x"}}, "timings.feature_seconds"),
        ({"data": {"warnings": [1]}}, "data.warnings"),
        ({"data": {"excluded": [{"split": "zzz", "id": "1", "reason": "r"}]}}, "data.excluded"),
        ({"baselines": {"majority": {"test": {"accuracy": 79.1}}}}, "baselines.majority.test.accuracy"),
        ({"best_epoch": 99}, "best epoch 99"),
    ],
)
def test_values_out_of_range_are_named_not_met_later(tmp_path, change, words):
    def merge(into, other):
        for key, value in other.items():
            if isinstance(value, dict):
                merge(into[key], value)
            else:
                into[key] = value

    run = make_run(tmp_path)
    record = json.loads(run.record_path.read_text())
    merge(record, change)
    _, problems = damaged(run, json.dumps(record))
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize("column", ["train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_auroc"])
def test_a_curve_out_of_range_is_named(tmp_path, column):
    for value in ("-0.1", "79.1"):
        run = make_run(tmp_path / value)
        lines = [line.split(",") for line in run.history_path.read_text().splitlines()]
        lines[3][lines[0].index(column)] = value
        _, problems = damaged(run, "\n".join(map(",".join, lines)) + "\n", "history.csv")
        assert len(problems) == (0 if value == "79.1" and column.endswith("loss") else 1)


def test_a_colour_histogram_without_an_auroc_is_no_damage(tmp_path):
    run = make_run(tmp_path)
    record = json.loads(run.record_path.read_text())
    record["baselines"]["colour_histogram"]["test"]["auroc"] = None
    assert damaged(run, json.dumps(record))[1] == []


def test_a_copy_of_a_run_is_named_and_is_no_repetition(tmp_path):
    run = make_run(tmp_path)
    shutil.copytree(run.folder, run.folder.with_name("resnet18 copy"))
    entries, problems = collection.collect([run, Run(run.folder.with_name("resnet18 copy"))])
    assert len(entries) == 1
    assert "a run stands twice" in problems[0]


def test_a_folder_that_vanishes_is_one_line(tmp_path):
    run = make_run(tmp_path)
    shutil.rmtree(run.folder)
    entries, problems = collection.collect([run])
    assert not entries
    assert "cannot be read" in problems[0]


def labels_of(*changes):
    """Labels of one run, changed as told."""
    made = [{"experiment": dict(BASE) | settings, "weights": {"origin": origin}} for settings, origin in changes]
    return naming.differing_settings(made)


BASE = {"loss": "ce", "fine_tune": "full", "focal_gamma": 2.0, "weights": "imagenet", "feature_variants": 4}


def test_a_run_is_named_by_the_weights_it_started_from_and_by_settings_that_mean_something():
    asked, random = ({}, "random"), ({"weights": "random"}, "random")
    assert labels_of(asked, random) == ["", ""]
    assert labels_of(asked, ({}, "imagenet")) == ["weights random", "weights imagenet"]
    head = {"fine_tune": "head", "feature_variants": 2}
    assert labels_of(asked, (head, "random")) == ["fine tune full", "fine tune head"]
    more = {"fine_tune": "head", "feature_variants": 3}
    assert labels_of((head, "random"), (more, "random")) == ["feature variants 2", "feature variants 3"]
    assert labels_of(asked, ({"focal_gamma": 1.0, "feature_variants": 0}, "random")) == ["", ""]
