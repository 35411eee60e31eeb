"""retina's `fit` and a plain torch loop draw the same curves from the same start; another recipe draws others."""

import dataclasses
import functools

import parity
import pytest
from tiny_sets import write_set

from retina.errors import ExperimentError
from retina.experiments.place import Place

# The bounds are low enough to be met: a gentle start's gradients are clipped, of either loss.
GENTLE = {"head_start": "prior", "warmup_epochs": 2.0, "clip_norm": 0.1, "layer_decay": 0.5}
FOCAL = GENTLE | {"loss": "focal", "clip_norm": 0.01}
# At p1's 1e-4 rounding alone moves ResNet18's losses by some percent, and VGG16's by a thousandth.
SLOW = {"learning_rate": 1e-5}

ROUNDING = 2e-4
"""Largest relative difference of a loss that is taken for rounding; most are below 1e-5."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Makes plans of three epochs of three steps."""
    folder = tmp_path_factory.mktemp("parity")
    place = Place(folder / "results", write_set(folder / "set", {"train": 24, "validation": 8, "test": 8}), quiet=True)
    fixed = {"weights": "random", "image_size": 64, "batch_size": 8, "epochs": 3}
    return functools.partial(parity.planned, params="p1", place=place, **fixed)


@pytest.mark.parametrize("setting", [{"ema": 0.9}, {"schedule": "cosine"}, {"class_weight": "balanced"}])
def test_a_recipe_that_the_plain_loop_does_not_have_is_refused(planned, setting):
    ((name, value),) = setting.items()
    with pytest.raises(ExperimentError, match=f"the plain loop has no such setting .*Expected: {name} .*{value}"):
        planned("resnet18", **setting)


@pytest.fixture(scope="module")
def gentle(planned):
    """The plan of a gentle start of ResNet18, and retina's curves."""
    item = planned("resnet18", **GENTLE)
    return item, parity.retina_curves(item, parity.start(item)[0])


def apart(found, expected):
    """The largest relative difference of a loss in any epoch."""
    largest = parity.largest(parity.differences(found, expected))
    return max(largest["train_loss"], largest["val_loss"])


@pytest.mark.extra
@pytest.mark.parametrize(
    ("backbone", "recipe"),
    [("resnet18", SLOW), ("resnet18", FOCAL), ("vgg16", GENTLE)],
    ids=["resnet18-plain", "resnet18-focal", "vgg16-gentle"],
)
def test_retina_trains_as_plain_torch_does(planned, backbone, recipe):
    item = planned(backbone, **recipe)
    network, twin = parity.start(item)
    found, expected = parity.retina_curves(item, network), parity.plain_curves(item, twin)
    assert found[-1]["train_loss"] < found[0]["train_loss"]
    assert apart(found, expected) < ROUNDING


def test_a_gentle_start_is_that_of_plain_torch(gentle):
    item, curves = gentle
    assert apart(curves, parity.plain_curves(item, parity.start(item)[1])) < ROUNDING


@pytest.mark.parametrize(
    "settings",
    [{"clip_norm": 0.0}, {"warmup_epochs": 0.0}, {"learning_rate": 1.05e-4}, {"layer_decay": 0.45}],
    ids=" ".join,
)
def test_another_recipe_is_told_apart(gentle, settings):
    item, curves = gentle
    other = dataclasses.replace(item, experiment=dataclasses.replace(item.experiment, **settings))
    assert apart(parity.plain_curves(other, parity.start(item)[1]), curves) > 2 * ROUNDING


def test_another_epsilon_is_told_apart(gentle, monkeypatch):
    item, curves = gentle
    monkeypatch.setattr(parity, "EPSILON", 1e-8)
    assert apart(parity.plain_curves(item, parity.start(item)[1]), curves) > 2 * ROUNDING


def test_other_sums_are_not_told_apart(gentle):
    """What rounding does by itself is within the bound, from weights changed in their last place as well."""
    item, curves = gentle
    assert all(apart(control, curves) < ROUNDING for control in parity.controls(item).values())
