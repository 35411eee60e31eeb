"""Runs that differ in one respect alone: in the parameter set, in the loss, or in the seed."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Any

from retina.analysis.gathering.collection import Entry
from retina.experiments.experiment import SETTINGS
from retina.experiments.settings import meaningful
from retina.experiments.target import DEFAULT, Target
from retina.runs.record import Record

SCHEDULE = ("early_stopping", "patience", "precision")
"""Settings that may differ within a pair: the finding on the pair names them."""
OF_ANY_TWO_SETS = ("params", "batch_size", "learning_rate", "epochs", *SCHEDULE)
"""Settings in which two parameter sets differ, whoever set them; the finding on the pair names those of `SCHEDULE`."""
OF_A_QUESTION = ("target", "weights", "fine_tune", "class_weight", "label_smoothing", "focal_gamma", "focal_alpha")
"""Settings that two parameter sets must share: with another value the curves or their losses are of another kind."""
OF_A_PARAMETER_SET = (
    "params",
    *(name for name, rule in SETTINGS.items() if rule.in_file and name not in OF_A_QUESTION),
)
"""Settings in which two parameter sets may differ by what stands in their files."""
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
    """One pair of runs for every two parameter sets of the same backbone, loss, seed and data, in order of their names.

    The two may differ in whatever their files say, and the finding on them names it; but an option sets them apart that
    only one of them was given. Trials of a search are left out: their rates and batch sizes are not those of the
    parameter set.
    """
    pairs = []
    plain = [entry for entry in entries if entry.record.selection is None]
    for members in sets(plain, OF_A_PARAMETER_SET):
        for names in combinations(sorted({entry.experiment.params for entry in members}), 2):
            one, other = (of(members, "params", name) for name in names)
            candidates = [pair for pair in product(one, other) if not set_apart(*pair)]
            if candidates:
                pairs.append(nearest(candidates))
    return pairs


def set_apart(first: Entry, second: Entry) -> list[str]:
    """The settings beyond those of any two sets in which runs differ because an option of one of them says so."""
    options = {*first.record.overrides, *second.record.overrides}
    return [name for name in apart(first, second) if name in options and name not in OF_ANY_TWO_SETS]


def apart(first: Entry, second: Entry) -> list[str]:
    """The settings with an effect in which two runs differ."""
    one, other = (meaningful(entry.experiment.to_dict()) for entry in (first, second))
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def loss_pairs(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Pairs of a cross-entropy run and a focal run that are otherwise the same."""
    pairs = []
    for members in sets(entries, OF_A_LOSS):
        plain, focal = of(members, "loss", "ce"), of(members, "loss", "focal")
        if plain and focal:
            pairs.append(nearest(product(plain, focal)))
    return pairs


def of(entries: Sequence[Entry], key: str, value: str) -> list[Entry]:
    """The runs with that value of a setting."""
    return [entry for entry in entries if getattr(entry.experiment, key) == value]


def nearest(pairs: Iterable[tuple[Entry, Entry]]) -> tuple[Entry, Entry]:
    """The pair that differs in the fewest settings of `SCHEDULE`; of these the least overridden, then the newest.

    A run whose options replaced much of its parameter set says little about that set, and an older run was trained with
    what stood in the set's file then.
    """

    def distance(pair: tuple[Entry, Entry]) -> tuple[int, int]:
        one, other = (entry.experiment for entry in pair)
        schedule = sum(getattr(one, key) != getattr(other, key) for key in SCHEDULE)
        return schedule, sum(len(entry.record.overrides) for entry in pair)

    def older(pair: tuple[Entry, Entry]) -> str:
        return min(entry.record.timings.started for entry in pair)  # times of one form sort as texts

    # Of equal ones `min` takes the first.
    return min(sorted(pairs, key=older, reverse=True), key=distance)


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
