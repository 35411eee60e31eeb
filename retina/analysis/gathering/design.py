"""Which runs answer a question of the study: alike but for the parameter set, but for the loss, or but for the seed."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from retina.analysis.gathering.collection import Entry
from retina.experiments.settings import meaningful
from retina.experiments.target import DEFAULT, Target
from retina.runs.record import Record

SCHEDULE = ("early_stopping", "patience", "precision")
"""Settings that may differ within a pair: the pair says so, it is not given up for them."""
OF_A_PARAMETER_SET = ("params", "batch_size", "learning_rate", "epochs", *SCHEDULE)
OF_A_LOSS = ("loss", "focal_gamma", "focal_alpha", *SCHEDULE)


def shared(entry: Entry, apart_from: Iterable[str]) -> tuple[Any, ...]:
    """What two runs must have in common: the data, the origin of the weights, and every setting but those named."""
    left_out = set(apart_from)
    meant = meaningful(entry.experiment.to_dict())
    settings = tuple(sorted((key, str(value)) for key, value in meant.items() if key not in left_out))
    return (entry.fingerprint, entry.record.weights.origin, settings)


def sets(entries: Sequence[Entry], apart_from: Iterable[str]) -> list[list[Entry]]:
    """Runs in sets that share all but the settings named; sets of one are left out."""
    found: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        found.setdefault(shared(entry, apart_from), []).append(entry)
    return [members for members in found.values() if len(members) > 1]


def parameter_pairs(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Pairs of runs that differ in their parameter set, each set once in a pair, by name of the parameter set.

    Trials of a search have rates and batch sizes of their own and speak for no parameter set.
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
    """The two runs, one of each, that differ in the fewest settings of their schedule, then those nearest to the file.

    A run at a rate or a batch size of its own says less of the parameter set that it is named after.
    """

    def distance(pair: tuple[Entry, Entry]) -> tuple[int, int]:
        one, other = (entry.experiment for entry in pair)
        apart = sum(getattr(one, key) != getattr(other, key) for key in SCHEDULE)
        return apart, sum(key in entry.record.overrides for entry in pair for key in ("batch_size", "learning_rate"))

    return min(((a, b) for a in first for b in second), key=distance)


def repetitions(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Finished runs that differ in nothing but their seed, in sets of at least two."""
    return sets([entry for entry in entries if entry.finished], ("seed",))


ONLY_ONE = "torchvision IMAGENET1K_V1"
"""What ImageNet weights were before records named their recipe: retina knew no other."""


def recipe_of(record: Record) -> str | None:
    """The pretraining recipe of a run; `None` where it started from random weights, or from a file nobody knows."""
    weights = record.weights
    return weights.recipe or (ONLY_ONE if weights.origin == "imagenet" else None)


def recipes(entries: Iterable[Entry]) -> list[str]:
    """The pretraining recipes of runs, each once, in alphabetical order."""
    return sorted({recipe for entry in entries if (recipe := recipe_of(entry.record)) is not None})


def targets(entries: Iterable[Entry]) -> list[Target]:
    """What runs predict, each target once, the default one first; that alone where there is no run."""
    found = {entry.target for entry in entries} or {DEFAULT}
    return sorted(found, key=lambda target: (target != DEFAULT, target.name))
