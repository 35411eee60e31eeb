"""A learning-rate range test from Python; `tests/commands/test_lr_find.py` looks at its files."""

import pytest
from small_runs import SMALL, small_network

from retina.errors import ExperimentError
from retina.experiments.place import Place
from retina.training import plan as planning
from retina.training import setup
from retina.workflows import lr_find as workflow

SETTINGS = {name: value for name, value in SMALL.items() if name != "learning_rate"} | {"epochs": 1}


@pytest.fixture(autouse=True)
def network(monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)


def test_a_range_test_with_its_grid_is_one_call_that_reads_the_data_once_and_prints_nothing(
    tiny_set, tmp_path, monkeypatch, capsys
):
    loads, heard = [], []
    load = planning.dataset.load
    monkeypatch.setattr(planning.dataset, "load", lambda *words, **named: loads.append(1) or load(*words, **named))
    place = Place(tmp_path, tiny_set, quiet=True)
    result = workflow.lr_find("resnet18", seeds=1, steps=12, check=True, place=place, say=heard.append, **SETTINGS)
    assert capsys.readouterr() == ("", "")
    assert loads == [1]
    assert not result.reused
    assert result.suggestion == result.record["suggestion"]
    assert list(result.grid.aurocs) == [1e-4, 3e-4, 1e-3]
    assert result.check["range_test"] == result.suggestion
    assert (result.folder / "check.json").is_file()
    assert sum(line.startswith("Grid: resnet18-p1-ce-seed0-") for line in heard) == 3
    again = workflow.lr_find("resnet18", seeds=1, steps=12, place=place, **SETTINGS)
    assert again.reused
    assert (again.record, again.grid, again.check) == (result.record, None, None)


def test_seeds_beyond_the_last_are_refused_before_anything_is_trained(tiny_set, tmp_path):
    settings = SETTINGS | {"seed": 2**31 - 1}
    with pytest.raises(ExperimentError, match=r"2 seeds from 2147483647 on are too many .*a smaller --seed"):
        workflow.lr_find("resnet18", seeds=2, place=Place(tmp_path, tiny_set, quiet=True), **settings)


def test_a_warm_up_that_the_test_does_not_read_is_announced_as_that_and_not_as_one_that_never_ends(tiny_set, tmp_path):
    heard = []
    place = Place(tmp_path, tiny_set, quiet=True)
    settings = SETTINGS | {"warmup_epochs": 30.0, "schedule": "cosine"}
    workflow.lr_find("resnet18", seeds=1, steps=12, place=place, say=heard.append, **settings)
    assert "A range test does not read epochs, warmup_epochs, schedule: only the runs of --check do." in heard
    assert not any("warm-up" in line for line in heard)


def test_settings_that_the_test_does_not_read_are_checked_and_complete_a_file_all_the_same(tiny_set, tmp_path):
    place = Place(tmp_path, tiny_set, quiet=True)
    with pytest.raises(ExperimentError, match="unknown schedule 'cosin'"):
        workflow.lr_find("resnet18", seeds=1, steps=12, place=place, **(SETTINGS | {"schedule": "cosin"}))
    (tmp_path / "mine.toml").write_text("batch_size = 8\nlearning_rate = 1e-4\n")
    found = workflow.lr_find("resnet18", str(tmp_path / "mine.toml"), seeds=1, steps=12, place=place, **SETTINGS)
    assert len(found.record["seeds"]) == 1


def test_a_range_upside_down_is_refused(tiny_set, tmp_path):
    with pytest.raises(ExperimentError, match="--high must be larger than --low"):
        workflow.lr_find("resnet18", low=0.1, high=0.01, place=Place(tmp_path, tiny_set))
