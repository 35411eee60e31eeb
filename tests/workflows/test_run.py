"""A run as it is called from Python."""

import pytest
from small_runs import SMALL, small_network

from retina.errors import ExperimentError
from retina.experiments.place import Place
from retina.training import execution, setup
from retina.workflows import run as workflow

pytestmark = pytest.mark.usefixtures("network")


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)


def test_a_run_is_one_call_that_prints_nothing_and_returns_its_folder_and_numbers(tiny_set, tmp_path, capsys):
    place, heard = Place(tmp_path, tiny_set, quiet=True), []
    result = workflow.run("resnet18", place=place, say=heard.append, **SMALL)
    assert capsys.readouterr() == ("", "")
    assert not result.reused
    assert result.run.record().status == result.summary.record.status == "completed"
    assert 0 <= result.summary.results["test"].auroc <= 1
    assert heard[0].startswith(f"{result.run.folder.name}: ")
    assert heard[0].endswith(", from random weights")
    assert heard[1] == "Images: train 24 (75.0% positive), validation 12 (75.0% positive), test 12 (75.0% positive)."
    again = workflow.run("resnet18", place=place, **SMALL)
    assert again.reused
    assert again.run == result.run


def test_a_plan_of_a_run_trains_nothing_and_says_the_same(tiny_set, tmp_path):
    heard = []
    plan = workflow.plan_run("resnet18", "p2", place=Place(tmp_path, tiny_set), say=heard.append, loss="focal", **SMALL)
    assert plan.name.startswith("resnet18-p2-focal-seed0-")
    assert heard[0].startswith(f"{plan.name}: ")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_raises_and_the_same_call_resumes_it_and_says_so(tiny_set, tmp_path, monkeypatch):
    place, heard = Place(tmp_path, tiny_set, quiet=True), []

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(execution, "predict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workflow.run("resnet18", place=place, **(SMALL | {"early_stopping": False}))
    result = workflow.run("resnet18", place=place, say=heard.append, **(SMALL | {"early_stopping": False}))
    assert heard[-1] == "This run was interrupted before and goes on after epoch 3."
    assert result.summary.record.sessions[0].epochs_run == 3


def test_a_setting_that_there_is_not_is_an_error(tiny_set, tmp_path):
    with pytest.raises(ExperimentError, match="unknown option 'droput'"):
        workflow.run("resnet18", place=Place(tmp_path, tiny_set), droput=0.1)
