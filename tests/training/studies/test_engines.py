"""Runs of a study one after another or one a device: reused, resumed, tried again."""

import multiprocessing
import os
import signal
import time
from functools import partial
from types import SimpleNamespace

import pytest
from small_runs import Interrupt, moved, outcome

from retina.errors import DivergedError, ExperimentError, RetinaError
from retina.machine.progress import silent
from retina.training import execution
from retina.training import plan as planning
from retina.training.studies import agenda, engines, pace
from retina.training.studies.outcome import Outcome

pytestmark = pytest.mark.usefixtures("network")


def trained(plans, engine):
    heard = []
    return engines.run(plans, engine, heard.append), heard


def test_finished_runs_are_reused_and_the_same_as_runs_made_one_by_one(planned, tmp_path, monkeypatch):
    calls = []
    measure = planning.baselines.measure
    monkeypatch.setattr(planning.baselines, "measure", lambda data: calls.append(data) or measure(data))
    plans = planned()
    outcomes, heard = trained(plans, engines.here())
    assert [(item.name, item.status, item.reused, item.attempts) for item in outcomes] == [
        (plan.name, "completed", False, 1) for plan in plans
    ]
    assert heard == outcomes
    assert len(calls) == 1, "what runs share is read and measured once"
    assert len({id(plan.data) for plan in plans}) == 1
    alone, _ = execution.execute(moved(plans[0], tmp_path / "alone"))
    assert outcome(plans[0].run) == outcome(alone)
    outcomes, _ = trained(planned(), engines.here())
    assert [item.reused for item in outcomes] == [True] * 2


def test_a_run_in_this_process_is_trained_from_its_plan_and_planned_once(planned, monkeypatch):
    plans = planned("resnet18")
    monkeypatch.setattr(planning.Planner, "plan", None)
    outcomes, _ = trained(plans, engines.here())
    assert [item.status for item in outcomes] == ["completed"]


def failing(monkeypatch, backbone, error, times):
    """Let a run of one backbone fail some times."""
    train, left = execution.train, [times]

    def fails(plan, *words, **options):
        if plan.experiment.backbone == backbone and left[0]:
            left[0] -= 1
            raise error
        return train(plan, *words, **options)

    monkeypatch.setattr(execution, "train", fails)


@pytest.mark.parametrize("error", [RetinaError("the disk is full"), ValueError("a fault\nof the program")])
def test_a_failed_run_is_tried_once_more_after_the_others(planned, monkeypatch, error, caplog):
    failing(monkeypatch, "resnet18", error, times=1)
    plans = planned()
    outcomes, heard = trained(plans, engines.here())
    assert [item.status for item in outcomes] == ["completed"] * 2
    assert [item.attempts for item in outcomes] == [2, 1]
    assert [(item.name, item.status) for item in heard] == [
        (plans[0].name, "failed"),
        (plans[1].name, "completed"),
        (plans[0].name, "completed"),
    ]
    assert ("fault of the program" in caplog.text) == isinstance(error, ValueError)


def test_a_run_that_fails_twice_is_reported_and_the_rest_has_its_results(planned, monkeypatch):
    failing(monkeypatch, "resnet18", RetinaError("the disk is full"), times=2)
    plans = planned()
    outcomes, _ = trained(plans, engines.here())
    assert [item.finished for item in outcomes] == [False, True]
    assert outcomes[0].error == "the disk is full"
    assert outcomes[0].attempts == 2
    assert plans[0].run.record().status == "failed"


def test_a_run_that_diverges_is_not_tried_again(planned, monkeypatch):
    failing(monkeypatch, "resnet18", DivergedError("training diverged", step=3), times=9)
    outcomes, heard = trained(planned(), engines.here())
    assert [item.status for item in outcomes] == ["diverged", "completed"]
    assert len(heard) == 2


def test_ctrl_c_ends_the_study_and_the_same_study_goes_on(planned, monkeypatch, tmp_path):
    plans = planned(epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "execute", partial(execution.execute, listeners=[Interrupt(8)]))
        with pytest.raises(KeyboardInterrupt):
            trained(plans, engines.here())
    steps = agenda.agenda(plans, pace.Pace(tmp_path))
    assert [step.epochs_reached for step in steps] == [1, 0]
    assert steps[0].words.endswith("goes on after epoch 1")
    outcomes, _ = trained(plans, engines.here())
    assert [item.status for item in outcomes] == ["completed"] * 2
    assert len(plans[0].run.record().sessions) == 1


def test_one_run_a_device_and_no_more(monkeypatch):
    with pytest.raises(ExperimentError, match="--jobs cannot be 2"):
        engines.on_devices(2)
    monkeypatch.setattr(engines, "devices", lambda: ["3", "5"])
    with pytest.raises(ExperimentError, match="2 of them"):
        engines.on_devices(3)


def noted(item):
    """What a worker sees; replaces training."""
    time.sleep(0.2)
    if item.name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(item.name, "completed", error=f"{os.environ['CUDA_VISIBLE_DEVICES']} {item.track}")


def test_each_process_sees_one_device_and_one_that_is_killed_fails_its_runs_alone(monkeypatch):
    monkeypatch.setattr(engines, "devices", lambda: ["3", "5"])
    monkeypatch.setattr(engines, "_perform", noted)
    monkeypatch.setattr(engines.job, "job_of", lambda plan, track: SimpleNamespace(name=plan.name, track=track))
    engine = engines.on_devices(2, track="mlflow")
    assert engine.parallel_runs == 2
    assert list(engine.train([])) == []
    plans = [SimpleNamespace(name=name) for name in ("a", "b", "die", "c")]
    outcomes = {item.name: item for item in engine.train(plans)}
    killed = outcomes.pop("die")
    assert (killed.status, killed.error) == ("failed", "its process was killed")
    assert {item.status for item in outcomes.values()} == {"completed"}
    assert {item.error for item in outcomes.values()} == {"3 mlflow", "5 mlflow"}
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("epochs", [1])
def test_a_worker_process_plans_the_run_anew_and_its_folder_is_that_of_the_plan(planned, monkeypatch, epochs):
    """On a real process, which sees no device: the small network stands in for the workers of this process alone."""
    monkeypatch.setattr(engines, "devices", lambda: [""])
    (plan,) = planned("resnet18", epochs=epochs)
    (item,) = engines.run([plan], engines.on_devices(1), silent)
    assert (item.name, item.status, item.error) == (plan.name, "completed", None)
    assert plan.run.record().digest == plan.digest
