"""A run killed at any instant and started again ends as an undisturbed one; a full disk loses nothing."""

import errno
import functools
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from small_runs import TIMINGS, Interrupt, interrupted, moved, small_network
from small_runs import planned as prepare
from tiny_sets import write_set

from retina.errors import DivergedError, RunError
from retina.machine import files, signals
from retina.runs import folder as runs
from retina.training import execution
from retina.training.saving import checkpoint

DISASTERS = Path(__file__).parents[1] / "support" / "disasters.py"
PARTS = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FACTORS = {
    "backbone": ["vgg16", "resnet18", "resnet50"],
    "fine_tune": ["head", "last", "full"],
    "early_stopping": [True, False],
    "precision": ["float32", "bfloat16"],
}
EVERY = list(itertools.product(*FACTORS.values()))
CHOSEN = [  # every value of every factor, at the cost of seconds; the rest is slow
    ("vgg16", "last", True, "float32"),
    ("resnet18", "full", False, "float32"),
    ("resnet18", "head", True, "float32"),
    ("resnet50", "head", False, "bfloat16"),
]


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A set of 8 + 8 + 8 images of 64 x 64 pixels."""
    return write_set(tmp_path_factory.mktemp("eyes") / "set", {"train": 8, "validation": 8, "test": 8})


def disaster(scenario, data, results, **options):
    """Let a scenario of `disasters.py` happen, in two processes that share it, and put together what they found."""
    processes = []
    for part in range(PARTS):
        place = results / str(part)
        place.mkdir()
        shared = json.dumps(options | {"part": part, "parts": PARTS})
        command = [sys.executable, DISASTERS, scenario, data, place, shared]
        environment = os.environ | ONE_THREAD | {"KERAS_BACKEND": "torch"}
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment))
    found = {}
    for process in processes:
        stdout, stderr = process.communicate()
        assert process.returncode == 0, stderr.decode()
        for key, value in json.loads(stdout).items():
            found[key] = found[key] + value if key in found else value
    return found


def test_the_chosen_combinations_hold_every_value():
    for place, values in enumerate(FACTORS.values()):
        assert {item[place] for item in CHOSEN} == set(values)


@pytest.mark.disaster
def test_a_run_killed_at_any_moment_of_any_write_ends_as_an_undisturbed_one(eyes, tmp_path):
    """Before, within and after every write, fsync, rename and removal, each once."""
    found = disaster("killed-everywhere", eyes, tmp_path)
    assert found["lost"] == []
    for name in ("attempt-1.json", "record.json", "state-0002.npz", "epoch-0002.json", "history.csv", "model.keras"):
        for word in (
            ["link"] if name.startswith("attempt") else ["opened", "half of", "closed", "before replace", "after"]
        ):
            assert any(word in moment and name in moment for moment in found["moments"]), (word, name)
    assert PARTS * found["killed"] == len(found["moments"]) > 200


@pytest.mark.disaster
def test_a_finished_run_that_is_trained_again_and_killed_ends_as_it_was(eyes, tmp_path):
    """`--force` takes the old results away; whenever it is killed, the old run is whole or the new one goes on."""
    found = disaster("killed-everywhere", eyes, tmp_path, force=True)
    assert found["lost"] == []
    assert found["killed"] > 20


@pytest.mark.disaster
def test_a_full_disk_is_one_line_and_loses_nothing(eyes, tmp_path):
    """From every write, fsync, rename and making of a folder on; when there is room again, the run goes on."""
    found = disaster("full-disk", eyes, tmp_path)
    assert found["wrong"] == []
    assert found["faults"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS], ids=["permission taken away", "read-only"])
def test_a_folder_that_may_not_be_written_any_more_is_one_line_and_loses_nothing(eyes, tmp_path, number):
    """Tests may run as root, whom permissions do not stop; so the system's refusal is played, at every write."""
    found = disaster("full-disk", eyes, tmp_path, errno=number)
    assert found["wrong"] == []
    assert found["faults"] > 50


def words_of(backbone, fine_tune, early_stopping, precision):
    words = [backbone, "--fine-tune", fine_tune, "--precision", precision, "--epochs", "2"]
    return [*words, "--early-stopping" if early_stopping else "--no-early-stopping"]


@pytest.mark.disaster
def test_real_runs_killed_at_random_end_as_undisturbed_ones(eyes, tmp_path):
    combinations = [words_of("resnet18", "full", early_stopping=True, precision="float32")]
    found = disaster("killed-at-random", eyes, tmp_path, kills=20, attempts=5, combinations=combinations)
    assert found["lost"] == []
    assert found["kills"] >= 20
    assert found["resumed"] > 0


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_real_runs_of_every_kind_killed_at_random_end_as_undisturbed_ones(eyes, tmp_path):
    combinations = [words_of(*item) for item in EVERY]
    found = disaster("killed-at-random", eyes, tmp_path, kills=200, attempts=6, combinations=combinations)
    print(found)  # noqa: T201 - the figures that docs/reliability.md states
    assert found["lost"] == []
    assert found["kills"] >= 200


def ended(run: runs.Run) -> tuple[str, bytes, str]:
    """What an undisturbed and a resumed run must have in common to the last bit."""
    history = run.history().drop(columns=TIMINGS).to_csv()
    return history, run.predictions_path.read_bytes(), run.record().model.weights_sha256


@pytest.mark.parametrize(
    ("backbone", "fine_tune", "early_stopping", "precision"),
    [
        pytest.param(*item, id="-".join(map(str, item)), marks=[] if item in CHOSEN else [pytest.mark.slow])
        for item in EVERY
    ],
)
def test_a_resumed_run_is_bit_identical(eyes, tmp_path, *, backbone, fine_tune, early_stopping, precision):
    options = {"fine_tune": fine_tune, "early_stopping": early_stopping, "precision": precision, "epochs": 2}
    prepared = prepare(eyes, tmp_path, backbone, **options)
    straight, _ = execution.execute(moved(prepared, tmp_path / "a"))
    interrupted(moved(prepared, tmp_path / "b"), step=3)
    resumed, _ = execution.execute(moved(prepared, tmp_path / "b"))
    assert ended(resumed) == ended(straight)
    assert len(resumed.record().sessions) == 1


class Ranked(keras.callbacks.Callback):
    """Validation losses are in the order of the given ones, whatever the network does."""

    def __init__(self, *losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch] + 1e-3 * min(logs["val_loss"], 10.0)


SECOND_IS_BEST = Ranked(0.6, 0.4, 0.5)
SECOND_IS_WORST = Ranked(0.5, 0.6, 0.4)
SMALL = {"build": small_network, "listeners": [SECOND_IS_BEST]}
"""A small network whose best epoch is the second, so that the best weights matter."""


def execute(prepared, *listeners, ranked=SECOND_IS_BEST, **options):
    """Train the small network."""
    heard = [ranked, *listeners]
    return execution.execute(prepared, build=small_network, listeners=heard, **options)[0]


class RaisesWhenFreed:
    """Ctrl-C while an object is being freed: Python drops the KeyboardInterrupt and goes on."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


class DroppedInterrupt(keras.callbacks.Callback):
    """Ctrl-C that is dropped in the fifth step."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations.numpy() == 5:
            RaisesWhenFreed()


@pytest.fixture(scope="module")
def undisturbed(eyes, tmp_path_factory):
    """Trains the small network for three epochs with some options, once for each choice of them."""

    @functools.cache
    def trained(*options, ranked=SECOND_IS_BEST):
        return execute(prepare(eyes, tmp_path_factory.mktemp("undisturbed"), **dict(options)), ranked=ranked)

    return lambda ranked=SECOND_IS_BEST, **options: trained(*options.items(), ranked=ranked)


@pytest.fixture
def straight(undisturbed):
    """An undisturbed run without options, which no test changes."""
    return undisturbed()


def forget(group):
    """A `checkpoint.assign` that leaves out the variables of a group."""

    def assign(variables, saved):
        for variable, value in zip(variables, saved, strict=True):
            if group not in variable.path:
                variable.assign(value)

    return assign


def test_an_interrupt_that_python_drops_ends_the_run_all_the_same_and_it_resumes(eyes, straight, tmp_path):
    prepared = prepare(eyes, tmp_path)
    with pytest.raises(KeyboardInterrupt), signals.as_interrupt():
        execute(prepared, DroppedInterrupt())
    record = prepared.run.record()
    assert (record.status, record.epochs_run) == ("interrupted", 2)
    assert ended(execute(prepared)) == ended(straight)


@pytest.mark.parametrize(
    "group", ["kernel", "gamma", "moving_mean", "seed_generator", "iteration", "momentum", "velocity"]
)
def test_taking_out_a_saved_item_changes_the_result(eyes, straight, tmp_path, monkeypatch, group):
    """Each is saved because the result needs it: forgotten on resuming, it is missed."""
    prepared = prepare(eyes, tmp_path)
    interrupted(prepared, step=5, **SMALL)
    whole, restore = checkpoint.assign, checkpoint.restore

    def restoring(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "assign", forget(group))
            return restore(*arguments)

    monkeypatch.setattr(checkpoint, "restore", restoring)
    resumed = execute(prepared)
    assert checkpoint.assign is whole
    assert ended(resumed) != ended(straight)


def test_a_run_in_its_warm_up_resumes_at_the_rate_and_the_bounds_that_it_had(eyes, tmp_path):
    options = {"warmup_epochs": 2.5, "clip_norm": 0.1, "learning_rate": 0.1}
    straight = execute(prepare(eyes, tmp_path / "straight", **options))
    rates = straight.history()["learning_rate"].tolist()
    assert rates == pytest.approx([0.04, 0.08, 0.1])
    prepared = prepare(eyes, tmp_path, **options)
    interrupted(prepared, step=3, **SMALL)
    assert ended(execute(prepared)) == ended(straight)
    for name in options:
        other = execute(prepare(eyes, tmp_path / name, **{key: options[key] for key in options if key != name}))
        assert ended(other) != ended(straight), f"{name} has no effect"


PHASES = {
    "sgd": {"optimizer": "sgd", "weight_decay": 0.5, "learning_rate": 0.1},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.5, "learning_rate": 0.1},
    "cosine": {"schedule": "cosine"},
    "plateau": {"schedule": "plateau", "plateau_factor": 0.1},
    "layer_decay": {"layer_decay": 0.3},
    "ema": {"ema": 0.8},
    "head_in_epoch_1": {"freeze_epochs": 1},
    "head_in_epochs_1_and_2": {"freeze_epochs": 2},
    "all": {"optimizer": "sgd", "weight_decay": 0.1, "schedule": "cosine", "freeze_epochs": 1, "ema": 0.5}
    | {"layer_decay": 0.5, "warmup_epochs": 0.5, "clip_norm": 1.0, "learning_rate": 0.1},
}


@pytest.mark.parametrize("name", PHASES)
@pytest.mark.parametrize("step", [3, 5])
def test_a_run_with_phases_resumes_to_the_bits_of_an_undisturbed_one(eyes, undisturbed, tmp_path, name, step):
    # A plateau is met after the second epoch, before the best one.
    ranked = SECOND_IS_WORST if name == "plateau" else SECOND_IS_BEST
    whole = undisturbed(ranked, **PHASES[name])
    rate = {key: value for key, value in PHASES[name].items() if key == "learning_rate"}
    without = undisturbed(ranked, **rate)
    assert ended(whole)[1:] != ended(without)[1:], f"{name} has no effect on the network"
    prepared = prepare(eyes, tmp_path, **PHASES[name])
    interrupted(prepared, step=step, build=small_network, listeners=[ranked])
    assert ended(execute(prepared, ranked=ranked)) == ended(whole)


@pytest.mark.parametrize("loss", ["ce", "focal"])
def test_a_run_with_class_weights_and_smoothed_labels_resumes_with_them(eyes, tmp_path, loss):
    options = {"class_weight": "balanced", "label_smoothing": 0.2}
    straight = execute(prepare(eyes, tmp_path / "straight", loss=loss, **options))
    prepared = prepare(eyes, tmp_path, loss=loss, **options)
    interrupted(prepared, step=3, **SMALL)
    assert ended(execute(prepared)) == ended(straight)
    for name in options:
        less = {key: options[key] for key in options if key != name}
        other = execute(prepare(eyes, tmp_path / name, loss=loss, **less))
        for column in ("train_loss", "val_loss"):
            values, others = straight.history()[column], other.history()[column]
            assert (values != others).all(), f"{name} has no effect on {column}"


@pytest.mark.parametrize("item", ["rows", "best_weights"])
def test_taking_out_the_history_or_the_best_weights_changes_the_result(eyes, straight, tmp_path, monkeypatch, item):
    prepared = prepare(eyes, tmp_path)
    interrupted(prepared, step=5, **SMALL)
    restore = checkpoint.restore

    def restoring(run, model):
        rows, best = restore(run, model)
        return (rows[:0], best) if item == "rows" else (rows, [np.zeros_like(value) for value in best])

    monkeypatch.setattr(checkpoint, "restore", restoring)
    resumed = execute(prepared)
    assert ended(resumed) != ended(straight)


def flip(path: Path, place: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("part", ["epoch-0002.json", "state-0002.npz"])
def test_a_damaged_generation_is_named_and_the_one_before_is_used(eyes, straight, tmp_path, *, caplog, part):
    prepared = prepare(eyes, tmp_path)
    broken = interrupted(prepared, step=5, **SMALL)
    flip(checkpoint.path(broken) / part)
    resumed = execute(prepared)
    assert part in caplog.text
    assert "goes on after epoch 1" in caplog.text
    assert ended(resumed) == ended(straight)


def test_two_damaged_generations_are_one_line_and_force_starts_over(eyes, tmp_path):
    prepared = prepare(eyes, tmp_path)
    broken = interrupted(prepared, step=5, **SMALL)
    for part in ("epoch-0001.json", "state-0002.npz"):
        flip(checkpoint.path(broken) / part)
    before = {path.name: path.read_bytes() for path in checkpoint.path(broken).iterdir()}
    with pytest.raises(RunError, match="--force") as caught:
        execute(prepared)
    assert "state-0002.npz" in str(caught.value)
    assert "epoch-0001.json" in str(caught.value)
    assert {path.name: path.read_bytes() for path in checkpoint.path(broken).iterdir()} == before
    again = execute(prepared, force=True)
    assert again.record().finished


def test_a_checkpoint_of_another_run_is_refused(eyes, tmp_path):
    prepared, other = prepare(eyes, tmp_path / "a"), prepare(eyes, tmp_path / "b", seed=1)
    first = interrupted(prepared, step=3, **SMALL)
    second = interrupted(other, step=3, **SMALL)
    for path in checkpoint.path(first).iterdir():
        path.replace(checkpoint.path(second) / path.name)
    with pytest.raises(RunError, match="belongs to resnet18-p1-ce-seed0"):
        execute(other)


def test_two_generations_are_kept_and_nothing_else(eyes, tmp_path):
    broken = interrupted(prepare(eyes, tmp_path, epochs=4), step=7, **SMALL)
    names = sorted(path.name for path in checkpoint.path(broken).iterdir())
    assert names == [
        "best-0002.npz",
        "epoch-0002.json",
        "epoch-0003.json",
        "state-0002.npz",
        "state-0003.npz",
    ]


def test_a_folder_that_vanishes_in_mid_run_is_one_line_and_stays_away(eyes, tmp_path):
    """An unmounted disk: nothing is written in its place."""
    prepared = prepare(eyes, tmp_path)

    class Vanish(Interrupt):
        def on_train_batch_end(self, batch, logs=None):
            run = runs.runs_folder(tmp_path) / prepared.name
            if run.exists():
                run.rename(tmp_path / "elsewhere")

    with pytest.raises(RunError, match="neither the run folder"):
        execute(prepared, Vanish(0))
    assert not (runs.runs_folder(tmp_path) / prepared.name).exists()


def test_an_attempt_that_was_taken_over_writes_nothing_more(eyes, tmp_path):
    prepared = prepare(eyes, tmp_path)

    class TakenOver(Interrupt):
        def on_train_batch_end(self, batch, logs=None):
            first = runs.runs_folder(tmp_path) / prepared.name / "attempt-1.json"
            if not first.with_name("attempt-2.json").exists():
                said = json.loads(first.read_text()) | {"attempt": 2, "host": "another", "token": "0" * 32}
                files.write_text(first.with_name("attempt-2.json"), json.dumps(said))  # never seen half-written

    with pytest.raises(RunError, match="attempt 2 by process") as caught:
        execute(prepared, TakenOver(0))
    assert "on another since" in str(caught.value)
    run = runs.list_runs(tmp_path)[0]
    assert run.record().status == "running"
    assert {path.name for path in run.folder.iterdir()} == {"record.json", "attempt-2.json"}


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_after_the_last_step_stop_the_run_and_are_named(eyes, tmp_path, value):
    named = []

    class Poison(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == self.params["steps"] - 1:
                chosen = self.model.trainable_variables[-1]
                chosen.assign(np.full(chosen.shape, value))
                named.append(chosen.path)

    with pytest.raises(DivergedError, match="finite weights") as told:
        execute(prepare(eyes, tmp_path), Poison())
    assert f"others in {named[0]} after epoch 1" in str(told.value)
    record = runs.list_runs(tmp_path)[0].record()
    assert (record.status, record.epochs_run, record.diverged_step) == ("diverged", 0, None)


def test_the_record_of_a_run_that_diverged_names_the_step(eyes, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                self.model.trainable_variables[0].assign(np.full(self.model.trainable_variables[0].shape, np.nan))

    with pytest.raises(DivergedError, match="step 2 of the epoch"):
        execute(prepare(eyes, tmp_path), Poison())
    run = runs.list_runs(tmp_path)[0]
    assert (run.record().epochs_run, run.record().diverged_step) == (0, 2)
    assert {path.name for path in run.folder.iterdir()} == {"record.json"}


def test_the_same_experiment_twice_gives_the_same_bytes(eyes, straight, tmp_path):
    again = execute(prepare(eyes, tmp_path))
    assert ended(again) == ended(straight)
    pd.testing.assert_frame_equal(again.predictions(), straight.predictions())


def test_deterministic_is_a_setting_of_its_own_and_changes_nothing_on_a_processor(eyes, straight, tmp_path):
    prepared = prepare(eyes, tmp_path, deterministic=True)
    assert prepared.digest != prepare(eyes, tmp_path).digest
    assert prepare(eyes, tmp_path, deterministic=False).digest == prepare(eyes, tmp_path).digest
    run = execute(prepared)
    assert ended(run) == ended(straight)
