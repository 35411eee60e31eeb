"""What searches vary: a space that no run may have is refused."""

import math

import pytest

from retina.errors import ExperimentError
from retina.experiments import parameters
from retina.experiments.search_space import VARIED, Range, Space
from retina.experiments.settings import ADDED


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": 1e-2, "high": 1e-3}, "--high must be larger than --low"),
        ({"low": 1e-2, "high": 1e-2}, "--high must be larger than --low .* Found: 0.01 and 0.01"),
        ({"low": 0.0}, "--low cannot be 0"),
        ({"high": 100.0}, "--high cannot be 100"),
        ({"batch_sizes": (0, 8)}, "--batch-sizes cannot be 0"),
        ({"varied": {"layer_decay": (0.5, 2.0)}}, "--vary layer_decay cannot be 2.0"),
        ({"varied": {"layer_decay": ()}}, "--vary layer_decay names no value"),
        ({"varied": {"image_size": (64, 96)}}, "unknown setting of --vary 'image_size'"),
        ({"varied": {"learning_rate": (0.1,)}}, "unknown setting of --vary 'learning_rate'"),
    ],
)
def test_a_space_that_no_run_may_have_is_refused(values, words):
    with pytest.raises(ExperimentError, match=words):
        Space(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": 0.1, "high": 0.01}, "--high must be larger than --low"),
        ({"low": math.nan}, "--low cannot be nan"),
        ({"low": -1.0}, "--low cannot be -1.0"),
        ({"high": 100.0}, "--high cannot be 100.0"),
        ({"steps": 0}, "--steps cannot be 0"),
        ({"seeds": 0}, "--seeds cannot be 0"),
    ],
)
def test_a_range_that_no_test_may_have_is_refused(values, words):
    with pytest.raises(ExperimentError, match=words):
        Range(**values)
    assert Range(low=1e-4).high == 1.0


@pytest.mark.parametrize(
    ("varied", "words"),
    [
        ({"optimizer": ("adam", "adamw")}, "adamw without weight_decay .* the trial with optimizer adamw"),
        ({"optimizer": ("adamw",), "weight_decay": (0.0, 0.1)}, "optimizer adamw, weight_decay 0.0"),
        ({"freeze_epochs": (2, 10)}, "freeze_epochs 10 leave no epoch"),
        ({"plateau_factor": (0.5, 0.2)}, "plateau_factor has no meaning with schedule constant .*--schedule plateau"),
        (
            {"plateau_factor": (0.5, 0.2), "schedule": ("constant", "cosine")},
            "no meaning with schedule constant, cosine .* add plateau to --vary schedule",
        ),
        ({"dropout": tuple(number / 1000 for number in range(200)), "epochs": (*range(1, 100),)}, "too large"),
    ],
)
def test_trials_that_could_not_be_trained_are_refused_before_the_first(varied, words):
    with pytest.raises(ExperimentError, match=words):
        Space(varied=varied).require_trials(parameters.gather("resnet18", "p1"))


def test_a_setting_may_be_searched_beside_the_one_it_depends_on():
    space = Space(varied={"schedule": ("constant", "plateau"), "plateau_factor": (0.5, 0.2)})
    space.require_trials(parameters.gather("resnet18", "p1"))
    assert space.searched == ("learning_rate", "batch_size", "schedule", "plateau_factor")


def test_every_setting_of_training_may_be_searched_but_what_decides_the_others():
    assert set(ADDED) - {"target"} <= set(VARIED)
    with pytest.raises(ExperimentError, match="unknown setting of --vary 'fine_tune'"):
        Space(varied={"fine_tune": ("head", "full")})


def test_what_is_recorded_of_a_space_without_other_settings_is_as_before():
    assert Space().to_dict() == {"low": 1e-5, "high": 1e-2, "batch_sizes": [16, 32, 64], "sampler_seed": 0}
    assert Space(varied={"dropout": (0.1, 0.2)}).to_dict()["varied"] == {"dropout": [0.1, 0.2]}
