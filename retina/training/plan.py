"""A run about to start: precision, data and weights resolved, the name fixed, nothing trained."""

import dataclasses
import functools
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retina.data import baselines, dataset
from retina.data.dataset import Dataset
from retina.data.drawing import synthetic
from retina.data.feeding.augmentation import Augmentation
from retina.experiments.experiment import Experiment
from retina.experiments.parameters import Basis, Choice
from retina.experiments.place import Place
from retina.experiments.target import Target
from retina.machine import device, provenance
from retina.models.backbones import registry
from retina.models.backbones.interface import Backbone
from retina.models.kernels import dispatch
from retina.runs import folder as runs
from retina.runs import reading
from retina.runs.data import Baselines, Data, Exclusion, Split
from retina.runs.record import EarlyStopping, Record, Selection
from retina.runs.session import Environment, Timings
from retina.training import weights
from retina.training.weights import StartingWeights

Overrides = dict[str, dict[str, Any]]
BaselineScores = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Plan:
    """Everything that training needs, and all that is known of a run before it starts.

    Args:
        experiment: With its precision resolved.
        overrides: Options that replaced keys of the parameter file.
        place: Where its data are and its results go.
        backbone: The experiment's.
        data: The decoded data set.
        start: The starting weights.
        baselines: What a result has to beat, see `retina.data.baselines.measure`.
        digest: SHA-256 of experiment, data and starting weights, 64 hexadecimal digits.
        preparation_seconds: Time spent on reading, auditing, decoding and baselines.
        selection: The search that the run is a trial of, for its record; `None` where it is none.
    """

    experiment: Experiment
    overrides: Overrides
    place: Place
    backbone: Backbone
    data: Dataset
    start: StartingWeights
    baselines: BaselineScores
    digest: str
    preparation_seconds: float
    selection: Selection | None = None

    @property
    def stem(self) -> str:
        """How the names of its run and of searches around it begin; no colon, which not every disk takes in a name."""
        item = self.experiment
        return f"{item.backbone.replace(':', '.')}-{item.params}-{item.loss}"

    @property
    def name(self) -> str:
        """The name of the run and of its folder."""
        return f"{self.stem}-seed{self.experiment.seed}-{self.digest[:8]}"

    @property
    def run(self) -> runs.Run:
        """Its run folder, which may not be there yet."""
        return runs.Run(runs.runs_folder(self.place.results) / self.name)

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.experiment.declared_target

    @property
    def augmentation(self) -> Augmentation:
        """How training images vary."""
        item = self.experiment
        return Augmentation(
            horizontal_flip=item.horizontal_flip,
            vertical_flip=item.vertical_flip,
            rotation=item.rotation,
            brightness=item.brightness,
            contrast=item.contrast,
        )

    @property
    def training_images(self) -> int:
        """How many images are trained on."""
        return len(self.data.splits["train"].labels)

    def _environment(self) -> dict[str, Any]:
        """Where and with what it is trained, as plain JSON values."""
        kernels = dispatch.setting()
        return provenance.describe(self.backbone.facts.packages) | (
            {} if kernels == dispatch.SETTINGS[0] else {"kernels": kernels}
        )

    def record(self) -> Record:
        """The record of the run before its first step."""
        experiment = self.experiment
        return Record(
            name=self.name,
            digest=self.digest,
            status="running",
            error=None,
            experiment=experiment,
            overrides=self.overrides,
            target=self.target,
            data=data_record(self.data),
            baselines=reading.read(Baselines, self.baselines),
            environment=reading.read(Environment, self._environment()),
            weights=self.start.record(),
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


def data_record(data: Dataset) -> Data:
    """A data set as the records of runs and searches have it."""
    return Data(
        source="built-in" if data.builtin else "folder",
        notice=data.notice,
        folder=str(data.folder),
        layout=data.layout,
        fingerprint=data.fingerprint,
        splits={
            name: Split(images=len(part.labels), positives=int(part.labels.sum()), prevalence=part.prevalence)
            for name, part in data.splits.items()
        },
        excluded=tuple(Exclusion(**item) for item in data.excluded),
        warnings=data.warnings,
        near_duplicates="not looked for; an audit of the data does",
    )


class Planner:
    """Makes plans at one place; what they share, data, baselines and starting weights, is resolved once.

    Args:
        place: Where the runs take place.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._data: dict[tuple[object, ...], tuple[Dataset, BaselineScores]] = {}
        self._starts: dict[tuple[str, str], StartingWeights] = {}

    @functools.cached_property
    def folder(self) -> Path:
        """The data folder.

        Raises:
            DataError: there is no such folder.
        """
        return dataset.choose(self.place.data, quiet=self.place.quiet)

    def plan(self, experiment: Experiment, overrides: Overrides, fallback: Basis | None = None) -> Plan:
        """Resolve precision, backbone, weights and data of an experiment, and measure the baselines.

        Args:
            experiment: What to train.
            overrides: Options that replaced keys of the parameter file.
            fallback: See `Choice`.

        Raises:
            RetinaError: the backbone, the data, the weights or the precision are not available.
        """
        began = time.perf_counter()
        backbone = registry.get(experiment.backbone)
        runs.require_writable(self.place.results)
        start = self._start(backbone, experiment.weights)
        if start.origin == "random" and fallback is not None:
            experiment, overrides, _ = fallback.choice()
        backbone.facts.require(experiment.image_size)
        experiment = dataclasses.replace(experiment, precision=device.resolve_precision(experiment.precision))
        data, scores = self._images(experiment)
        # One column is one experiment, whatever case its name was typed in.
        experiment = dataclasses.replace(experiment, target=data.target.column)
        return Plan(
            experiment=experiment,
            overrides=overrides,
            place=self.place,
            backbone=backbone,
            data=data,
            start=start,
            baselines=scores,
            digest=experiment.digest(data=data.fingerprint, weights=start.identity),
            preparation_seconds=time.perf_counter() - began,
        )

    def _start(self, backbone: Backbone, requested: str) -> StartingWeights:
        """The starting weights of a backbone."""
        key = (backbone.name, requested)
        if key not in self._starts:
            builtin = synthetic.is_drawn(self.folder)
            self._starts[key] = weights.resolve(requested, backbone, self.place, builtin=builtin)
        return self._starts[key]

    def _images(self, experiment: Experiment) -> tuple[Dataset, BaselineScores]:
        """The images as an experiment needs them, and what a result on them has to beat."""
        key = (experiment.declared_target, experiment.image_size, experiment.crop_disc)
        if key not in self._data:
            data = dataset.load(
                self.folder,
                target=experiment.declared_target,
                image_size=experiment.image_size,
                crop=experiment.crop_disc,
                skip_bad=self.place.skip_bad,
                quiet=self.place.quiet,
            )
            self._data[key] = data, baselines.measure(data)
        return self._data[key]


def plan(choice: Choice, place: Place) -> Plan:
    """The plan of a single run; see `Planner.plan`."""
    return Planner(place).plan(*choice)


def now() -> str:
    """The time, UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
