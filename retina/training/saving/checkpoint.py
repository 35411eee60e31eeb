"""The checkpoints of a run: everything that an interrupted run needs to resume after its last finished epoch.

    checkpoint/
        epoch-0003.json    the manifest: history up to epoch 3, and the SHA-256 of every part and of itself
        state-0003.npz     network with the counters of its random layers, and optimizer, after epoch 3
        best-0002.npz      the network at the best epoch so far; written when an epoch is the best

A manifest is renamed into place after its parts, and that rename alone makes the epoch saved. The generation before is
kept: where the newest is damaged it is named in a warning, and training goes on from the one before. Order and
augmentation follow from seed and epoch, early stopping and the best epoch from the history, so none of them is saved.
Parts are NumPy archives read without pickle. All is removed when the run is finished.
"""

import logging
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from retina.errors import RunError
from retina.machine import files, sealed
from retina.runs import epochs as stopping
from retina.runs.folder import Run

LOG = logging.getLogger(__name__)

SCHEMA = "retina-checkpoint/1"

# What reading a file raises that retina did not write, or that is cut short.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile)

Values = Sequence[np.ndarray | torch.Tensor]
State = Mapping[str, Sequence[torch.Tensor]]

GENERATIONS = 2
"""How many finished epochs are kept."""


def path(run: Run) -> Path:
    """The folder of a run's checkpoints."""
    return run.folder / "checkpoint"


def snapshot(model: keras.Model) -> dict[str, list[torch.Tensor]]:
    """Copies, on their device, of all that training changes in a compiled model: `model` and `optimizer`, in order."""
    groups = {"model": model.variables, "optimizer": _slots(model)}
    return {name: [variable.value.detach().clone() for variable in members] for name, members in groups.items()}


def assign(variables: Sequence[keras.Variable], saved: Values) -> None:
    """Give variables their saved values back."""
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)


def save(run: Run, state: State, rows: Sequence[dict[str, float]], best_weights: Values) -> None:
    """Save the state after an epoch.

    Args:
        run: The run folder.
        state: A `snapshot` after the epoch.
        rows: The history, one mapping of `retina.runs.folder.HISTORY_COLUMNS` an epoch; the last is this epoch's.
        best_weights: The values of the model's variables at the best epoch.

    Raises:
        RunError: this process does not hold the run any more.
        RetinaError: the folder cannot be written; the generation before stays.
    """
    run.guard()
    home, epoch = path(run), len(rows)
    latest, best = _parts(home, rows)
    digests = _parts_of_newest(home)
    parts = {latest.name: _write(latest, state)}
    # Written afresh where no generation holds it, such as after the newest was found damaged.
    parts[best.name] = digests.get(best.name) or _write(best, {"model": best_weights})
    content = {"schema": SCHEMA, "run": run.folder.name, "epoch": epoch, "rows": list(rows), "parts": parts}
    files.write_text(_manifest(home, epoch), sealed.seal(content))
    _prune(home)


def restore(run: Run, model: keras.Model) -> tuple[list[dict[str, float]], list[np.ndarray]] | None:
    """Bring model and optimizer back to the last generation that is as it was written.

    Returns:
        The history's rows and the best weights, or `None` where there is no checkpoint.

    Raises:
        RunError: no generation is whole, or they belong to another run.
    """
    reasons = []
    for manifest in _manifests(path(run)):
        try:
            content = _content(run, manifest)
            state, best = (_read(part, content["parts"][part.name]) for part in _parts(path(run), content["rows"]))
            _refuse_misfits([*model.variables], [state["model"], best["model"]])
            # Before it is built an optimizer has no variables to restore.
            model.optimizer.build(model.trainable_variables)
            _refuse_misfits(_slots(model), [state["optimizer"]])
        except UNREADABLE as error:
            reasons.append(f"{manifest.name}: {error}")
            continue
        if reasons:
            LOG.warning("a checkpoint is damaged (%s) | Training goes on after epoch %d.", reasons[0], content["epoch"])
            # Else the damaged one would still be the newest: `epochs` goes by the names alone.
            _forget(path(run), after=content["epoch"])
        assign(model.variables, state["model"])
        assign(_slots(model), state["optimizer"])
        return content["rows"], best["model"]
    if not reasons:
        return None
    raise RunError(
        "the checkpoint of an interrupted run cannot be read",
        found="; ".join(reasons),
        where=path(run),
        advice="start the run over with --force",
    )


def epochs(run: Run) -> int:
    """The last epoch that is saved; 0 where none is. Its parts are not looked at."""
    return max(map(_epoch, _manifests(path(run))), default=0)


def remove(run: Run) -> None:
    """Remove all checkpoints, the manifests first, so that half of the removal leaves none.

    Raises:
        RetinaError: they cannot be removed.
    """
    run.guard()
    with files.unwritable_is_one_line(path(run)):
        _forget(path(run), after=0)
        if path(run).is_dir() and not path(run).is_symlink():
            shutil.rmtree(path(run))
        else:
            path(run).unlink(missing_ok=True)


def _slots(model: keras.Model) -> list[keras.Variable]:
    """The optimizer's variables that training changes; the learning rate is the experiment's."""
    return [variable for variable in model.optimizer.variables if variable.name != "learning_rate"]


def _manifest(home: Path, epoch: int) -> Path:
    return home / f"epoch-{epoch:04}.json"


def _manifests(home: Path) -> list[Path]:
    """The manifests, newest first."""
    # `filter` drops epoch 0, which stands for names of no epoch. Sorted as numbers: epoch 10,000 has a digit more.
    return sorted(filter(_epoch, home.glob("epoch-*.json")), key=_epoch, reverse=True)


def _epoch(manifest: Path) -> int:
    """The epoch of a manifest, from 1, by its name; 0 where it is none."""
    digits = manifest.stem.removeprefix("epoch-")
    return int(digits) if digits.isascii() and digits.isdecimal() else 0


def _parts(home: Path, rows: Sequence[Mapping[str, float]]) -> tuple[Path, Path]:
    """The parts of a generation: the state after the last epoch, and the network at the best one."""
    best = stopping.best_epoch([row["val_loss"] for row in rows])
    return home / f"state-{len(rows):04}.npz", home / f"best-{best:04}.npz"


def _parts_of_newest(home: Path) -> Mapping[str, str]:
    """The parts that the newest generation names and that exist, with their SHA-256."""
    try:
        parts = sealed.read_sealed(_manifests(home)[0])["parts"]
    except (ValueError, LookupError):  # there is none, or it is damaged
        return {}
    return {name: digest for name, digest in parts.items() if (home / name).is_file()}


def _content(run: Run, manifest: Path) -> dict[str, Any]:
    """The content of a manifest; ValueError where it is damaged or of another run."""
    content = sealed.read_sealed(manifest)
    if content.get("schema") != SCHEMA or content.get("run") != run.folder.name:
        raise ValueError(f"belongs to {content.get('run')}, {content.get('schema')}")
    if _manifest(manifest.parent, content["epoch"]) != manifest or len(content["rows"]) != content["epoch"]:
        raise ValueError(f"is of epoch {content['epoch']}, with {len(content['rows'])} rows")
    return content


def _write(part: Path, groups: Mapping[str, Values]) -> str:
    """Write groups of arrays as one file, whole or not at all; return its SHA-256."""
    arrays = {
        f"{group}.{place}": value.cpu().numpy() if isinstance(value, torch.Tensor) else value
        for group, members in groups.items()
        for place, value in enumerate(members)
    }
    with files.atomic_file(part) as temporary:
        with temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        return files.sha256(temporary)


def _read(part: Path, digest: str) -> dict[str, list[np.ndarray]]:
    """The groups of arrays in a file; ValueError where it is not as it was written."""
    if (actual := files.sha256(part)) != digest:
        raise ValueError(f"{part.name} has SHA-256 {actual[:8]}..., not {digest[:8]}...")
    groups: dict[str, list[np.ndarray]] = {}
    with np.load(part, allow_pickle=False) as archive:
        for name in archive.files:
            groups.setdefault(name.partition(".")[0], []).append(archive[name])
    return groups


def _refuse_misfits(variables: Sequence[keras.Variable], saved: Sequence[Sequence[np.ndarray]]) -> None:
    """ValueError where saved values do not fit the variables, before any is assigned."""
    shapes = [tuple(variable.shape) for variable in variables]
    if any([array.shape for array in arrays] != shapes for arrays in saved):
        raise ValueError("belongs to another network")


def _forget(home: Path, *, after: int) -> None:
    """Remove the manifests of later epochs than one."""
    for manifest in _manifests(home):
        if _epoch(manifest) > after:
            manifest.unlink()


def _prune(home: Path) -> None:
    """Remove what no generation that is kept needs, and what killed processes left half written."""
    kept = {manifest.name for manifest in _manifests(home)[:GENERATIONS]}
    for name in tuple(kept):
        try:
            kept |= set(sealed.read_sealed(home / name)["parts"])
        except (ValueError, KeyError):
            LOG.warning("the checkpoint %s is damaged and not kept", home / name)
            kept.discard(name)
    with files.unwritable_is_one_line(home):
        for entry in home.iterdir():
            if entry.name not in kept:
                entry.unlink()
