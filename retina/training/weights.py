"""The starting weights of training: ImageNet's, those of a state-dict file or of an earlier run, or random ones."""

from dataclasses import dataclass, replace
from pathlib import Path

from retina.errors import RunError, WeightsError
from retina.experiments.place import Place
from retina.machine import files
from retina.models import classifier
from retina.models.backbones.interface import Backbone
from retina.runs import folder as runs
from retina.runs import status
from retina.runs.record import Start


@dataclass(frozen=True)
class StartingWeights:
    """What training starts from.

    Args:
        requested: What was asked for.
        origin: `imagenet`, `random`, `file` or `run`.
        path: The state dict, or the model of the earlier run; `None` for random weights and for those a library keeps.
        sha256: Digest of that file, or of the weights themselves; `None` for random ones.
        notice: What a reader must know, such as that ImageNet weights were not available.
        recipe: How the weights were pretrained; `None` where they were not, or it is not known.
        source: Where they were published.
        preprocessing: What the network does to the pixels before its first layer, in words.
    """

    requested: str
    origin: str
    path: Path | None = None
    sha256: str | None = None
    notice: str | None = None
    recipe: str | None = None
    source: str | None = None
    preprocessing: str | None = None

    @property
    def identity(self) -> str:
        """The same for the same weights, wherever their file is."""
        return "random" if self.sha256 is None else f"sha256:{self.sha256}"

    def record(self) -> Start:
        """The weights as the records of runs and searches have them."""
        return Start(
            requested=self.requested,
            origin=self.origin,
            sha256=self.sha256,
            notice=self.notice,
            recipe=self.recipe,
            source=self.source,
            preprocessing=self.preprocessing,
            file=None if self.path is None else str(self.path),
        )


def resolve(requested: str, backbone: Backbone, place: Place, *, builtin: bool) -> StartingWeights:
    """Find the weights that an experiment asks for, downloading ImageNet's where needed.

    On the built-in set, ImageNet weights that are not available are replaced by random ones, with a notice that goes
    into the record and every table. On real data that is an error, since one could be taken for the other.

    Args:
        requested: `imagenet`, `random`, a file, a run's folder, or a run's name.
        backbone: The network that they are for.
        place: Where earlier runs are looked up.
        builtin: The data are the built-in set.

    Raises:
        WeightsError: the weights are not available, or belong to another backbone.
        RunError: the earlier run's record or model is damaged.
    """
    start = _resolved(requested, backbone, place, builtin=builtin)
    return replace(start, preprocessing=backbone.facts.preprocessing.words)


def _resolved(requested: str, backbone: Backbone, place: Place, *, builtin: bool) -> StartingWeights:
    if requested == "random":
        return StartingWeights(requested, "random")
    if requested == "imagenet":
        return _imagenet(backbone, builtin=builtin, quiet=place.quiet)
    path = Path(requested)
    if path.is_file():
        classifier.build(backbone, weights=path)  # what does not fit is an error now, not after decoding
        return StartingWeights(requested, "file", path.resolve(), files.sha256(path))
    return _earlier_run(requested, backbone, place.results)


def _imagenet(backbone: Backbone, *, builtin: bool, quiet: bool) -> StartingWeights:
    try:
        path, sha256 = backbone.pretrained(quiet=quiet)
    except WeightsError as error:
        if not builtin:
            raise
        notice = f"ImageNet weights could not be had ({error.found}): training starts from RANDOM weights"
        return StartingWeights("imagenet", "random", notice=notice)
    facts = backbone.facts
    return StartingWeights("imagenet", "imagenet", path, sha256, recipe=facts.recipe, source=facts.source)


def _earlier_run(requested: str, backbone: Backbone, results: Path) -> StartingWeights:
    try:
        run = runs.find(results, requested)
    except RunError as error:
        raise WeightsError(
            f"no weights {requested!r}",
            expected="imagenet, random, a state-dict file, or the name or folder of a finished run",
            found="no such file or run",
            where=runs.runs_folder(results),
        ) from error
    record = run.record()
    if not record.finished:
        raise WeightsError("the run to start from is not finished", found=record.status, where=run.folder)
    if record.experiment.backbone != backbone.name:
        raise WeightsError(
            "the run to start from has another backbone",
            expected=backbone.name,
            found=record.experiment.backbone,
            where=run.folder,
        )
    name, pretraining = run.model_path.name, record.weights
    status.check(run, record, [name])
    return StartingWeights(
        requested, "run", run.model_path, record.files[name], recipe=pretraining.recipe, source=pretraining.source
    )
