"""Checkpoints: what is saved comes back, and what is not as it was written is named and never used."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from retina.errors import RunError
from retina.machine import files, sealed
from retina.models import classifier
from retina.runs import folder as runs
from retina.training.saving import checkpoint


def test_a_checkpoint_cannot_run_code(tmp_path):
    """A pickle that calls a function is refused before it is called, though manifest and digest are right."""
    run = runs.create(tmp_path, "x")
    home = checkpoint.path(run)
    home.mkdir()
    trap = np.array([_Trap(str(tmp_path / "trap"))], dtype=object)
    names = ("best-0001.npz", "state-0001.npz")
    for name in names:
        with (home / name).open("wb") as stream:
            np.savez(stream, allow_pickle=True, **{"model.0": trap, "optimizer.0": trap})
    parts = {name: files.sha256(home / name) for name in names}
    content = {"schema": checkpoint.SCHEMA, "run": "x", "epoch": 1, "rows": [{"val_loss": 0.5}], "parts": parts}
    (home / "epoch-0001.json").write_text(sealed.seal(content))
    network = classifier.build("resnet18")
    network.compile(keras.optimizers.Adam())
    with pytest.raises(RunError, match="allow_pickle"):
        checkpoint.restore(run, network)
    assert not (tmp_path / "trap").exists()


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def network(width=1, frozen=0, optimizer=keras.optimizers.Adam):
    """A compiled network of two or more weights, and an optimizer that has not stepped yet."""
    still = [keras.layers.Dense(1, trainable=False) for _ in range(frozen)]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(width), *still])
    model.compile(optimizer(1e-3))
    return model


@pytest.fixture
def model():
    made = network()
    made.optimizer.build(made.trainable_variables)
    return made


@pytest.fixture
def run(tmp_path, model):
    """A run of three epochs, of which the second is the best; the kernel is the number of its epoch."""
    run, rows, best = runs.create(tmp_path, "x"), [], ()
    for epoch, loss in enumerate((0.5, 0.4, 0.6), start=1):
        model.variables[0].assign([[float(epoch)]])
        model.optimizer.variables[0].assign(epoch)
        rows.append({"val_loss": loss})
        state = checkpoint.snapshot(model)
        best = state["model"] if epoch < 3 else best
        checkpoint.save(run, state, rows, best)
    return run


def kernel(model):
    return model.get_weights()[0].item()


def names(run):
    return sorted(path.name for path in checkpoint.path(run).iterdir())


def test_what_was_saved_last_comes_back_with_the_best_weights(run, model):
    model.variables[0].assign([[9.0]])
    model.optimizer.variables[0].assign(9)
    rows, best = checkpoint.restore(run, model)
    assert [row["val_loss"] for row in rows] == [0.5, 0.4, 0.6]
    assert best[0].item() == 2.0
    assert (kernel(model), int(model.optimizer.variables[0])) == (3.0, 3)
    assert checkpoint.epochs(run) == 3


def test_two_generations_are_kept_with_the_parts_that_they_name(run):
    assert names(run) == ["best-0002.npz", "epoch-0002.json", "epoch-0003.json", "state-0002.npz", "state-0003.npz"]


def test_a_snapshot_is_a_copy_without_the_learning_rate(model):
    state = checkpoint.snapshot(model)
    model.variables[0].assign([[7.0]])
    assert float(state["model"][0]) != 7.0
    assert len(state["optimizer"]) == len(model.optimizer.variables) - 1


@pytest.mark.parametrize("part", ["epoch-0003.json", "state-0003.npz"])
def test_a_generation_with_a_flipped_bit_is_named_and_the_one_before_restored(run, model, caplog, part):
    path = checkpoint.path(run) / part
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    rows, _ = checkpoint.restore(run, model)
    assert len(rows) == 2
    assert kernel(model) == 2.0
    assert "Training goes on after epoch 2." in caplog.text
    assert checkpoint.epochs(run) == 2


def test_a_whole_part_that_is_not_the_one_that_was_written_is_named_by_its_digest(run, model, caplog):
    home = checkpoint.path(run)
    (home / "state-0003.npz").write_bytes((home / "state-0002.npz").read_bytes())
    rows, _ = checkpoint.restore(run, model)
    assert len(rows) == 2
    assert "state-0003.npz has SHA-256" in caplog.text


def test_checkpoints_of_another_run_or_network_are_refused(run, tmp_path):
    for other in (network(width=2), network(frozen=1), network(optimizer=keras.optimizers.SGD)):
        before = other.get_weights()
        with pytest.raises(RunError, match=r"belongs to another network.*--force"):
            checkpoint.restore(run, other)
        assert all(np.array_equal(*pair) for pair in zip(other.get_weights(), before, strict=True))
    other = runs.create(tmp_path, "y")
    checkpoint.path(run).rename(checkpoint.path(other))
    with pytest.raises(RunError, match="belongs to x"):
        checkpoint.restore(other, network())


def test_without_a_checkpoint_there_is_nothing_to_restore_and_removing_leaves_none(run, model, tmp_path):
    assert checkpoint.restore(runs.create(tmp_path, "y"), model) is None
    checkpoint.remove(run)
    assert not checkpoint.path(run).exists()
    assert (checkpoint.epochs(run), checkpoint.restore(run, model)) == (0, None)
    checkpoint.remove(run)


def test_who_does_not_hold_the_run_neither_saves_nor_removes(run, model):
    def refuse():
        raise RunError("attempt 2 holds the run")

    taken, before = dataclasses.replace(run, guard=refuse), names(run)
    for act in (lambda: checkpoint.save(taken, checkpoint.snapshot(model), [{}], ()), lambda: checkpoint.remove(taken)):
        with pytest.raises(RunError, match="attempt 2"):
            act()
    assert names(run) == before
