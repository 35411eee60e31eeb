"""The record of a run: what was run, on what, from which weights, and how it ended. Its shape is declared here alone.

`record.json` holds the fields of `Record` under their names, `schema`, and `seal`, the SHA-256 of all the rest. It is
read and checked once, by `Record.read`: every key is there, of its type and in its range. Records of schema 2 are read
too: their target is the default one. A setting that an earlier version did not know has its default.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from retina.errors import RunError
from retina.experiments.experiment import Experiment
from retina.experiments.target import DEFAULT, Target
from retina.machine import files
from retina.runs import reading
from retina.runs.data import Baselines, Data
from retina.runs.reading import LONGEST, Count, Least, LeftOut, MisfitError, Needs, OneOf
from retina.runs.session import Environment, Session, Timings

SCHEMA = 3
READABLE = (2, SCHEMA)
STATUSES = ("running", "completed", "stopped_early", "diverged", "interrupted", "failed")
FINISHED = ("completed", "stopped_early")
ALWAYS_RECORDED = (
    *("loss", "seed", "early_stopping", "patience", "precision", "fine_tune", "image_size"),
    *("backbone", "params", "batch_size", "learning_rate", "epochs"),
)
"""Settings that every version recorded; one of them missing is damage."""
# A `Range` includes its ends: 1e-300 stands for "above 0".
POSITIVE = (("learning_rate", 1e-300), ("batch_size", 1), ("epochs", 1), ("patience", 1))
"""The smallest values with which curves and comparisons make sense; today's limits may be tighter."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The starting weights: see `retina.training.weights.StartingWeights`; `file` is where they were."""

    requested: str | None = None
    origin: str
    sha256: str | None = None
    notice: str | None
    recipe: str | None = None
    source: str | None = None
    preprocessing: str | None = None
    file: str | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """The network: how many numbers it has, how many of them are trained, and the SHA-256 of the best weights."""

    parameters: int
    trainable_parameters: int
    weights_sha256: LeftOut[str] = None


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Whether training may stop early, after how many epochs without improvement, and where that was reached."""

    used: bool
    patience: int
    stop_epoch: int | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The search that a run is a trial of: its kind, its name, and the trial's number, from 1."""

    by: str
    search: str
    trial: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run.

    Args:
        name: Its name, and that of its folder.
        digest: The SHA-256 of experiment, data and starting weights, 64 hexadecimal digits.
        status: One of `STATUSES`.
        error: What ended it, on one line; `None` where nothing did.
        experiment: All settings. Their limits are not checked: they may have been others.
        overrides: Options that replaced keys of the parameter file: key -> `{"file": value, "option": value}`.
        target: What is predicted.
        data: On what.
        baselines: What a result has to beat.
        environment: Where and with what.
        weights: From where.
        model: The network; `None` before it was built.
        timings: When, and how long.
        attempt: How many processes have trained it, the last one included; 0 before the first.
        sessions: Earlier sessions whose epochs this run resumed after, oldest first.
        early_stopping: Whether and where training stopped early, or would have.
        diverged_step: The step of the epoch, from 1, whose loss ended a run that diverged; `None` where none did.
        best_epoch: The epoch, from 1, whose weights were kept.
        epochs_run: Finished epochs.
        files: Name of each result -> its SHA-256, or `None` where there was no such file.
        selection: The search that it is a trial of.
        pruned_epoch: The last epoch of a trial that was ended early.
    """

    name: str
    digest: str
    status: Annotated[str, OneOf(STATUSES)]
    error: str | None
    experiment: Annotated[Experiment, Needs(ALWAYS_RECORDED), Least(POSITIVE)]
    overrides: dict[str, Any]
    target: Target
    data: Data
    baselines: Baselines
    environment: Environment
    weights: Start
    model: Model | None
    timings: Timings
    attempt: int
    sessions: tuple[Session, ...]
    early_stopping: EarlyStopping
    diverged_step: int | None = None
    best_epoch: int | None
    epochs_run: Count
    files: dict[str, str | None]
    selection: LeftOut[Selection] = None
    pruned_epoch: LeftOut[int] = None

    @property
    def finished(self) -> bool:
        """Whether the run has results."""
        return self.status in FINISHED

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, without its seal."""
        return {"schema": SCHEMA} | reading.members(self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a record.

        Raises:
            RunError: there is none, it is not JSON, of another schema, lacks a key, holds a value of another type or
                out of its range, names a target that is not the experiment's, or is not as it was written.
        """
        content = _content(path)
        seal = content.pop("seal", None)
        old = {} if content["schema"] == SCHEMA else {"target": DEFAULT.to_dict()}
        try:
            record = reading.read(cls, content | old)
            _require_one_target(record)
            whole = seal == files.json_sha256(content)
        except (MisfitError, RecursionError) as error:
            misfit = (
                error
                if isinstance(error, MisfitError)
                else MisfitError("record", "values that are not nested", "others")
            )
            raise RunError(
                "the record of a run is damaged",
                expected=f"{misfit.key}: {misfit.expected}",
                found=misfit.found,
                where=path,
                advice="delete the run folder and run the experiment again",
            ) from error
        if not whole:
            raise RunError(
                "the record of a run is damaged",
                expected="what was written, under its own SHA-256",
                found="something else",
                where=path,
                advice="restore the file, or train the run again with --force",
            )
        return record

    def write(self, path: Path) -> None:
        """Write the record whole or not at all, under its own SHA-256.

        Raises:
            RetinaError: the folder cannot be written.
            ValueError: it holds a number that JSON does not know.
        """
        content = self.to_dict()
        text = json.dumps(content | {"seal": files.json_sha256(content)}, indent=2, allow_nan=False)
        files.write_text(path, text + "\n")


def _require_one_target(record: Record) -> None:
    """Raise MisfitError where the target is read from other columns than the experiment names."""
    column = record.experiment.target
    if record.target.columns != (column,):
        expected = f"{[column]}, which is experiment.target"
        raise MisfitError("target.columns", expected, str(list(record.target.columns)))


def _content(path: Path) -> dict[str, Any]:
    """The JSON object of a schema that can be read in a file.

    Raises:
        RunError: see `Record.read`.
    """
    try:
        content = json.loads(files.read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            "the record of a run cannot be read",
            found=error.strerror if isinstance(error, OSError) else error,
            where=path,
            advice="delete the run folder and run the experiment again",
        ) from error
    schema = content.get("schema") if isinstance(content, dict) else type(content).__name__
    if type(schema) is not int or schema not in READABLE:
        raise RunError(
            "the record of a run has another schema",
            expected=" or ".join(map(str, READABLE)),
            found=str(schema)[:LONGEST],
            where=path,
            advice="another version of retina wrote it: train the run again with --force",
        )
    return content
