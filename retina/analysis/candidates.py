"""What can be scored: finished runs, and models that others published, in groups that share the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from retina.analysis.collection import Entry
from retina.analysis.external import Scores
from retina.analysis.metrics import auroc
from retina.analysis.naming import data_name
from retina.errors import RunError
from retina.runs import PREDICTED_SPLITS


class Part(NamedTuple):
    """A split as a model answered it: ids (N,) str in sorted order, labels (N,) 0 or 1, logits (N,) float64."""

    ids: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    def same_images(self, other: "Part") -> bool:
        """Whether both are about the same ids with the same labels."""
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.labels, other.labels)


@dataclass(frozen=True)
class Candidate:
    """A model to be scored.

    Args:
        name: The run's name, or the file and column of published scores.
        label: A short name, unique in the comparison.
        parts: Split -> its answers; of a published model perhaps one split only.
        entry: The run, or `None` for a published model.
    """

    name: str
    label: str
    parts: dict[str, Part]
    entry: Entry | None = None


@dataclass(frozen=True)
class Group:
    """Models that answered the same images, the best by validation AUROC first.

    Args:
        name: The data in a few words.
        candidates: Its models.
    """

    name: str
    candidates: tuple[Candidate, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The runs among the models."""
        return tuple(candidate.entry for candidate in self.candidates if candidate.entry is not None)


def group(entries: Sequence[Entry], published: Sequence[Scores]) -> tuple[list[Group], list[str]]:
    """Put finished runs and published models into groups that may be paired, the largest first.

    Runs share a group where their data have the same fingerprint. Published models join the group whose images have
    the same ids and labels; those that fit none form a group of their own, named after their file.

    Returns:
        The groups, and one line for each run that claims the data of others and answers other images.
    """
    by_data: dict[str, list[Candidate]] = {}
    altered = []
    for entry in entries:
        if not entry.finished:
            continue
        parts = {split: Part(*entry.part(split)) for split in PREDICTED_SPLITS}
        members = by_data.setdefault(entry.fingerprint, [])
        if members and not all(part.same_images(members[0].parts[split]) for split, part in parts.items()):
            altered.append(str(contradiction(entry, members[0])))
        else:
            members.append(Candidate(entry.name, entry.label, parts, entry))
    groups = {data_name(members[0].entry.record): tuple(members) for members in by_data.values()}
    for name, models in merge(published, groups).items():
        groups[name] = (*groups.get(name, ()), *models)
    ranked = [Group(name, tuple(sorted(members, key=rank))) for name, members in groups.items()]
    return sorted(ranked, key=lambda item: (-len(item.candidates), item.name)), altered


def contradiction(entry: Entry, other: Candidate) -> RunError:
    """The error of a run that names the data of another and is about other images."""
    return RunError(
        "two runs name the same data and answer different images",
        expected=f"the ids and labels of {other.name}",
        where=entry.name,
        advice="one predictions.csv was altered: delete that run and train it again",
    )


def rank(candidate: Candidate) -> tuple[bool, float, str]:
    """Best validation AUROC first; models without one last, by name. The test images have no say."""
    part = candidate.parts.get("validation")
    value = auroc(part.labels, part.logits) if part is not None else float("nan")
    return (value != value, -value if value == value else 0.0, candidate.name)  # noqa: PLR0124 - NaN


def merge(published: Sequence[Scores], groups: Mapping[str, Sequence[Candidate]]) -> dict[str, list[Candidate]]:
    """Published models by the name of the group that they belong to; a model's validation and test files are joined."""
    found: dict[str, dict[str, Candidate]] = {}
    for scores in published:
        group_name, split = home(scores, groups)
        models = found.setdefault(group_name, {})
        for model, logits in scores.models.items():
            known = models.get(model, Candidate(f"{scores.path.name}: {model}", f"{model} (published)", {}))
            part = Part(scores.ids, scores.labels, logits)
            models[model] = replace(known, parts=known.parts | {split: part})
    return {name: list(models.values()) for name, models in found.items()}


def home(scores: Scores, groups: Mapping[str, Sequence[Candidate]]) -> tuple[str, str]:
    """The name of the group whose images a file of scores is about, and the split: `test` where no run knows them."""
    for name, members in groups.items():
        for split, part in members[0].parts.items():
            if part.same_images(Part(scores.ids, scores.labels, part.logits)):
                return name, split
    return scores.path.name, "test"
