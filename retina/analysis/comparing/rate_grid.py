"""Runs that differ in their learning rate alone: which is best on validation, and can they be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from retina.analysis.gathering import collection
from retina.errors import RunError
from retina.numbers import statistics
from retina.runs.folder import Run
from retina.runs.record import Record

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pair:
    """Two rates on the same validation images: the first's AUROC minus the second's, DeLong's test, Holm's correction.

    `p_value` and `p_holm` are `None` where these images allow no test.
    """

    first: float
    second: float
    difference: float
    p_value: float | None
    p_holm: float | None

    @property
    def apart(self) -> bool:
        """Whether they differ after the correction."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


@dataclass(frozen=True)
class Grid:
    """The runs of a grid of learning rates, compared on validation.

    Args:
        aurocs: Rate -> validation AUROC at the best epoch, 0-1; `None` where the run is not finished.
        statuses: Rate -> how the run ended.
        names: Rate -> the run's name.
        pairs: Every two finished rates.
        images: Validation images; 0 where no run is finished.
    """

    aurocs: dict[float, float | None]
    statuses: dict[float, str]
    names: dict[float, str]
    pairs: tuple[Pair, ...]
    images: int

    @property
    def best(self) -> float | None:
        """The rate with the highest validation AUROC, the lowest of equal ones; `None` where no run is finished."""
        ranked = [(-area, rate) for rate, area in self.aurocs.items() if area is not None]
        return min(ranked)[1] if ranked else None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        rates = [
            {"rate": rate, "run": self.names[rate], "status": self.statuses[rate], "validation_auroc": area}
            for rate, area in self.aurocs.items()
        ]
        pairs = [vars(pair) | {"apart": pair.apart} for pair in self.pairs]
        return {"rates": rates, "pairs": pairs, "best": self.best, "images": self.images}


def compare(grid: Mapping[float, Run]) -> Grid:
    """Compare runs by their validation logits.

    Args:
        grid: Learning rate -> its run.

    Raises:
        RunError: a run is damaged, or they were scored on different images.
    """
    entries = {rate: collection.read(run) for rate, run in sorted(grid.items())}
    parts = {rate: entry.parts["validation"] for rate, entry in entries.items() if entry.finished}
    for ids, labels, _ in list(parts.values())[1:]:
        first = next(iter(parts.values()))
        if not (np.array_equal(ids, first[0]) and np.array_equal(labels, first[1])):
            raise RunError(
                "the runs of the grid were scored on different images", advice="delete these runs and train them again"
            )
    pairs = all_pairs(list(parts), [part[2] for part in parts.values()], next(iter(parts.values()))[1]) if parts else ()
    areas = {rate: statistics.delong(part[1], part[2]).auroc for rate, part in parts.items()}
    return Grid(
        aurocs={rate: areas.get(rate) for rate in entries},
        statuses={rate: entry.record.status for rate, entry in entries.items()},
        names={rate: entry.name for rate, entry in entries.items()},
        pairs=tuple(pairs),
        images=len(next(iter(parts.values()))[0]) if parts else 0,
    )


def all_pairs(rates: Sequence[float], logits: Sequence[np.ndarray], labels: np.ndarray) -> list[Pair]:
    """Every two rates, tested as one family of Holm's correction."""
    if len(rates) < 2:  # noqa: PLR2004 - a pair
        return []
    tests = list(statistics.paired_delong_rest(labels, np.stack(logits)))
    differences, p_values = (
        np.concatenate([getattr(test, key) for test in tests]) for key in ("difference", "p_value")
    )
    return [
        Pair(a, b, float(difference), _number(p_value), _number(p_holm))
        for (a, b), difference, p_value, p_holm in zip(
            combinations(rates, 2), differences, p_values, statistics.holm(p_values), strict=True
        )
    ]


def _number(value: float) -> float | None:
    """A number of Python, `None` for NaN."""
    return None if np.isnan(value) else float(value)


def is_over(record: Record) -> bool:
    """Whether a run of a grid needs no training: it is finished, or it diverged and would do so again."""
    return record.finished or record.status == "diverged"
