"""Runs and their data have short names, which differ where the runs do."""

from made_runs import COUNTS, SETTINGS, changed, make_run, record

from retina.analysis.gathering import collection, naming
from retina.experiments.experiment import Experiment
from retina.experiments.target import binary

BASE = record(
    "a",
    Experiment(backbone="vgg16", params="p1", **SETTINGS | {"weights": "imagenet"}),
    status="completed",
    data="d",
    epochs=2,
    counts=COUNTS,
    best=2,
)


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


def test_no_path_of_the_machine_is_in_the_name_of_the_data(tmp_path):
    entries, _ = collection.collect([make_run(tmp_path)])
    assert naming.data_name(entries[0].record) == "eyes dddddddd"


def test_copies_of_one_run_are_numbered_after_their_digest():
    assert naming.labels([BASE, BASE]) == [f"vgg16 p1 ce {BASE.digest[:8]} ({number})" for number in (1, 2)]


def test_a_target_other_than_the_default_one_is_named_with_the_run_and_with_its_data():
    other = changed(BASE, target=binary("DR"))
    assert naming.labels([BASE, other]) == ["vgg16 p1 ce", "vgg16 p1 ce DR"]
    assert naming.data_name(other) == "eyes dddddddd DR"


def test_the_built_in_data_have_no_folder():
    assert naming.data_name(changed(BASE, data={"source": "built-in"})) == "built-in dddddddd"


def differences(*changes):
    """The settings that differ between runs made of `BASE` by changes of settings and of weights."""
    records = [changed(BASE, experiment=dict(settings), weights={"origin": origin}) for settings, origin in changes]
    return naming.differing_settings(records)


def test_a_run_is_named_by_the_weights_it_started_from_and_by_settings_that_mean_something():
    requested, random = ({}, "random"), ({"weights": "random"}, "random")
    assert differences(requested, random) == ["", ""]
    assert differences(requested, ({}, "imagenet")) == ["weights random", "weights imagenet"]
    file = ({"weights": "/home/ann/studies/fundus.pth"}, "file")
    assert differences(requested, file) == ["weights random", "weights fundus.pth"]
    head = {"fine_tune": "head", "feature_variants": 2}
    assert differences(requested, (head, "random")) == ["fine tune full", "fine tune head"]
    more = {"fine_tune": "head", "feature_variants": 3}
    assert differences((head, "random"), (more, "random")) == ["feature variants 2", "feature variants 3"]
    assert differences(requested, ({"layer_decay": 0.5}, "random")) == ["layer decay 1", "layer decay 0.5"]
    assert differences((head, "random"), (head | {"layer_decay": 0.5}, "random")) == ["", ""]
    assert differences(requested, ({"focal_gamma": 1.0, "feature_variants": 0}, "random")) == ["", ""]
