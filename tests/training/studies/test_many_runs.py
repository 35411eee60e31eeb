"""Many runs: reused, resumed, tried again, watched; and how long they take."""

import dataclasses
import multiprocessing
import os
import signal
import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest
from made_runs import make_run, rewrite, write_content
from small_runs import SMALL, Interrupt, outcome, small_network

from retina.errors import DivergedError, ExperimentError, HeldError, RetinaError, RunError
from retina.experiments import experiment
from retina.experiments.study import Member
from retina.machine import device, provenance
from retina.runs import folder as runs
from retina.runs import lease, reading
from retina.runs.session import Environment
from retina.training import execution, weights
from retina.training.shelf import Shelf
from retina.training.studies import agenda, engines, job, pace
from retina.training.studies import view as watch


@pytest.fixture(autouse=True)
def network(monkeypatch):
    monkeypatch.setattr(weights, "build", small_network)


def members(*names, **options):
    settings = SMALL | {"epochs": 1} | options
    return [Member(*experiment.load(name, "p1", **settings)) for name in names or ("resnet18", "vgg16")]


@pytest.fixture
def prepared(tiny_set, tmp_path):
    """Planned runs: the steps, the jobs, and what they share."""

    def prepare(*names, **options):
        shelf = Shelf()
        wanted = {"data": tiny_set, "results": tmp_path, "skip_bad": False}
        plans = job.prepare(members(*names, **options), shelf=shelf, quiet=True, **wanted)
        return plans, [job.job_of(item, **wanted) for item in plans], shelf

    return prepare


def trained(jobs, engine):
    told = []
    return engines.run(jobs, engine, told.append), told


def test_finished_runs_are_reused_and_the_same_as_runs_made_one_by_one(prepared, tmp_path, monkeypatch):
    calls = []
    measure = job.planning.baselines.measure
    monkeypatch.setattr(job.planning.baselines, "measure", lambda data: calls.append(data) or measure(data))
    plans, jobs, shelf = prepared()
    outcomes, told = trained(jobs, engines.here(shelf))
    assert [(item.name, item.status, item.reused, item.attempts) for item in outcomes] == [
        (item.name, "completed", False, 1) for item in plans
    ]
    assert told == outcomes
    assert len(calls) == 1, "what runs share is read and measured once"
    assert len({id(item.data) for item in plans}) == 1
    alone, _ = execution.execute(plans[0], results=tmp_path / "alone", quiet=True)
    together = runs.Run(job.folder(jobs[0]))
    assert outcome(together) == outcome(alone)
    outcomes, _ = trained(jobs, engines.here(Shelf()))
    assert [item.reused for item in outcomes] == [True] * 2
    assert agenda.table(agenda.agenda(plans, tmp_path, pace.Pace(tmp_path))).count("finished before") == 2


def test_what_is_wrong_with_any_run_is_told_before_the_first_is_trained(tiny_set, tmp_path):
    wanted = [*members("resnet18"), Member(*experiment.load("vgg16", "p1", **(SMALL | {"weights": "none-such"})))]
    with pytest.raises(RetinaError, match="none-such"):
        job.prepare(wanted, data=tiny_set, results=tmp_path, skip_bad=False, shelf=Shelf(), quiet=True)
    assert runs.list_runs(tmp_path) == []


def test_two_names_for_one_run_are_refused(tiny_set, tmp_path):
    auto = Member(*experiment.load("resnet18", "p1", **(SMALL | {"precision": "auto"})))
    named = Member(*experiment.load("resnet18", "p1", **(SMALL | {"precision": device.resolve_precision("auto")})))
    with pytest.raises(RunError, match="come to the same"):
        job.prepare([auto, named], data=tiny_set, results=tmp_path, skip_bad=False, shelf=Shelf(), quiet=True)


def failing(monkeypatch, backbone, error, times):
    """Let a run of one backbone fail some times."""
    train, left = execution.train, [times]

    def fails(plan, *given, **options):
        if plan.experiment.backbone == backbone and left[0]:
            left[0] -= 1
            raise error
        return train(plan, *given, **options)

    monkeypatch.setattr(execution, "train", fails)


@pytest.mark.parametrize("error", [RetinaError("the disk is full"), ValueError("a fault\nof the program")])
def test_a_failed_run_is_tried_once_more_after_the_others(prepared, monkeypatch, error, caplog):
    failing(monkeypatch, "resnet18", error, times=1)
    _, jobs, shelf = prepared()
    outcomes, told = trained(jobs, engines.here(shelf))
    assert [item.status for item in outcomes] == ["completed"] * 2
    assert [item.attempts for item in outcomes] == [2, 1]
    assert [(item.name, item.status) for item in told] == [
        (jobs[0].name, "failed"),
        (jobs[1].name, "completed"),
        (jobs[0].name, "completed"),
    ]
    assert ("fault of the program" in caplog.text) == isinstance(error, ValueError)


def test_a_run_that_fails_twice_is_reported_and_the_rest_has_its_results(prepared, monkeypatch):
    failing(monkeypatch, "resnet18", RetinaError("the disk is full"), times=2)
    _, jobs, shelf = prepared()
    outcomes, _ = trained(jobs, engines.here(shelf))
    assert [item.finished for item in outcomes] == [False, True]
    assert outcomes[0].error == "the disk is full"
    assert outcomes[0].attempts == 2
    assert runs.Run(job.folder(jobs[0])).record().status == "failed"


def test_a_run_that_diverges_is_not_tried_again(prepared, monkeypatch):
    failing(monkeypatch, "resnet18", DivergedError("training diverged", step=3), times=9)
    _, jobs, shelf = prepared()
    outcomes, told = trained(jobs, engines.here(shelf))
    assert [item.status for item in outcomes] == ["diverged", "completed"]
    assert len(told) == 2


def test_ctrl_c_ends_the_study_and_the_same_study_goes_on(prepared, monkeypatch, tmp_path):
    plans, jobs, shelf = prepared(epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "execute", partial(execution.execute, listeners=[Interrupt(8)]))
        with pytest.raises(KeyboardInterrupt):
            trained(jobs, engines.here(shelf))
    known = pace.Pace(tmp_path)
    assert [item.reached for item in agenda.agenda(plans, tmp_path, known)] == [1, 0]
    assert "goes on after epoch 1" in agenda.table(agenda.agenda(plans, tmp_path, known))
    outcomes, _ = trained(jobs, engines.here(shelf))
    assert [item.status for item in outcomes] == ["completed"] * 2
    assert len(runs.Run(job.folder(jobs[0])).record().sessions) == 1


def test_a_run_that_another_process_holds_is_waited_for(prepared, monkeypatch):
    monkeypatch.setattr(job, "POLL", 0.05)
    _, (item,), shelf = prepared("resnet18")
    folder = job.folder(item)
    folder.mkdir(parents=True)
    release = threading.Event()

    def hold():
        with lease.take(folder):
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        while lease.holder_of(folder) is None:
            time.sleep(0.01)
        refused = job.perform(item, shelf)
        assert refused.status == "failed"
        assert "is being trained by another process" in refused.error
        threading.Timer(0.3, release.set).start()
        assert job.perform(item, shelf, patience=60).finished
    finally:
        release.set()
        holder.join()
    assert issubclass(HeldError, RunError)


def test_other_data_than_the_study_was_planned_for_are_refused(prepared):
    _, (item,), shelf = prepared("resnet18")
    for change, words in (({"fingerprint": "0" * 64}, "data differ"), ({"digest": "0" * 64}, "weights differ")):
        outcome = job.perform(dataclasses.replace(item, **change), shelf)
        assert outcome.status == "failed"
        assert words in outcome.error
        assert provenance.host() in outcome.error
        assert not job.folder(item).exists()


def test_one_run_a_device_and_no_more(monkeypatch):
    with pytest.raises(ExperimentError, match="--jobs cannot be 2"):
        engines.on_devices(2)
    monkeypatch.setattr(engines, "devices", lambda: ["3", "5"])
    with pytest.raises(ExperimentError, match="2 of them"):
        engines.on_devices(3)


def noted(item):
    """What a worker sees; stands in for training."""
    time.sleep(0.2)
    if item.name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return job.Outcome(item.name, "completed", error=os.environ["CUDA_VISIBLE_DEVICES"])


def test_each_process_sees_one_device_and_one_that_is_killed_fails_its_runs_alone(monkeypatch):
    monkeypatch.setattr(engines, "devices", lambda: ["3", "5"])
    monkeypatch.setattr(engines, "_perform", noted)
    engine = engines.on_devices(2)
    assert engine.abreast == 2
    assert list(engine.train([])) == []
    wanted = [SimpleNamespace(name=name) for name in ("a", "b", "die", "c")]
    found = {item.name: item for item in engine.train(wanted)}
    killed = found.pop("die")
    assert (killed.status, killed.error) == ("failed", "its process was killed")
    assert {item.status for item in found.values()} == {"completed"}
    assert {item.error for item in found.values()} == {"3", "5"}
    assert not multiprocessing.active_children()


def test_the_time_is_measured_where_the_like_was_trained_and_scaled_elsewhere(tmp_path):
    here = provenance.describe()
    for backbone, seconds, place in (("resnet18", 100.0, here), ("vgg16", 999.0, here | {"device_name": "another"})):
        run = make_run(tmp_path, backbone)
        rewrite(run, environment=reading.read(Environment, place), timings={"training_seconds": seconds})
    known = pace.Pace(tmp_path)
    chosen, _ = experiment.load("resnet18", "p1", image_size=64, precision="float32")
    measured = known.estimate([(chosen, 120, 5)])
    assert (measured.measured, measured.total) == (1, 1)
    assert measured.seconds == pytest.approx(100.0 / (10 * 60) * 120 * 5)
    larger = dataclasses.replace(chosen, image_size=128)
    scaled = known.estimate([(larger, 120, 5)])
    assert (scaled.measured, scaled.seconds) == (0, pytest.approx(4 * measured.seconds))
    vgg = known.estimate([(dataclasses.replace(chosen, backbone="vgg16"), 120, 5)])
    assert vgg.seconds == pytest.approx(measured.seconds * 15_346_630_656 / 1_813_561_344)
    assert known.estimate([(dataclasses.replace(chosen, fine_tune="head"), 120, 5)]).seconds is None
    assert "scaled" in known.estimate([(chosen, 1, 1), (larger, 1, 1)]).sentence
    assert pace.Pace(tmp_path / "none").estimate([(chosen, 1, 1)]).sentence.startswith("How long it takes is not known")
    assert known.estimate([]).sentence == "Nothing is left to train."


CHANGES = [
    *({"data": {}}, {"experiment": {}}, {"timings": {"training_seconds": "long"}}),
    {"timings": {"started": "", "training_seconds": 10**400}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_of_another_make_teaches_nothing_and_hurts_nobody(tmp_path, change):
    run = make_run(tmp_path)
    write_content(run, run.record().to_dict() | {"environment": provenance.describe()})
    assert len(pace.Pace(tmp_path).seconds) == 1
    write_content(run, run.record().to_dict() | change)
    assert pace.Pace(tmp_path).seconds == {}


def test_the_view_tells_what_the_run_folders_say(prepared, tmp_path, monkeypatch):
    plans, jobs, shelf = prepared(epochs=2)
    known = pace.Pace(tmp_path)
    view = watch.Watch(agenda.agenda(plans, tmp_path, known), tmp_path, known, quiet=True)
    view.look()
    assert view.lines() == ["0 of 2 runs ended, time left not known yet"]
    seen = []

    class Looking(Interrupt):
        def on_train_batch_end(self, batch, logs=None):
            step = self.model.optimizer.iterations.numpy()
            if step in (3, 9):
                until = time.monotonic() + 60
                view.look()
                while step == 9 and view.members[plans[0].name].epochs == 0 and time.monotonic() < until:
                    time.sleep(0.01)  # the first epoch is written while the second one trains
                    view.look()
                seen.append(view.lines())

    with monkeypatch.context() as patch:
        patch.setattr(execution, "execute", partial(execution.execute, listeners=[Looking(0)]))
        trained(jobs[:1], engines.here(shelf))
    assert seen[0] == [
        "0 of 2 runs ended, time left not known yet",
        f"  {plans[0].name}  epoch 0/2  in its first epoch",
    ]
    head, line = seen[1]
    assert "left at most" in head
    assert line.startswith(f"  {plans[0].name}  epoch 1/2  val loss ")
    view.look()
    assert view.lines()[0].startswith("1 of 2 runs ended, ")
    assert len(view.lines()) == 1
    view.end(plans[1].name)
    assert view.lines()[0].startswith("2 of 2 runs ended, ")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (86399, "24 h 0 min")]
)
def test_durations_as_people_say_them(seconds, words):
    assert pace.in_words(seconds) == words
