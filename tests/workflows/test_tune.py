"""A search from Python: what is refused before anything is read; `tests/commands/test_tune.py` searches."""

import pytest

from retina.errors import ExperimentError
from retina.experiments.place import Place
from retina.experiments.search_space import Space
from retina.training.searches.tuning import Trial
from retina.workflows import tune as workflow


def test_a_space_that_no_run_may_have_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ExperimentError, match="--low cannot be 0"):
        workflow.tune("resnet18", trials=2, low=0.0, place=Place(tmp_path / "r", tmp_path / "nowhere"))


def test_a_setting_that_is_fixed_cannot_be_searched(tmp_path):
    with pytest.raises(ExperimentError, match="dropout is both fixed and searched"):
        workflow.tune("resnet18", trials=2, varied={"dropout": [0.1, 0.3]}, dropout=0.2, place=Place(tmp_path / "r"))


@pytest.mark.parametrize(
    ("varied", "settings"),
    [
        ({"weight_decay": [0.05, 0.1]}, {"optimizer": "adamw"}),
        ({"optimizer": ["adam", "adamw"]}, {"weight_decay": 0.05}),
        ({"schedule": ["constant", "plateau"]}, {"plateau_patience": 2}),
    ],
)
def test_a_setting_may_need_what_is_searched_or_have_an_effect_in_some_trials_alone(varied, settings):
    space = Space(varied={name: tuple(values) for name, values in varied.items()})
    shared = workflow.base("resnet18", "p1", space, settings).experiment
    space.require_trials(shared)
    assert {name: getattr(shared, name) for name in settings} == settings


def test_a_setting_without_effect_in_any_trial_is_refused():
    space = Space(varied={"schedule": ("constant", "cosine")})
    with pytest.raises(ExperimentError, match="plateau_patience has no meaning with schedule constant"):
        workflow.base("resnet18", "p1", space, {"plateau_patience": 2})


def test_a_trial_in_words():
    trial = Trial(1, 3e-4, 16, "a-run", "finished", 0.91234, 5)
    assert workflow.in_words(trial) == "learning rate 0.0003, batch 16: validation AUROC 0.9123 after 5 epochs"
    pruned = Trial(2, 3e-4, 16, "a-run", "pruned", None, 3)
    assert workflow.in_words(pruned) == "learning rate 0.0003, batch 16: pruned after 3 epochs"
    varied = Trial(3, 3e-4, 16, "a-run", "pruned", None, 3, {"schedule": "cosine"})
    assert workflow.in_words(varied) == "learning rate 0.0003, batch 16, schedule cosine: pruned after 3 epochs"
