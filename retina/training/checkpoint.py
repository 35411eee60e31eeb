"""The checkpoint of a run: everything that an interrupted run needs to go on after its last finished epoch.

It is one file, written whole or not at all, and removed when the run is finished. It holds tensors, numbers and texts
only, and is read with `weights_only=True`.
"""

import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from keras import ops

from retina import files
from retina.errors import RunError
from retina.runs import Run


def path(run: Run) -> Path:
    """Where the checkpoint of a run lies."""
    return run.folder / "checkpoint.pt"


def values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Copies of the values of variables, in order."""
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[keras.Variable], saved: Sequence[np.ndarray]) -> None:
    """Give variables their saved values back."""
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)


def save(run: Run, model: keras.Model, rows: list[dict[str, float]], best_weights: list[np.ndarray]) -> None:
    """Save the state after an epoch: network with the counters of its random layers, optimizer, history, best weights.

    Raises:
        RetinaError: the folder cannot be written; the checkpoint before stays.
    """
    state = {
        "model": _tensors(values(model.variables)),
        "optimizer": _tensors(values(model.optimizer.variables)),
        "rows": rows,
        "best_weights": _tensors(best_weights),
    }
    with files.atomic_file(path(run)) as temporary:
        torch.save(state, temporary)


def restore(run: Run, model: keras.Model) -> tuple[list[dict[str, float]], list[np.ndarray]] | None:
    """Bring model and optimizer back to the last checkpoint.

    Returns:
        The history's rows and the best weights, or `None` where there is no checkpoint.

    Raises:
        RunError: the checkpoint is damaged or belongs to another model.
    """
    if not path(run).is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path(run), weights_only=True, map_location="cpu")
        model.optimizer.build(model.trainable_variables)
        assign(model.variables, [tensor.numpy() for tensor in state["model"]])
        assign(model.optimizer.variables, [tensor.numpy() for tensor in state["optimizer"]])
        return state["rows"], [tensor.numpy() for tensor in state["best_weights"]]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(
            "the checkpoint of an interrupted run cannot be read",
            found=error,
            where=path(run),
            advice="start the run over with --force",
        ) from error


def remove(run: Run) -> None:
    """Remove the checkpoint of a finished run."""
    path(run).unlink(missing_ok=True)


def _tensors(arrays: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]
