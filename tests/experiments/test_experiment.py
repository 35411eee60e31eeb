"""Experiments: what a parameter file and options may say, and what they may not."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.errors import ExperimentError
from retina.experiments import parameters, recipes
from retina.experiments.experiment import SETTINGS, Experiment
from retina.experiments.settings import ADDED, DEPENDS_ON
from retina.experiments.target import DEFAULT, DISEASE_RISK, binary


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


BASE = "batch_size = 4\nlearning_rate = 0.1\nepochs = 2\n"


@pytest.mark.parametrize(
    ("name", "batch_size", "learning_rate", "epochs"), [("p1", 32, 1e-4, 10), ("p2", 64, 1e-3, 15)]
)
def test_parameter_sets_are_those_of_the_study(name, batch_size, learning_rate, epochs):
    found, overrides, *_ = parameters.load("resnet18", name)
    assert (found.batch_size, found.learning_rate, found.epochs) == (batch_size, learning_rate, epochs)
    assert found.early_stopping
    assert found.patience == 3
    assert overrides == {}


def test_an_option_overrides_its_key_and_is_recorded():
    found, overrides, *_ = parameters.load("resnet18", "p1", epochs=2, loss="focal", seed=4)
    assert (found.epochs, found.loss, found.seed) == (2, "focal", 4)
    assert overrides == {"epochs": {"file": 10, "option": 2}}


def test_an_option_equal_to_its_key_overrides_nothing():
    assert parameters.load("resnet18", "p1", epochs=10)[1] == {}


def test_a_file_may_be_named_by_its_path(tmp_path):
    found, *_ = parameters.load("resnet18", write(tmp_path, BASE))
    assert found.params == "mine"
    assert found.learning_rate == 0.1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("learning_rat = 1e-3", ["unknown key 'learning_rat'", "did you mean 'learning_rate'?", "mine.toml"]),
        ("seed = 1", ["seed is no key of a parameter set", "the command line says the seed", "mine.toml"]),
        ("dropout = 0x" + "f" * 5000, ["dropout cannot be a number of thousands of digits", "mine.toml"]),
        ("dropout = " + "9" * 5000, ["cannot be read", "mine.toml"]),
        ("dropout = " + repr("much" * 100), ["dropout cannot be 'much", "...", "mine.toml"]),
        ("dropout = 'much'", ["dropout", "a number from 0 to 0.95", "'much'", "mine.toml"]),
        ("dropout = 0.99", ["dropout", "0.99", "from 0 to 0.95"]),
        ("patience = 2.0", ["patience", "a whole number", "2.0"]),
        ("patience = true", ["patience", "True"]),
        ("early_stopping = 1", ["early_stopping", "true or false"]),
        ("fine_tune = 'heads'", ["unknown fine_tune 'heads'", "head, last, full", "did you mean 'head'?"]),
        ("rotation = nan", ["rotation", "nan"]),
        ("target = ' DR'", ["target cannot be ' DR'", "the name of a column", "mine.toml"]),
        ("dropout = 0.1\ndropout = 0.2", ["cannot be read", "mine.toml"]),
    ],
)
def test_a_wrong_line_is_named_with_what_is_allowed(tmp_path, line, words):
    with pytest.raises(ExperimentError) as caught:
        parameters.load("resnet18", write(tmp_path, BASE + line))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message or word in message.replace("full, head, last", "head, last, full")


@pytest.mark.parametrize("missing", ["batch_size", "learning_rate", "epochs"])
def test_a_parameter_set_must_be_complete(tmp_path, missing):
    text = "".join(line + "\n" for line in BASE.splitlines() if not line.startswith(missing))
    with pytest.raises(ExperimentError, match=missing):
        parameters.load("resnet18", write(tmp_path, text))


def test_an_option_can_complete_a_parameter_set(tmp_path):
    text = BASE.replace("epochs = 2\n", "")
    assert parameters.load("resnet18", write(tmp_path, text), epochs=7)[0].epochs == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"params": "p11"}, "did you mean 'p1'?"),
        ({"params": "absent.toml"}, "absent.toml"),
        ({"loss": "focl"}, "did you mean 'focal'?"),
        ({"epochs": 0}, "from 1 to 10000"),
        ({"seed": -1}, "seed"),
        ({"epoch": 3}, "did you mean 'epochs'?"),
    ],
)
def test_a_wrong_option_is_named(arguments, words):
    with pytest.raises(ExperimentError) as caught:
        parameters.load("resnet18", **({"params": "p1"} | arguments))
    assert words in str(caught.value)


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbf" + BASE.encode())
    assert parameters.load("resnet18", str(tmp_path / "mine.toml"))[0].epochs == 2


def test_zero_has_one_digest_whatever_its_sign():
    one, other = (parameters.load("resnet18", dropout=zero)[0].digest(data="d", weights="w") for zero in (0, -0.0))
    assert one == other


def test_a_folder_or_bytes_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExperimentError, match="cannot be read"):
        parameters.load("resnet18", str(tmp_path / "bad.toml"))


def test_every_setting_of_a_file_stands_in_every_parameter_set():
    """A reader of p1.toml sees every knob there is."""
    for name in ("p1", "p2", "p3"):
        values = parameters.read(recipes.params_path(name)).values
        assert set(values) == {key for key, rule in SETTINGS.items() if rule.in_file} - {"precision"}


CHANGES = {
    key: (
        not getattr(parameters.load("resnet18")[0], key)
        if rule.kind is bool
        else next(word for word in rule.choices if word != getattr(parameters.load("resnet18", loss="focal")[0], key))
        if rule.choices
        else "other"
        if rule.kind is str
        else 96
        if rule.kind is int
        else 0.3
    )
    for key, rule in SETTINGS.items()
}


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({}, 0),
        ({"warmup_epochs": 0.2}, 1),
        ({"warmup_epochs": 2.0}, 2),
        ({"freeze_epochs": 2, "warmup_epochs": 1.5}, 4),
        ({"fine_tune": "head", "warmup_epochs": 1.0}, 1),
    ],
)
def test_early_stopping_judges_no_epoch_of_the_head_alone_or_of_the_warm_up(options, epochs):
    assert parameters.load("resnet18", weights="random", **options)[0].opening_epochs == epochs


SOMETHING_ELSE = {
    "fine_tune": {"fine_tune": "head"},
    "optimizer": {"optimizer": "adam"},
    "schedule": {"schedule": "cosine"},
    "loss": {"loss": "ce"},
}
"""Setting that others depend on -> a value with which none of them has an effect, but `feature_variants`."""


def options_with(key):
    """Options with which a setting has an effect."""
    other, (value, *_) = DEPENDS_ON.get(key, ("loss", ("focal",)))
    decay = {"weight_decay": 0.1} if (other, value) == ("optimizer", "adamw") else {}
    return {} if key == "deterministic" else {other: value} | decay


@pytest.mark.parametrize("key", SETTINGS)
def test_the_digest_depends_on_every_setting(key):
    base = parameters.load("resnet18", **{"epochs": 1000, "patience": 500} | options_with(key))[0]
    if key == "weights":
        assert base.digest(data="d", weights="a") != base.digest(data="d", weights="b")
        return
    decay = {"weight_decay": 0.1} if key == "optimizer" else {}
    changed = dataclasses.replace(base, **decay, **{key: CHANGES[key]})
    assert changed.digest(data="d", weights="w") != base.digest(data="d", weights="w")


@pytest.mark.parametrize("key", [key for key, (other, _) in DEPENDS_ON.items() if other != key])
def test_a_setting_without_a_meaning_here_is_refused_and_changes_no_digest(key):
    other, (value, *_) = DEPENDS_ON[key]
    options = {} if key == "feature_variants" else SOMETHING_ELSE[other]
    base = parameters.load("resnet18", **options)[0]
    changed = dataclasses.replace(base, **{key: CHANGES[key]})
    assert changed.digest(data="d", weights="w") == base.digest(data="d", weights="w")
    with pytest.raises(ExperimentError, match=f"{key} has no meaning.*--{other.replace('_', '-')} {value}"):
        parameters.load("resnet18", **options, **{key: CHANGES[key]})


@pytest.mark.parametrize("key", [key for key in DEPENDS_ON if key in ADDED])
def test_the_value_of_earlier_runs_may_be_typed_where_the_setting_has_a_meaning(key):
    other, (*_, value) = DEPENDS_ON[key]
    options = {other: value, key: ADDED[key]}
    item = parameters.load("resnet18", **options)[0]
    assert {name: getattr(item, name) for name in options} == options


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"optimizer": "adamw"}, "adamw without weight_decay is adam .*--weight-decay"),
        (
            {"schedule": "plateau", "plateau_patience": 3},
            "early stopping ends the run before .*below the patience of 3 .*Found: 3 .*--plateau-patience",
        ),
        ({"schedule": "plateau", "patience": 1}, "below the patience of 1 .*Next: raise --patience, or"),
        ({"freeze_epochs": 10}, "freeze_epochs 10 leave no epoch for the backbone .*fewer than the 10 epochs"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options, error):
    with pytest.raises(ExperimentError, match=error):
        parameters.load("resnet18", **options)


DIGESTS = {
    "5de368352c51234ba7ed7616ab1733b4f00a08f043c286b051f7262a10d1055e": ("resnet18", {}),
    "d60f0d3acab67861a52f40d751af2e4ad90d657f7dfd68b7ec82209dc828f8aa": (
        "resnet50",
        {"params": "p2", "loss": "focal", "seed": 3, "focal_gamma": 5.0},
    ),
    "2200a7811758f96008bbff13311ed0ebb5eb6f7a93adee894ba6e2d14f920017": (
        "vgg16",
        {"fine_tune": "head", "deterministic": True, "precision": "float32"},
    ),
}
"""Digests that retina gave (data `ddd...d`, weights `random`) when it knew no other target than the default one."""
RANDOM = {"weights": "random"}


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("named", [{}, {"target": DISEASE_RISK}])
def test_a_run_on_the_default_target_has_the_digest_that_it_had_before_there_were_others(digest, named):
    """Finished runs of earlier versions are reused, and interrupted ones go on."""
    backbone, options = DIGESTS[digest]
    assert parameters.load(backbone, **RANDOM, **options, **named)[0].digest(data="d" * 64, weights="random") == digest
    other = parameters.load(backbone, **RANDOM, **options, target="DR")[0]
    assert other.digest(data="d" * 64, weights="random") != digest


def test_an_experiment_declares_the_target_that_it_names():
    assert parameters.load("resnet18")[0].declared_target == DEFAULT
    chosen, overrides, *_ = parameters.load("resnet18", target="DR")
    assert chosen.declared_target == binary("DR")
    assert overrides == {"target": {"file": DISEASE_RISK, "option": "DR"}}


def test_a_parameter_set_without_a_target_is_of_the_default_one(tmp_path):
    assert parameters.load("resnet18", write(tmp_path, BASE))[0].declared_target == DEFAULT


def test_the_digest_depends_on_the_data_and_not_on_how_weights_were_asked_for():
    base = parameters.load("resnet18")[0]
    assert base.digest(data="d", weights="w") != base.digest(data="e", weights="w")
    asked = dataclasses.replace(base, weights="random")
    assert asked.digest(data="d", weights="w") == base.digest(data="d", weights="w")


@given(st.sampled_from(sorted(SETTINGS)), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_an_experiment_holds_a_value_or_names_its_key(key, value):
    """Whatever a value is, it is taken as it is, or refused with its key; it is never changed or ignored."""
    base = parameters.load("resnet18")[0].to_dict()
    try:
        made = Experiment(**(base | {key: value}))
    except ExperimentError as error:
        assert key in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert getattr(made, key) == value


def test_the_backbones_that_can_be_asked_for_are_those_there_are():
    from retina.models.backbones.registry import BACKBONES

    assert set(SETTINGS["backbone"].choices) == set(BACKBONES)


def test_an_unknown_backbone_suggests_the_nearest():
    with pytest.raises(ExperimentError, match="did you mean 'resnet18'"):
        parameters.load("resnet19")


def test_settings_of_the_focal_loss_mean_nothing_without_it():
    """They are refused as options, and two experiments that differ in them alone are one."""
    with pytest.raises(ExperimentError, match="--loss focal"):
        parameters.load("resnet18", focal_gamma=5.0)
    base = parameters.load("resnet18")[0]
    other = dataclasses.replace(base, focal_gamma=5.0)
    assert base.digest(data="d", weights="w") == other.digest(data="d", weights="w")


def test_a_parameter_set_of_the_project_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen, *_ = parameters.load("resnet18", "p1")
    assert (chosen.batch_size, chosen.learning_rate, chosen.epochs) == (32, 1e-4, 10)
