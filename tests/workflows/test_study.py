"""A study from Python."""

import pytest
from small_runs import small_network

from retina.errors import ExperimentError, RetinaError
from retina.experiments.place import Place
from retina.runs import folder as runs
from retina.training import execution, setup
from retina.workflows import study as workflow

SETTINGS = {"weights": "random", "image_size": 64, "batch_size": 8, "epochs": 1, "precision": "float32"}


@pytest.fixture(autouse=True)
def network(monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text('[[runs]]\nbackbone = "resnet18"\nparams = ["p1", "p2"]\n', encoding="utf-8")
    return str(path)


def test_a_study_is_planned_and_trained_in_one_call_each_and_prints_nothing(file, tiny_set, tmp_path, capsys):
    place, heard = Place(tmp_path / "r", tiny_set, quiet=True), []
    steps = workflow.plan_study(file, place=place, say=heard.append, **SETTINGS)
    assert [(step.finished, step.epochs_left) for step in steps] == [(False, 1)] * 2
    assert heard[0] == "two.toml: 2 runs, 0 finished before, 0 to resume."
    assert heard[-1].startswith("How long it takes is not known yet")
    assert runs.list_runs(place.results) == []
    result = workflow.study(file, place=place, **SETTINGS)
    assert [item.status for item in result.outcomes] == ["completed"] * 2
    assert [item.name for item in result.outcomes] == [step.plan.name for step in steps]
    assert result.comparison.folder == place.results / "studies" / "two"
    assert result.damaged == []
    assert capsys.readouterr() == ("", "")


def test_a_setting_that_comes_too_late_is_told_once_before_anything_is_trained(file, tiny_set, tmp_path):
    heard = []
    settings = SETTINGS | {"ema": 0.999}
    workflow.plan_study(file, place=Place(tmp_path / "r", tiny_set, quiet=True), say=heard.append, **settings)
    assert sum(line.startswith("An ema of 0.999 is too slow") for line in heard) == 1


def test_where_nothing_is_finished_there_is_no_comparison(file, tiny_set, tmp_path, monkeypatch):
    def full(*_, **__):
        raise RetinaError("the disk is full")

    monkeypatch.setattr(execution, "train", full)
    result = workflow.study(file, place=Place(tmp_path / "r", tiny_set, quiet=True), **SETTINGS)
    assert result.comparison is None
    assert [line.endswith("failed | Found: the disk is full") for line in result.damaged] == [True] * 2


def test_more_jobs_than_devices_are_refused_before_anything_is_trained(file, tiny_set, tmp_path):
    place = Place(tmp_path / "r", tiny_set, quiet=True)
    with pytest.raises(ExperimentError, match="--jobs cannot be 9"):
        workflow.study(file, place=place, engine=workflow.Local(jobs=9), **SETTINGS)
    assert runs.list_runs(place.results) == []
