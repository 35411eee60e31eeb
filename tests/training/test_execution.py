"""Training: from a plan to a run folder, and back from an interruption."""

import dataclasses
import json
import shutil
import threading

import keras
import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import history, interrupted, run_of, small_network
from small_runs import planned_by_eights as prepare

from retina.analysis.gathering import collection
from retina.data import dataset
from retina.errors import DivergedError, RetinaError
from retina.experiments.target import DEFAULT
from retina.machine import files
from retina.runs import folder as runs
from retina.runs import status
from retina.runs.data import Split
from retina.training import execution, plan
from retina.training.saving import checkpoint


def test_a_run_folder_holds_the_contracts_files_and_nothing_else(finished):
    assert sorted(path.name for path in finished.folder.iterdir()) == [
        "history.csv",
        "model.keras",
        "predictions.csv",
        "record.json",
    ]
    assert list(finished.history()["epoch"]) == list(range(1, len(finished.history()) + 1))
    predictions = finished.predictions()
    assert predictions.groupby("split").size().to_dict() == {"test": 12, "validation": 12}
    assert np.isfinite(predictions["logit"]).all()


def test_the_record_says_what_was_run_on_what_and_how_it_ended(finished):
    record = finished.record()
    assert record.finished
    assert finished.folder.name == record.name == f"resnet18-p1-ce-seed0-{record.digest[:8]}"
    assert record.overrides["epochs"] == {"file": 10, "option": 3}
    assert record.experiment.precision in ("float32", "bfloat16")
    assert record.target == DEFAULT
    assert record.data.splits["train"] == Split(images=24, positives=18, prevalence=0.75)
    assert record.baselines.majority["test"].accuracy == 0.75
    assert record.weights.origin == "random"
    assert record.epochs_run == len(finished.history())
    assert record.best_epoch == finished.history()["val_loss"].idxmin() + 1
    assert record.files["model.keras"] == files.sha256(finished.model_path)
    assert record.environment.packages["torch"].startswith("2.")
    assert 0 < record.model.trainable_parameters <= record.model.parameters
    assert len(record.model.weights_sha256) == 64


def test_the_record_has_the_keys_of_the_contract_in_their_order(finished):
    """Those of schema 2, and the target."""
    written = json.loads(finished.record_path.read_text())
    assert list(written) == [
        *("schema", "name", "digest", "status", "error", "experiment", "overrides", "target", "data", "baselines"),
        *("environment", "weights", "model", "timings", "attempt", "sessions", "early_stopping", "diverged_step"),
        *("best_epoch", "epochs_run", "files", "seal"),
    ]
    assert list(written["timings"]) == [
        *("started", "finished", "preparation_seconds", "training_seconds", "prediction_seconds"),
        *("images_per_second", "waiting_share", "peak_memory_mib"),
    ]
    assert list(written["model"]) == ["parameters", "trainable_parameters", "weights_sha256"]
    assert written["schema"] == 3


def test_the_record_says_how_fast_it_trained_how_long_it_waited_and_how_much_memory_it_took(finished):
    timings = finished.record().timings
    of_epochs = finished.history()["images_per_second"]
    assert timings.images_per_second == pytest.approx(len(of_epochs) / (1 / of_epochs).sum(), rel=1e-3, abs=0.01)
    assert 0 < timings.waiting_share < 1
    assert 100 < timings.peak_memory_mib < 100_000


def test_the_models_answers_are_the_predictions(finished, tiny_set):
    """`model.keras` and `predictions.csv` come from the same weights, and bytes and floats give the same logits."""
    model = keras.saving.load_model(finished.model_path)
    data = dataset.load(tiny_set, image_size=64, crop=True, quiet=True)
    images = np.concatenate([data.images[data.splits[name].rows] for name in ("validation", "test")])
    logits = finished.predictions()["logit"].to_numpy()
    np.testing.assert_allclose(model.predict(images, verbose=0)[:, 0], logits, atol=1e-4)
    np.testing.assert_allclose(model.predict(images.astype(np.float32), verbose=0)[:, 0], logits, atol=1e-4)


def test_the_predictions_come_from_the_best_epoch(finished):
    """The best epoch's validation loss follows from the validation logits."""
    rows = finished.predictions().query("split == 'validation'")
    signed = np.where(rows["label"] == 1, 1, -1) * rows["logit"]
    recomputed = np.logaddexp(0, -signed).mean()
    losses = finished.history()["val_loss"]
    assert abs(losses - recomputed).idxmin() == losses.idxmin()


def test_a_finished_run_is_reused_and_force_repeats_it_exactly(finished, tiny_set, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(finished.folder.parent.parent, results)
    again, reused = execution.execute(prepare(tiny_set, results))
    assert (again.folder, reused) == (results / "runs" / finished.folder.name, True)
    assert again.record_path.read_bytes() == finished.record_path.read_bytes()
    old_history, old_predictions = history(finished), finished.predictions_path.read_bytes()
    again.predictions_path.unlink()
    again, reused = execution.execute(prepare(tiny_set, results), force=True)
    assert not reused
    pd.testing.assert_frame_equal(history(again), old_history)
    assert again.predictions_path.read_bytes() == old_predictions


def test_a_run_interrupted_twice_ends_as_an_undisturbed_one_and_tells_of_its_sessions(tiny_set, tmp_path, monkeypatch):
    """Real networks are interrupted in `test_reliability.py`."""
    straight = run_of(tiny_set, tmp_path / "a", build=small_network)
    results = tmp_path / "b"
    moments = iter(["first", "second", "third"])
    monkeypatch.setattr(plan, "now", lambda: next(moments))
    for epochs, step in ((1, 5), (2, 8)):
        broken = interrupted(prepare(tiny_set, results), step, build=small_network)
        record = broken.record()
        assert (record.status, record.error, record.epochs_run) == ("interrupted", "KeyboardInterrupt", epochs)
        assert record.model.weights_sha256 is None
        assert not broken.predictions_path.exists()
    resumed = run_of(tiny_set, results, build=small_network)
    pd.testing.assert_frame_equal(history(resumed), history(straight))
    assert resumed.predictions_path.read_bytes() == straight.predictions_path.read_bytes()
    assert not checkpoint.path(resumed).exists()
    record = resumed.record()
    assert [(item.started, item.epochs_run) for item in record.sessions] == [("first", 1), ("second", 2)]
    assert (record.timings.started, record.error) == ("third", None)


def test_a_run_that_diverges_says_so_and_keeps_its_record(tiny_set, tmp_path):
    with pytest.raises(DivergedError, match="lower the learning rate"):
        run_of(tiny_set, tmp_path, backbone="vgg16", learning_rate=10.0, precision="float32")
    run = runs.list_runs(tmp_path)[0]
    record = run.record()
    assert record.status == "diverged"
    assert "loss" in record.error
    assert not run.predictions_path.exists()
    assert not run.model_path.exists()


def test_a_lack_of_memory_is_one_line_and_the_run_is_marked(tiny_set, tmp_path):
    """The allocator's own refusal: a network of petabytes."""
    with pytest.raises(RetinaError, match="--batch-size"):
        run_of(tiny_set, tmp_path, build=lambda *_: torch.empty(2**50))
    record = runs.list_runs(tmp_path)[0].record()
    assert (record.status, record.model) == ("failed", None)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("max_unpool does not have a deterministic implementation, but you set it", "leave out --deterministic"),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried", "--batch-size"),
    ],
)
def test_what_torch_refuses_is_one_line_and_other_errors_stay_themselves(said, words):
    with pytest.raises(RetinaError, match=words), execution.torch_errors_in_one_line():
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="something else"), execution.torch_errors_in_one_line():
        raise RuntimeError("something else")


def test_images_are_predicted_while_the_last_epoch_is_written(tiny_set, tmp_path, monkeypatch):
    """And the run is finished only when both stand."""
    save, predicted = checkpoint.save, threading.Event()

    def patient_save(*given):
        assert predicted.wait(60)
        save(*given)

    def noted_predict(*given):
        rows = execution_predict(*given)
        predicted.set()
        return rows

    execution_predict = execution.predict
    monkeypatch.setattr(checkpoint, "save", patient_save)
    monkeypatch.setattr(execution, "predict", noted_predict)
    run = run_of(tiny_set, tmp_path, epochs=1, build=small_network)
    assert run.record().status == "completed"
    assert len(run.history()) == 1
    assert run.record().files == status.digests(run)


def test_persons_are_written_beside_the_predictions_where_the_data_know_them(tiny_set, tmp_path):
    prepared = prepare(tiny_set, tmp_path, epochs=1)
    test = prepared.data.splits["test"]
    persons = np.array(["", *(f"person {number // 2}" for number in range(1, len(test.ids)))], dtype=object)
    splits = prepared.data.splits | {"test": dataclasses.replace(test, persons=persons)}
    known = dataclasses.replace(prepared, data=dataclasses.replace(prepared.data, splits=splits))
    run, _ = execution.execute(known, build=small_network)
    frame = run.predictions()
    assert list(frame.columns) == ["split", "id", "label", "logit", "person"]
    assert frame.loc[frame["split"] == "test", "person"].tolist() == persons.tolist()
    assert set(frame.loc[frame["split"] == "validation", "person"]) == {""}
    assert collection.read(run).finished


def test_the_record_is_json_of_the_standard(finished):
    """No NaN, no Infinity: any reader can read it."""

    def refuse(word):
        raise AssertionError(word)

    json.loads(finished.record_path.read_text(), parse_constant=refuse)
