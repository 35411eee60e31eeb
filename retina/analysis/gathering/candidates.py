"""The models that can be scored: finished runs, and models that others published, in groups that share their images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from retina.analysis.gathering.collection import Entry, Part
from retina.analysis.gathering.external import Scores
from retina.analysis.gathering.naming import data_name
from retina.errors import RunError
from retina.experiments.splits import PREDICTED_SPLITS
from retina.numbers.calibration import fit_platt, fit_temperature
from retina.numbers.operating_points import OperatingPoint, choose
from retina.numbers.ranking import auroc
from retina.numbers.resampling import bootstrap_aurocs

if TYPE_CHECKING:
    from retina.experiments.target import Target


@dataclass(frozen=True)
class Candidate:
    """A model to be scored.

    Args:
        name: The run's name, or the file and column of published scores.
        label: A short name, unique in the comparison.
        parts: Split -> its logits; a published model may have one split only.
        entry: The run, or `None` for a published model.
    """

    name: str
    label: str
    parts: dict[str, Part]
    entry: Entry | None = None

    @cached_property
    def points(self) -> tuple[OperatingPoint, ...]:
        """The operating points that its validation images choose; none where it has no validation scores."""
        part = self.parts.get("validation")
        return () if part is None else choose(part.labels, part.logits)

    @cached_property
    def temperature(self) -> float:
        """The temperature that is fitted on its validation images, see `fit_temperature`."""
        part = self.parts["validation"]
        return fit_temperature(part.labels, part.logits)

    @cached_property
    def platt(self) -> tuple[float, float]:
        """Slope and intercept of Platt scaling, fitted on its validation images, see `fit_platt`."""
        part = self.parts["validation"]
        return fit_platt(part.labels, part.logits)


@dataclass(frozen=True)
class Group:
    """Models that were scored on the same images, the best by validation AUROC first.

    Args:
        name: The data in a few words.
        candidates: Its models.
    """

    name: str
    candidates: tuple[Candidate, ...]

    @cached_property
    def draws(self) -> dict[str, dict[str, np.ndarray]]:
        """Split -> label of a model -> its AUROC in every bootstrap resample, (draws,); shared by all models."""
        draws = {}
        for split in PREDICTED_SPLITS:
            members = [candidate for candidate in self.candidates if split in candidate.parts]
            if members:
                logits = np.stack([member.parts[split].logits for member in members])
                aurocs = bootstrap_aurocs(members[0].parts[split].labels, logits)
                draws[split] = {member.label: row for member, row in zip(members, aurocs, strict=True)}
        return draws

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The runs among the models."""
        return tuple(candidate.entry for candidate in self.candidates if candidate.entry is not None)


def group(entries: Sequence[Entry], published: Sequence[Scores]) -> tuple[list[Group], list[str]]:
    """Put finished runs and published models into groups that may be paired, the largest first.

    Runs share a group where their data have the same fingerprint and they predict the same target. Published models
    join the group whose images have the same ids and labels; those that fit none form a group of their own, named after
    their file.

    Returns:
        The groups, and one line for each run that names the data of another run but has predictions of other images.

    Raises:
        RunError: two files hold scores of the same model for the same images.
    """
    by_question: dict[tuple[str, Target], list[Candidate]] = {}
    contradictory = []
    for entry in entries:
        if not entry.finished:
            continue
        members = by_question.setdefault(entry.question, [])
        if members and not all(part.same_images(members[0].parts[split]) for split, part in entry.parts.items()):
            contradictory.append(str(contradiction(entry, members[0])))
        else:
            members.append(Candidate(entry.name, entry.label, entry.parts, entry))
    groups = {data_name(members[0].entry.record): members for members in by_question.values()}
    for scores in published:
        add_published(scores, groups)
    ranked = [Group(name, tuple(sorted(members, key=rank))) for name, members in groups.items()]
    return sorted(ranked, key=lambda item: (-len(item.candidates), item.name)), contradictory


def contradiction(entry: Entry, other: Candidate) -> RunError:
    """The error of a run that names the data of another run but has predictions of other images."""
    return RunError(
        "two runs name the same data, but their predictions are of different images",
        expected=f"the ids and labels of {other.name}",
        where=entry.name,
        advice="find the run whose predictions.csv was changed, delete it and train it again",
    )


def rank(candidate: Candidate) -> tuple[bool, float, str]:
    """The key to sort models by: best validation AUROC first, those without one last, by name; never the test AUROC."""
    part = candidate.parts.get("validation")
    value = auroc(part.labels, part.logits) if part is not None else float("nan")
    is_missing = isnan(value)
    return (is_missing, 0.0 if is_missing else -value, candidate.name)


def add_published(scores: Scores, groups: dict[str, list[Candidate]]) -> None:
    """Add the models of a file to the group of its images, or to a new one.

    Raises:
        RunError: the group has scores of such a model for these images already.
    """
    name, split = home(scores, groups)
    members = groups.setdefault(name, [])
    places = {member.label: place for place, member in enumerate(members)}
    for model, logits in scores.models.items():
        label = f"{model} (published)"
        part = {split: Part(scores.ids, scores.labels, logits)}
        earlier = members[places[label]] if label in places else None
        if earlier is None:
            members.append(Candidate(f"{scores.path.name}: {model}", label, part))
        elif split in earlier.parts:
            raise RunError(
                f"two files hold {split} scores of the model {model!r} for the same images",
                where=scores.path,
                advice="leave out one of the two files, or rename the column in one of them",
            )
        else:
            members[places[label]] = replace(earlier, parts=earlier.parts | part)


def home(scores: Scores, groups: Mapping[str, Sequence[Candidate]]) -> tuple[str, str]:
    """The name of the group that a file of scores belongs to, and the split that its images are of.

    The group with the same ids and labels; else a group of published models that has one of these models
    and no scores yet of the split that the user named; else a new one. The split is `test` where neither a run nor the
    user names another.
    """
    for name, members in groups.items():
        for split, part in every_part(members):
            if part.same_images(Part(scores.ids, scores.labels, part.logits)):
                return name, split
    split = scores.split or "test"
    names = {f"{model} (published)" for model in scores.models}
    for name, members in groups.items():
        published = all(member.entry is None for member in members)
        if published and split not in dict(every_part(members)) and names & {member.label for member in members}:
            return name, split
    number = sum(name.startswith(scores.path.name) for name in groups)
    return f"{scores.path.name} ({number + 1})" if number else scores.path.name, split


def every_part(members: Sequence[Candidate]) -> list[tuple[str, Part]]:
    """Every split of every model, (name, logits)."""
    return [item for member in members for item in member.parts.items()]
