"""Runs that differ in one respect alone: in the parameter set, in the loss, or in the seed."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from retina.analysis.gathering.collection import Entry
from retina.experiments.settings import meaningful
from retina.experiments.target import DEFAULT, Target
from retina.runs.record import Record

SCHEDULE = ("early_stopping", "patience", "precision")
"""Settings that may differ within a pair: the finding on the pair names them."""
OF_A_PARAMETER_SET = ("params", "batch_size", "learning_rate", "epochs", *SCHEDULE)
OF_A_LOSS = ("loss", "focal_gamma", "focal_alpha", *SCHEDULE)


def fixed(entry: Entry, apart_from: Iterable[str]) -> tuple[Any, ...]:
    """What two runs must have in common: data, origin of the weights, and every setting but those in `apart_from`."""
    varying = set(apart_from)
    values = meaningful(entry.experiment.to_dict())
    settings = tuple(sorted((key, str(value)) for key, value in values.items() if key not in varying))
    return (entry.fingerprint, entry.record.weights.origin, settings)


def sets(entries: Sequence[Entry], apart_from: Iterable[str]) -> list[list[Entry]]:
    """Sets of at least two runs that share everything but the settings in `apart_from`."""
    members: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        members.setdefault(fixed(entry, apart_from), []).append(entry)
    return [alike for alike in members.values() if len(alike) > 1]


def parameter_pairs(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """One pair of runs for every two parameter sets of the same backbone, loss and data, in order of their names.

    Trials of a search are left out: their rates and batch sizes are not those of the parameter set.
    """
    pairs = []
    plain = [entry for entry in entries if entry.record.selection is None]
    for members in sets(plain, OF_A_PARAMETER_SET):
        for first, second in combinations(sorted({entry.experiment.params for entry in members}), 2):
            pairs.append(nearest(of(members, "params", first), of(members, "params", second)))
    return pairs


def loss_pairs(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Pairs of a cross-entropy run and a focal run that are otherwise the same."""
    pairs = []
    for members in sets(entries, OF_A_LOSS):
        plain, focal = of(members, "loss", "ce"), of(members, "loss", "focal")
        if plain and focal:
            pairs.append(nearest(plain, focal))
    return pairs


def of(entries: Sequence[Entry], key: str, value: str) -> list[Entry]:
    """The runs with that value of a setting."""
    return [entry for entry in entries if getattr(entry.experiment, key) == value]


def nearest(first: Sequence[Entry], second: Sequence[Entry]) -> tuple[Entry, Entry]:
    """The two runs, one of each, that differ in the fewest settings of `SCHEDULE`; among those, the least overridden.

    A run with another learning rate or batch size than its parameter set says less about that set.
    """

    def distance(pair: tuple[Entry, Entry]) -> tuple[int, int]:
        one, other = (entry.experiment for entry in pair)
        apart = sum(getattr(one, key) != getattr(other, key) for key in SCHEDULE)
        return apart, sum(key in entry.record.overrides for entry in pair for key in ("batch_size", "learning_rate"))

    return min(((a, b) for a in first for b in second), key=distance)


def repetitions(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Finished runs that differ in nothing but their seed, in sets of at least two."""
    return sets([entry for entry in entries if entry.finished], ("seed",))


FIRST_RECIPE = "torchvision IMAGENET1K_V1"
"""The recipe of ImageNet weights in records that name none: those of the first versions, which had no other."""


def recipe_of(record: Record) -> str | None:
    """The pretraining recipe of a run; `None` where it started from random weights, or from an unknown file."""
    weights = record.weights
    return weights.recipe or (FIRST_RECIPE if weights.origin == "imagenet" else None)


def recipes(entries: Iterable[Entry]) -> list[str]:
    """The pretraining recipes of runs, each once, in alphabetical order."""
    return sorted({recipe for entry in entries if (recipe := recipe_of(entry.record)) is not None})


def targets(entries: Iterable[Entry]) -> list[Target]:
    """The targets that runs predict, each once, the default one first; the default one alone where there is no run."""
    distinct = {entry.target for entry in entries} or {DEFAULT}
    return sorted(distinct, key=lambda target: (target != DEFAULT, target.name))
