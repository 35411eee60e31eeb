"""The learning-rate range test: what it never looks at, and the name under which it is found."""

import numpy as np
import pytest
from small_runs import planned, small_network

from retina.experiments import search_space
from retina.runs import searches
from retina.training.searches import lr_range


def test_a_range_test_reads_training_images_alone(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path)
    rows = set(plan.data.splits["train"].rows.tolist())
    seen = set()

    class Watched:
        def __getitem__(self, chosen):
            seen.update(np.asarray(chosen).tolist())
            return images[chosen]

    images = plan.data.images
    object.__setattr__(plan.data, "images", Watched())
    traces = lr_range.measure(plan, search_space.Range(steps=20, seeds=1), build=small_network)
    assert len(traces[0].losses) > 0
    assert seen == rows


def test_the_range_test_of_a_head_reads_training_images_alone_too(tiny_set, tmp_path, monkeypatch):
    from retina.training.features import Features

    asked = []
    original = Features.of
    monkeypatch.setattr(
        Features, "of", lambda self, split, variant=0: asked.append(split) or original(self, split, variant)
    )
    plan = planned(tiny_set, tmp_path, fine_tune="head", feature_variants=0)
    lr_range.measure(plan, search_space.Range(steps=12, seeds=1))
    assert set(asked) == {"train"}


@pytest.mark.parametrize("settings", [{"class_weight": "balanced"}, {"label_smoothing": 0.2}])
def test_a_range_test_measures_the_loss_that_a_run_would_train_by(tiny_set, tmp_path, settings):
    span = search_space.Range(steps=2, seeds=1)
    (plain,), (other,) = (
        lr_range.measure(planned(tiny_set, tmp_path, **given), span, build=small_network) for given in ({}, settings)
    )
    assert (plain.losses != other.losses).all()


@pytest.mark.parametrize(("backbone", "start"), [("resnet18", "resnet18-"), ("keras:MobileNetV3Small", "keras.Mobile")])
def test_no_folder_has_a_colon_in_its_name(tiny_set, tmp_path, backbone, start):
    plan = planned(tiny_set, tmp_path, backbone)
    name = lr_range.folder(plan, search_space.Range()).name
    assert name.startswith(start)
    assert ":" not in name
    assert lr_range.content(plan, search_space.Range())["experiment"]["backbone"] == backbone


def test_a_test_of_an_earlier_version_is_found_under_its_name_with_a_colon(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path, "keras:MobileNetV3Small")
    new = lr_range.folder(plan, search_space.Range())
    former = new.with_name(new.name.replace("keras.", "keras:"))
    former.mkdir(parents=True)
    assert lr_range.folder(plan, search_space.Range()) == former
    assert lr_range.folder(plan, search_space.Range(steps=50)).parent == searches.range_folder(tmp_path)
    assert ":" not in lr_range.folder(plan, search_space.Range(steps=50)).name
