"""Parameter sets for pretrained weights: which values hold, when, and what may replace them."""

from pathlib import Path

import pytest

from retina.errors import ExperimentError
from retina.experiments import parameters
from retina.experiments.settings import ADDED

GENTLE = ("head_start", "warmup_epochs", "clip_norm", "layer_decay")
OF_P1 = "5de368352c51234ba7ed7616ab1733b4f00a08f043c286b051f7262a10d1055e"
OF_A_HEAD = "2200a7811758f96008bbff13311ed0ebb5eb6f7a93adee894ba6e2d14f920017"
"""Digests (data `ddd...d`, weights `random`) of ResNet18 with p1 and of a head, before there was a gentle start."""
ABOVE = "batch_size = 4\nlearning_rate = 0.1\nepochs = 2\ndropout = 0.1\n"
TEXT = ABOVE + "[pretrained]\ndropout = 0.3\nepochs = 5\n"


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("weights", ["imagenet", "vgg16.pth", "an-earlier-run"])
def test_the_table_replaces_values_where_weights_are_pretrained(tmp_path, weights):
    item, overrides, fallback = parameters.load("resnet18", written(tmp_path), weights=weights)
    assert (item.dropout, item.epochs, item.batch_size) == (0.3, 5, 4)
    assert overrides == {"weights": {"file": None, "option": weights}}
    assert fallback.choice().experiment.dropout == 0.1


def test_random_weights_have_the_values_above_it(tmp_path):
    item, _, fallback = parameters.load("resnet18", written(tmp_path), weights="random")
    assert (item.dropout, item.epochs) == (0.1, 2)
    assert fallback is None


def test_a_head_alone_has_the_values_above_it(tmp_path):
    path = written(tmp_path)
    assert parameters.load("resnet18", path, fine_tune="head").experiment.dropout == 0.1
    assert parameters.load("resnet18", path, fine_tune="last").experiment.dropout == 0.3
    own = written(tmp_path, 'fine_tune = "head"\n' + TEXT)
    assert parameters.load("resnet18", own).experiment.dropout == 0.1


def test_an_option_that_means_nothing_in_the_fallback_is_refused_there(tmp_path):
    path = written(tmp_path, ABOVE + '[pretrained]\noptimizer = "sgd"\n')
    choice = parameters.load("resnet18", path, weight_decay=0.01)
    assert choice.experiment.optimizer == "sgd"
    with pytest.raises(ExperimentError, match="weight_decay has no meaning with optimizer adam"):
        choice.fallback.choice()


def test_a_file_that_names_random_weights_has_them_too(tmp_path):
    path = written(tmp_path, 'weights = "random"\n' + TEXT)
    assert parameters.load("resnet18", path).experiment.dropout == 0.1
    assert parameters.load("resnet18", path, weights="imagenet").experiment.dropout == 0.3


def test_an_option_goes_before_both_and_says_what_it_replaced(tmp_path):
    path = written(tmp_path)
    item, overrides, fallback = parameters.load("resnet18", path, dropout=0.3, epochs=3)
    assert (item.dropout, item.epochs) == (0.3, 3)
    assert overrides == {"epochs": {"file": 5, "option": 3}}
    instead = fallback.choice()
    assert (instead.experiment.dropout, instead.experiment.epochs) == (0.3, 3)
    assert instead.overrides == {"dropout": {"file": 0.1, "option": 0.3}, "epochs": {"file": 2, "option": 3}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dropuot = 0.1", ["unknown key of [pretrained] 'dropuot'", "did you mean 'dropout'?"]),
        ("weights = 'random'", ["weights cannot be in [pretrained]", "put it above the table"]),
        ("fine_tune = 'last'", ["fine_tune cannot be in [pretrained]", "put it above the table"]),
        ("weigths = 'random'", ["unknown key of [pretrained] 'weigths'", "did you mean 'weight_decay'?"]),
        ("seed = 1", ["seed is no key of a parameter set"]),
        ("epochs = 'many'", ["epochs cannot be 'many'"]),
        ("[pretraind]", ["did you mean 'pretrained'?"]),
    ],
)
def test_a_wrong_line_of_the_table_is_named(tmp_path, line, words):
    path = written(tmp_path, f"{ABOVE}[pretrained]\n{line}")
    with pytest.raises(ExperimentError) as caught:
        parameters.load("resnet18", path)
    for word in [*words, "mine.toml"]:
        assert word in str(caught.value)


def test_the_table_is_a_table(tmp_path):
    with pytest.raises(ExperimentError, match=r"pretrained must be a table .* Found: 3"):
        parameters.load("resnet18", written(tmp_path, "pretrained = 3\n" + ABOVE))


@pytest.mark.parametrize("name", ["p1", "p2", "p3"])
def test_the_sets_start_gently_from_pretrained_weights_and_as_the_study_says_from_random_ones(name):
    study = parameters.load("vgg16", name, weights="random").experiment
    gentle, _, fallback = parameters.load("vgg16", name)
    assert {key: getattr(study, key) for key in GENTLE} == {key: ADDED[key] for key in GENTLE}
    assert all(getattr(gentle, key) != ADDED[key] for key in GENTLE)
    changed = {key for key, value in gentle.to_dict().items() if value != study.to_dict()[key]}
    assert changed == {*GENTLE, "weights"}
    instead = fallback.choice().experiment.to_dict()
    assert instead == study.to_dict() | {"weights": "imagenet"}


def test_p3_differs_from_p1_in_what_its_card_gives_a_reason_for_and_in_nothing_else():
    first, third = (parameters.load("vgg16", name).experiment.to_dict() for name in ("p1", "p3"))
    changed = {key for key in first if first[key] != third[key]}
    assert changed == {"params", "image_size", "batch_size", "vertical_flip", "rotation", "epochs", "patience"}


def test_with_every_choice_of_the_gentle_start_turned_off_a_run_is_that_of_earlier_versions():
    item = parameters.load("resnet18", "p1", **{key: ADDED[key] for key in GENTLE}).experiment
    assert item.digest(data="d" * 64, weights="random") == OF_P1


def test_a_head_alone_is_that_of_earlier_versions():
    item = parameters.load("vgg16", fine_tune="head", deterministic=True, precision="float32").experiment
    assert item.digest(data="d" * 64, weights="random") == OF_A_HEAD


@pytest.mark.parametrize("key", ["batch_size", "learning_rate", "epochs"])
@pytest.mark.parametrize("weights", ["imagenet", "random"])
def test_a_key_that_must_be_there_must_be_above_the_table(tmp_path, key, weights):
    """Random weights may take the place of ImageNet's, and the table does not hold for them."""
    lines = ABOVE.splitlines(keepends=True)
    moved = next(line for line in lines if line.startswith(key))
    path = written(tmp_path, "".join(line for line in lines if line != moved) + "[pretrained]\n" + moved)
    with pytest.raises(ExperimentError, match=f"a value for {key} above .pretrained"):
        parameters.load("resnet18", path, weights=weights)
    assert parameters.load("resnet18", path, weights=weights, **{key: 3}).experiment
