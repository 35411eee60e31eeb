"""Study files: what they come to, and what is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina import PACKAGE
from retina.errors import ExperimentError
from retina.experiments import study

ROOT = PACKAGE.parent
RUN = '[[runs]]\nbackbone = "resnet18"\n'
STUDIES = ROOT / "experiments" / "studies"
ORIGINAL = [
    ("vgg16", "p1", "ce", True),
    ("vgg16", "p2", "ce", True),
    ("resnet18", "p1", "ce", False),
    ("resnet18", "p2", "ce", True),
    ("resnet50", "p1", "ce", True),
    ("resnet50", "p2", "ce", True),
    ("resnet18", "p1", "focal", True),
]


def said(member):
    item = member.experiment
    return item.backbone, item.params, item.loss, item.early_stopping


def written(folder, text):
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_original_study_is_the_seven_runs_of_the_text():
    assert [said(member) for member in study.read(STUDIES / "original.toml")] == ORIGINAL


def test_the_study_over_seeds_is_the_same_seven_five_times():
    members = study.read(STUDIES / "original-seeds.toml")
    assert [said(member) for member in members] == ORIGINAL * 5
    assert [member.experiment.seed for member in members] == sorted([*range(5)] * 7)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_study_says_its_source_and_its_command(path):
    text = path.read_text(encoding="utf-8")
    assert "# Source " in text
    assert f"# Command   python cli.py study experiments/studies/{path.name}" in text
    assert study.read(path)


def some(values):
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


@given(some(["vgg16", "resnet18"]), some(["p1", "p2"]), some(["ce", "focal"]), some([0, 1, 5]))
def test_a_grid_is_every_combination_once(tmp_path_factory, backbones, params, losses, seeds):
    folder = tmp_path_factory.mktemp("grid")
    lists = {"backbone": backbones, "params": params, "loss": losses}
    text = f"seeds = {seeds}\n[[runs]]\n" + "\n".join(f"{name} = {values}" for name, values in lists.items())
    found = {
        (item.experiment.backbone, item.experiment.params, item.experiment.loss, item.experiment.seed)
        for item in study.read(written(folder, text))
    }
    assert found == set(itertools.product(backbones, params, losses, seeds))


def test_any_setting_may_be_a_list_and_the_study_keys_come_first(tmp_path):
    lists = 'layer_decay = [0.5, 1.0]\nschedule = ["constant", "cosine"]\nloss = ["ce", "focal"]'
    found = [
        (item.experiment.loss, item.experiment.layer_decay, item.experiment.schedule)
        for item in study.read(written(tmp_path, RUN + lists))
    ]
    assert found == [*itertools.product(["ce", "focal"], [0.5, 1.0], ["constant", "cosine"])]


def test_settings_go_from_common_to_single_to_the_options(tmp_path):
    common, single = "dropout = 0.1\nepochs = 2\nimage_size = 64", "dropout = 0.3\nepochs = 3"
    text = f'[settings]\n{common}\n[[runs]]\nbackbone = "vgg16"\n{single}'
    (member,) = study.read(written(tmp_path, text), epochs=4)
    item = member.experiment
    assert (item.image_size, item.dropout, item.epochs) == (64, 0.3, 4)
    assert member.overrides["epochs"] == {"file": 10, "option": 4}


def test_a_setting_is_left_out_of_the_runs_in_which_nothing_reads_it(tmp_path):
    members = study.read(STUDIES / "pretraining.toml", layer_decay=0.7)
    values = {item.overrides["layer_decay"]["option"] for item in members if "layer_decay" in item.overrides}
    with_effect = {item.experiment.fine_tune for item in members if "layer_decay" in item.overrides}
    assert (values, with_effect) == ({0.7}, {"last", "full"})
    grid = RUN + 'optimizer = ["adam", "adamw"]\nweight_decay = [0.01, 0.1]'
    found = [(item.experiment.optimizer, item.experiment.weight_decay) for item in study.read(written(tmp_path, grid))]
    assert found == [("adam", 0.0), ("adamw", 0.01), ("adamw", 0.1)]


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ("", {"layer_decay": 0.5, "fine_tune": "head"}, "Where: the options .*Next: leave out --fine-tune"),
        ("", {"weight_decay": 0.5}, "Where: the options .*Next: leave out --weight-decay"),
        ("layer_decay = 0.5", {"fine_tune": "head"}, "Where: run 1 of .*Next: leave out --fine-tune"),
        ("weight_decay = 0.5", {}, "Where: run 1 of .*Next: remove weight_decay, or add such a run"),
    ],
)
def test_a_setting_without_effect_in_any_run_is_blamed_on_who_named_it(tmp_path, table, options, words):
    with pytest.raises(ExperimentError, match=words):
        study.read(written(tmp_path, RUN + table), **options)


def test_an_option_for_weights_leaves_the_run_without_pretraining_random():
    members = study.read(STUDIES / "pretraining.toml", weights="vgg16.pth")
    first_round = [(item.experiment.weights, item.experiment.fine_tune) for item in members[:5]]
    assert first_round == [
        ("random", "full"),
        *(("vgg16.pth", part) for part in ("head", "last", "full", "head")),
    ]
    assert {member.experiment.weights for member in study.read(STUDIES / "original.toml", weights="random")} == {
        "random"
    }


def test_an_option_takes_the_place_of_a_whole_list(tmp_path):
    text = RUN + "dropout = [0.1, 0.2]\nepochs = [2, 3]"
    members = study.read(written(tmp_path, text), dropout=0.3)
    assert [(item.experiment.dropout, item.experiment.epochs) for item in members] == [(0.3, 2), (0.3, 3)]
    both = RUN + 'weights = ["random", "imagenet", "a.pth"]'
    members = study.read(written(tmp_path, both), weights="b.pth")
    assert [member.experiment.weights for member in members] == ["random", "b.pth"]


def test_weights_that_are_no_text_are_one_line_with_an_option_for_them_too(tmp_path):
    with pytest.raises(ExperimentError, match="weights cannot be"):
        study.read(written(tmp_path, RUN + "weights = [[3], {a = 1}]"))
    assert study.read(written(tmp_path, RUN + "weights = [[3], {a = 1}]"), weights="b.pth")


def test_a_run_with_seeds_of_its_own_is_trained_for_those_alone(tmp_path):
    text = 'seeds = [0, 1]\n[[runs]]\nbackbone = "vgg16"\nseed = [7, 8]\n[[runs]]\nbackbone = "resnet18"'
    found = [(item.experiment.backbone, item.experiment.seed) for item in study.read(written(tmp_path, text))]
    assert found == [("vgg16", 7), ("vgg16", 8), ("resnet18", 0), ("resnet18", 1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds = [", ["cannot be read"]),
        ("", ["names no run"]),
        ("runs = []", ["names no run"]),
        ("runs = 3", ["names no run"]),
        ("runs = [3]", ["run 1 must be a table", "3"]),
        ("settings = 3\n" + RUN, ["settings must be a table"]),
        ("seed = [1]\n" + RUN, ["unknown key 'seed'", "did you mean 'seeds'?"]),
        ("seeds = []\n" + RUN, ["seeds are wrong"]),
        ("seeds = 3\n" + RUN, ["seeds are wrong"]),
        ('seeds = ["a"]\n' + RUN, ["seed cannot be 'a'", "run 1 of"]),
        ("[settings]\nbackbone = 3\n" + RUN, ["unknown key of settings 'backbone'"]),
        ("[settings]\ndropuot = 0.1\n" + RUN, ["did you mean 'dropout'?"]),
        (RUN + "[[runs]]\nparams = 'p1'", ["run 2 names no backbone"]),
        (RUN + "params = 'p9'", ["unknown parameter set 'p9'", "run 1 of"]),
        (RUN + "params = []", ["params of run 1 is an empty list"]),
        (RUN + RUN + "seed = []", ["seed of run 2 is an empty list"]),
        (RUN + "params = 1", ["params must be text"]),
        ("[[runs]]\nbackbone = [1]", ["backbone must be text"]),
        (RUN + "loss = 'focla'", ["unknown loss 'focla'", "did you mean 'focal'?"]),
        (RUN + "epochs = 'many'", ["epochs cannot be 'many'"]),
        (RUN + "epochs = [2, 'many']", ["epochs cannot be 'many'", "run 1 of"]),
        (RUN + "epochs = [2, [3]]", ["epochs cannot be [3]", "run 1 of"]),
        (RUN + "dropout = 0x" + "f" * 5000, ["dropout cannot be a number of thousands of digits"]),
        ("seeds = [0x" + "f" * 5000 + "]\n" + RUN, ["seed cannot be a number of thousands of digits"]),
        (RUN + "dropout = []", ["dropout of run 1 is an empty list"]),
        ("[settings]\ndropout = [0.1, 0.2]\n" + RUN, ["dropout cannot be [0.1, 0.2]", "run 1 of"]),
        (RUN + "focal_gamma = 1.0", ["focal_gamma has no effect in any of the runs", "run 1 of", "with loss focal"]),
        ("[settings]\nlayer_decay = 0.5\n" + RUN + 'fine_tune = "head"', ["layer_decay has no effect", "full or last"]),
        (RUN + RUN, ["names a run twice", "runs 1 and 2"]),
        (f"seeds = {[*range(study.MOST_RUNS + 1)]}\n" + RUN, ["too large"]),
        (f"{RUN}weight_decay = {[0.001] * (study.MOST_RUNS + 1)}\n", ["too large"]),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path, text, words):
    path = written(tmp_path, text)
    with pytest.raises(ExperimentError) as caught:
        study.read(path)
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line
    for word in words:
        assert word in line


def test_options_that_make_two_runs_the_same_are_named():
    with pytest.raises(ExperimentError, match=r"names a run twice .*or leave out the option that makes"):
        study.read(STUDIES / "pretraining.toml", weights="random")


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ExperimentError, match=r"the study cannot be read .*No such file .*check the path"):
        study.read(tmp_path / "none.toml")


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "study.toml"
    path.write_bytes(content)
    with pytest.raises(ExperimentError):
        study.read(path)


def test_a_study_may_ask_for_several_targets(tmp_path):
    text = '[[runs]]\nbackbone = "resnet18"\n[[runs]]\nbackbone = "resnet18"\ntarget = "DR"\n'
    targets = [member.experiment.target for member in study.read(written(tmp_path, text))]
    assert targets == ["Disease_Risk", "DR"]
    common = text.replace("\ntarget", "\ndropout = 0.1\ntarget", 1).replace("DR", "MH") + '[settings]\ntarget = "DR"\n'
    assert [member.experiment.target for member in study.read(written(tmp_path, common))] == ["DR", "MH"]
