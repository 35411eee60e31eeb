"""A run about to start: precision, data and weights resolved, the name fixed, nothing trained."""

import dataclasses
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retina.data import baselines, dataset
from retina.data.dataset import Dataset
from retina.experiments.experiment import Experiment
from retina.experiments.target import Target
from retina.machine import device, provenance
from retina.models.backbones import catalogue
from retina.runs import folder as runs
from retina.runs import reading
from retina.runs.data import Baselines, Data, Exclusion, Split
from retina.runs.record import EarlyStopping, Record, Selection
from retina.runs.session import Environment, Timings
from retina.training import weights
from retina.training.shelf import Shelf
from retina.training.weights import StartingWeights


@dataclass(frozen=True)
class Plan:
    """Everything that training needs, and all that a reader may be told before it starts.

    Args:
        experiment: With its precision resolved.
        overrides: Options that replaced keys of the parameter file.
        data: The decoded data set.
        start: The starting weights.
        baselines: What a result has to beat, see `retina.data.baselines.measure`.
        digest: SHA-256 of experiment, data and starting weights, 64 hexadecimal digits.
        preparation_seconds: Time spent on reading, auditing, decoding and baselines.
        selection: The search that the run is a trial of, for its record; `None` where it is none.
    """

    experiment: Experiment
    overrides: dict[str, dict[str, Any]]
    data: Dataset
    start: StartingWeights
    baselines: dict[str, dict[str, dict[str, float]]]
    digest: str
    preparation_seconds: float
    selection: Selection | None = None

    @property
    def name(self) -> str:
        """The name of the run and of its folder."""
        item = self.experiment
        return f"{item.backbone.replace(':', '.')}-{item.params}-{item.loss}-seed{item.seed}-{self.digest[:8]}"

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.experiment.declared_target

    @property
    def training_images(self) -> int:
        """How many images are trained on."""
        return len(self.data.parts["train"].labels)

    def record(self) -> Record:
        """The record of the run before its first step."""
        experiment = self.experiment
        described = provenance.describe(catalogue.facts_of(experiment.backbone).packages)
        return Record(
            name=self.name,
            digest=self.digest,
            status="running",
            error=None,
            experiment=experiment,
            overrides=self.overrides,
            target=self.target,
            data=recorded(self.data),
            baselines=reading.read(Baselines, self.baselines),
            environment=reading.read(Environment, described),
            weights=self.start.recorded(),
            model=None,
            timings=Timings(started=now(), preparation_seconds=round(self.preparation_seconds, 3)),
            attempt=0,
            sessions=(),
            early_stopping=EarlyStopping(used=experiment.early_stopping, patience=experiment.patience, stop_epoch=None),
            best_epoch=None,
            epochs_run=0,
            files={},
            selection=self.selection,
        )


def recorded(data: Dataset) -> Data:
    """A data set as every run records it."""
    return Data(
        source="built-in" if data.builtin else "folder",
        notice=data.notice,
        folder=str(data.folder),
        layout=data.layout,
        fingerprint=data.fingerprint,
        splits={
            name: Split(images=len(part.labels), positives=int(part.labels.sum()), prevalence=part.prevalence)
            for name, part in data.parts.items()
        },
        excluded=tuple(Exclusion(**item) for item in data.excluded),
        warnings=data.warnings,
        near_duplicates="not looked for; `python cli.py data audit` does",
    )


def plan(
    experiment: Experiment,
    overrides: dict[str, dict[str, Any]],
    *,
    data: Path | None,
    results: Path,
    skip_bad: bool = False,
    quiet: bool = False,
    shelf: Shelf | None = None,
) -> Plan:
    """Resolve precision, weights and data of an experiment, and measure the baselines.

    Args:
        experiment: What to train.
        overrides: Options that replaced keys of the parameter file.
        data: The data folder; see `retina.data.dataset.choose`.
        results: The results folder, in which earlier runs are looked up.
        skip_bad: See `retina.data.dataset.load`.
        quiet: Show no progress.
        shelf: What other plans have found out already.

    Raises:
        RetinaError: the data, the weights or the precision cannot be had.
    """
    began = time.perf_counter()
    shelf = shelf or Shelf()
    experiment = dataclasses.replace(experiment, precision=device.resolve_precision(experiment.precision))
    catalogue.facts_of(experiment.backbone).require(experiment.image_size)
    runs.require_writable(results)
    folder, builtin = dataset.choose(data, quiet=quiet)
    start = shelf.once(
        ("weights", experiment.backbone, experiment.weights, results, builtin),
        lambda: weights.resolve(experiment, results=results, builtin=builtin, quiet=quiet),
    )
    size, crop, target = experiment.image_size, experiment.crop_disc, experiment.declared_target
    images = shelf.once(
        ("data", folder, target, size, crop, skip_bad),
        lambda: dataset.load(folder, target=target, image_size=size, crop=crop, skip_bad=skip_bad, quiet=quiet),
    )
    # One column is one experiment, whatever case its name was typed in.
    experiment = dataclasses.replace(experiment, target=images.target.column)
    return Plan(
        experiment=experiment,
        overrides=overrides,
        data=images,
        start=start,
        baselines=shelf.once(("baselines", folder, target, size, crop, skip_bad), lambda: baselines.measure(images)),
        digest=experiment.digest(data=images.fingerprint, weights=start.identity),
        preparation_seconds=time.perf_counter() - began,
    )


def now() -> str:
    """The time, UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
