"""A live view shows what `history.csv` says: every epoch once, however often the run was interrupted."""

import csv
import dataclasses
import struct
import sys

import pytest
from click.testing import CliRunner
from small_runs import interrupted, planned, small_network

from retina.cli import main
from retina.errors import RetinaError
from retina.experiments.place import Place
from retina.runs import folder as runs
from retina.training import execution, setup
from retina.training.tracking import follow, trackers

pytestmark = pytest.mark.extra

EPOCHS = 4


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.delenv(name, raising=False)


def needs(kind):
    with trackers.quietly():
        pytest.importorskip(kind)


def history(results):
    (path,) = results.glob("runs/*/history.csv")
    with path.open(newline="") as stream:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
    return {name: [(int(row["epoch"]), row[name]) for row in rows] for name in trackers.METRICS}


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def in_tensorboard(results):
    """Every scalar of every event file, in order, without TensorBoard's own mending of doubles."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    found = {}
    for path in sorted(results.glob("tensorboard/*/events*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                assert len(value.tensor.float_val) == 1
                found.setdefault(value.tag, []).append((event.step, value.tensor.float_val[0]))
    return found


def in_mlflow(results):
    with trackers.quietly():
        return read_mlflow(results)


def read_mlflow(results):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{results / 'mlflow.db'}")
    home = client.get_experiment_by_name("retina").experiment_id
    (run,) = client.search_runs([home])
    points = {name: client.get_metric_history(run.info.run_id, name) for name in trackers.METRICS}
    return run, {name: [(point.step, point.value) for point in column] for name, column in points.items()}


def shown(kind, results):
    if kind == "tensorboard":
        return in_tensorboard(results)
    return in_mlflow(results)[1]


def expected(kind, results):
    """TensorBoard keeps 32 bits of a number, MLflow all."""
    rows = history(results)
    if kind == "mlflow":
        return rows
    return {name: [(epoch, single(value)) for epoch, value in column] for name, column in rows.items()}


def train(kind, plan, results, **options):
    plan = dataclasses.replace(plan, place=Place(results, quiet=True))
    with follow.tracked(kind, plan) as watchers:
        return execution.execute(plan, watchers=watchers, build=small_network, **options)


@pytest.mark.parametrize("kind", ["tensorboard", "mlflow"])
def test_every_epoch_stands_there_once_also_after_an_interruption_and_another_training(kind, tiny_set, tmp_path):
    needs(kind)
    plan = planned(tiny_set, tmp_path, epochs=EPOCHS, early_stopping=False)
    with follow.tracked(kind, plan) as watchers:
        run = interrupted(plan, step=15, watchers=watchers, build=small_network)  # in the third epoch of six steps
    assert len(history(tmp_path)["val_loss"]) == 2
    assert shown(kind, tmp_path) == expected(kind, tmp_path)
    if kind == "mlflow":
        entry, _ = in_mlflow(tmp_path)
        assert (entry.info.status, entry.data.tags["retina.status"]) == ("KILLED", "interrupted")
    train(kind, plan, tmp_path)
    assert len(history(tmp_path)["val_loss"]) == EPOCHS
    assert shown(kind, tmp_path) == expected(kind, tmp_path)
    assert train(kind, plan, tmp_path)[1], "the run was finished and is reused"
    assert shown(kind, tmp_path) == expected(kind, tmp_path)
    train(kind, plan, tmp_path, force=True)
    assert shown(kind, tmp_path) == expected(kind, tmp_path)
    if kind == "mlflow":
        entry, _ = in_mlflow(tmp_path)
        record = run.record()
        assert (entry.info.status, entry.info.run_name) == ("FINISHED", record.name)
        assert entry.data.params["learning_rate"] == str(record.experiment.learning_rate)
        assert entry.data.params["data_fingerprint"] == record.data.fingerprint


def test_epochs_that_a_killed_process_did_not_show_are_shown_when_the_run_goes_on(tiny_set, tmp_path):
    """The process dies between the run folder and the tracker; a run without a tracker before is the same."""
    needs("mlflow")
    plan = planned(tiny_set, tmp_path, epochs=EPOCHS, early_stopping=False)
    interrupted(plan, step=15, build=small_network)
    train("mlflow", plan, tmp_path)
    assert shown("mlflow", tmp_path) == history(tmp_path)


def test_a_tracked_run_is_the_same_run(tiny_set, tmp_path):
    needs("tensorboard")
    plan = planned(tiny_set, tmp_path, epochs=2)
    tracked, _ = train("tensorboard", plan, tmp_path / "a")
    plain, _ = train(None, plan, tmp_path / "b")
    assert tracked.folder.name == plain.folder.name
    assert tracked.predictions_path.read_bytes() == plain.predictions_path.read_bytes()
    assert set(tracked.record().to_dict()) == set(plain.record().to_dict())


class Failing(trackers.Tracker):
    """A disk that fills up in the second epoch."""

    name = "a tracker"
    calls = 0

    def begin(self, rows):
        return len(rows)

    def show(self, row):
        Failing.calls += 1
        if row["epoch"] == 2:
            raise OSError(28, "No space left on device")

    def close(self, status):
        raise AssertionError("a broken tracker is left alone")


def test_a_tracker_that_fails_costs_a_warning_and_not_the_run(tiny_set, tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(trackers.TRACKERS, "failing", Failing)
    plan = planned(tiny_set, tmp_path, epochs=3, early_stopping=False)
    run, _ = train("failing", plan, tmp_path)
    assert run.record().status == "completed"
    assert Failing.calls == 2
    (warning,) = caplog.messages
    assert "No space left on device" in warning
    assert "\n" not in warning


def test_a_server_that_is_not_there_costs_a_warning_and_not_the_run(tiny_set, tmp_path, monkeypatch, caplog):
    needs("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run, _ = train("mlflow", planned(tiny_set, tmp_path, epochs=1), tmp_path)
    assert run.record().status == "completed"
    assert [record.name for record in caplog.records] == ["retina.training.tracking.follow"]
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("kind", ["tensorboard", "mlflow"])
def test_a_missing_extra_is_one_line_before_anything_is_trained(kind, tiny_set, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, kind, None)
    plan = planned(tiny_set, tmp_path)
    with pytest.raises(RetinaError, match=rf"--track {kind} needs .*pip install --editable '.\[{kind}\]'"):
        train(kind, plan, tmp_path)
    assert runs.list_runs(tmp_path) == []


def test_the_command_tracks(tiny_set, tmp_path, monkeypatch):
    needs("mlflow")
    monkeypatch.setattr(setup, "build", small_network)
    words = ["run", "resnet18", "--data", tiny_set, "--weights", "random", "--image-size", "64", "--epochs", "1"]
    done = CliRunner().invoke(main, [str(word) for word in [*words, "--results", tmp_path, "--track", "mlflow"]])
    assert done.exit_code == 0, done.output
    assert shown("mlflow", tmp_path) == history(tmp_path)
    assert "mlflow" not in done.stdout.lower()
