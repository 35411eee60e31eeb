"""A search from Python: what is refused before anything is read; `tests/commands/test_tune.py` searches."""

import pytest

from retina.errors import ExperimentError
from retina.experiments import parameters
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
    basis = parameters.gather("resnet18", "p1", **settings)
    space.require_trials(basis)
    shared = basis.trial(space.first).choice().experiment
    assert {name: getattr(shared, name) for name in settings} == settings


@pytest.mark.parametrize(
    ("varied", "settings", "words"),
    [
        (
            {"schedule": ["constant", "cosine"]},
            {"plateau_patience": 2},
            r"^plateau_patience has no meaning with schedule constant, cosine \| Next: add plateau to --vary schedule",
        ),
        (
            {"optimizer": ["adam", "adamw"]},
            {"weight_decay": 0.05, "plateau_patience": 2},
            r"^plateau_patience has no meaning with schedule constant \| Next: add --schedule plateau",
        ),
        (
            {"optimizer": ["adam"], "weight_decay": [0.05, 0.1]},
            {},
            r"^--vary weight_decay has no meaning with optimizer adam \| Next: add adamw to --vary optimizer",
        ),
        ({"freeze_epochs": [10, 2]}, {}, "Where: the trial with freeze_epochs 10 .*leave one of these values out"),
        ({"optimizer": ["adamw", "adam"]}, {}, "Where: the trial with optimizer adamw .*weight_decay=0.01,0.1 beside"),
    ],
)
def test_what_no_trial_reads_or_may_have_is_refused_by_its_name(tmp_path, varied, settings, words):
    with pytest.raises(ExperimentError, match=words):
        workflow.tune("resnet18", trials=2, varied=varied, place=Place(tmp_path, tmp_path / "nowhere"), **settings)


def test_a_trial_in_words():
    trial = Trial(1, 3e-4, 16, "a-run", "finished", 0.91234, 5)
    assert workflow.in_words(trial) == "learning rate 0.0003, batch 16: validation AUROC 0.9123 after 5 epochs"
    pruned = Trial(2, 3e-4, 16, "a-run", "pruned", None, 3)
    assert workflow.in_words(pruned) == "learning rate 0.0003, batch 16: pruned after 3 epochs"
    varied = Trial(3, 3e-4, 16, "a-run", "pruned", None, 3, {"schedule": "cosine"})
    assert workflow.in_words(varied) == "learning rate 0.0003, batch 16, schedule cosine: pruned after 3 epochs"
