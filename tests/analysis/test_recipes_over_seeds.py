"""`benchmarks/seeds.py` and `benchmarks/transfer.py`: recipes over seeds, from the runs of a results folder."""

import re
import shutil

import numpy as np
import pytest
import scipy.stats
import seeds
import transfer
from made_runs import make_run
from sklearn.metrics import roc_auc_score

from retina.runs.folder import find

P1, P2 = (["--first", "params=p1", "--first", "loss=ce"], ["--second", "params=p2"])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Three seeds of p1 and of p2, a focal run beside them, and one that is not finished."""
    folder = tmp_path_factory.mktemp("results")
    for seed in range(3):
        make_run(folder, seed=seed, skill=0.5)
        make_run(folder, seed=seed, skill=2.0, params="p2")
    make_run(folder, loss="focal")
    make_run(folder, seed=7, status="interrupted")
    return folder


def areas(results, params, split):
    """The AUROCs of a set's three runs with cross-entropy, in the order of their seeds."""
    tables = [find(results, f"resnet18-{params}-ce-seed{seed}-00000000").predictions() for seed in range(3)]
    parts = [table[table["split"] == split] for table in tables]
    return np.array([roc_auc_score(part["label"], part["logit"]) for part in parts])


def test_two_recipes_are_compared_over_the_seeds_that_both_have(results, capsys):
    seeds.main([str(results), *P1, *P2])
    text = capsys.readouterr().out
    for split, part in zip(("validation", "test"), text.split("AUROC on test"), strict=True):
        differences = areas(results, "p2", split) - areas(results, "p1", split)
        middle, error = differences.mean(), scipy.stats.sem(differences)
        low, high = scipy.stats.t.interval(0.95, 2, middle, error)
        assert f"difference {middle:+.3f}, the second better with 3 of 3 seeds" in part
        assert f"95% interval, other seeds: {low:+.3f} to {high:+.3f}" in part
        assert re.search(r"95% interval, other images: \+0\.\d+ to \+0\.\d+", part)
    assert "params=p1, loss=ce: 0." in text


@pytest.mark.parametrize("word", ["learning_rate=1e-4", "learning_rate=0.0001", "early_stopping=true"])
def test_a_value_is_read_as_its_setting_is(results, capsys, word):
    """p1 has the rate of 1e-4, which a record writes as 0.0001."""
    seeds.main([str(results), *P1, "--first", word, *P2])
    assert "3 of 3 seeds" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["learning_rat=1", "learning_rate", "learning_rate=much", "loss=focla"])
def test_what_is_no_setting_or_no_value_of_it_is_a_usage_error(results, capsys, word):
    with pytest.raises(SystemExit, match="2"):
        seeds.main([str(results), *P1, "--first", word, *P2])
    assert f"invalid setting value: {word!r}" in capsys.readouterr().err


def test_recipes_that_are_not_told_apart_or_share_no_two_seeds_are_refused(results, capsys):
    with pytest.raises(SystemExit, match="have seed 0: name more settings"):
        seeds.main([str(results), "--first", "params=p1", *P2])
    with pytest.raises(SystemExit, match="1"):
        seeds.main([str(results), *P1, "--second", "loss=focal"])
    assert "the first has 0, 1, 2, the other 0" in capsys.readouterr().err


def test_runs_of_several_recipes_are_never_taken_for_one(results, tmp_path):
    shutil.copytree(results, tmp_path / "more")
    make_run(tmp_path / "more", seed=9, patience=5)
    with pytest.raises(SystemExit, match="the runs with params=p1, loss=ce differ in patience: name more settings"):
        seeds.main([str(tmp_path / "more"), *P1, *P2])


def test_every_finished_run_has_a_row_and_every_recipe_of_several_seeds_a_mean(results, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(results, copy)
    transfer.main([str(results), str(copy)])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("| resnet18")]
    assert len(rows) == 7, "a copy of a run is no other seed"
    means = [line for line in lines if " learned; " in line]
    assert [line.partition(":")[0] for line in means] == ["resnet18 p1 ce 64 px", "resnet18 p2 ce 64 px"]
    assert all("of 3 learned" in line for line in means)


def test_a_run_has_learned_where_its_loss_and_its_ranking_say_so(tmp_path, capsys):
    make_run(tmp_path, skill=2.0)
    make_run(tmp_path, skill=-2.0, seed=1)
    make_run(tmp_path, skill=2.0, seed=2, counts={"train": (200, 198), "validation": (40, 20), "test": (40, 20)})
    transfer.main([str(tmp_path)])
    learned = [line.split(" | ")[-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| resnet18")]
    assert learned == ["yes |", "no |", "no |"], "it ranks the wrong way; its loss is above that of a constant answer"
