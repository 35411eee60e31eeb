"""What searches leave below a results folder, as comparison reads it: learning-rate range tests, and tunings.

results/lr-find/<name>/record.json    one range test, sealed
results/tuning/<name>.json            one tuning, sealed
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from retina.errors import RunError
from retina.experiments.settings import ADDED, effective
from retina.machine import sealed
from retina.runs.record import Record

SCHEMA = 1
SETTING = (
    *("backbone", "loss", "class_weight", "label_smoothing", "batch_size", "fine_tune", "image_size"),
    *("head_start", "clip_norm", "layer_decay", "optimizer", "weight_decay"),
)
"""Settings that a range test and a run must share for the test to apply to the run, beside data and weights."""


def range_folder(results: Path) -> Path:
    """The folder of the range tests in a results folder."""
    return results / "lr-find"


def tuning_folder(results: Path) -> Path:
    """The folder of the tunings in a results folder."""
    return results / "tuning"


@dataclass(frozen=True)
class RangeTest:
    """A learning-rate range test.

    Args:
        name: The name of its folder.
        setting: What a run must share with it, see `setting_of`.
        suggestions: The learning rate that each seed suggests; `None` where a seed suggests none.
    """

    name: str
    setting: tuple[Any, ...]
    suggestions: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        """The rates of the seeds that suggest one, lowest first."""
        return sorted(rate for rate in self.suggestions if rate is not None)

    @property
    def typical(self) -> float | None:
        """Their geometric mean; `None` where there is none."""
        known = self.known
        return math.exp(math.fsum(map(math.log, known)) / len(known)) if known else None

    @property
    def spread(self) -> float | None:
        """The largest suggestion over the smallest, at least 1; `None` where there is none."""
        return self.known[-1] / self.known[0] if self.known else None

    @classmethod
    def of(cls, name: str, content: Mapping[str, Any]) -> Self:
        """Read the record of a range test.

        Raises:
            ValueError: it is another record, or damaged.
        """
        with _keys_of("lr-find", content):
            suggestions = tuple(seed["suggestion"] for seed in content["seeds"])
            settings = _shared({**ADDED, **content["experiment"]})  # a test may be older than a setting
            setting = (*settings, content["data"]["fingerprint"], content["weights"]["origin"])
        if not all(rate is None or (isinstance(rate, float) and 0 < rate < math.inf) for rate in suggestions):
            raise ValueError("holds a suggestion that is no learning rate")
        return cls(name, setting, suggestions)


@dataclass(frozen=True)
class Tuning:
    """A search over learning rates, batch sizes and other settings.

    Args:
        name: The name of its file.
        winner: The name of the run that won; `None` where no trial was finished.
        tried: Trials in all.
        pruned: Of these, trials that were ended early.
        failed: Of these, trials that diverged.
        objective: The winner's validation AUROC at its best epoch, 0-1, from its curves; `None` without a winner.
    """

    name: str
    winner: str | None
    tried: int
    pruned: int
    failed: int
    objective: float | None

    @classmethod
    def of(cls, name: str, content: Mapping[str, Any]) -> Self:
        """Read the record of a tuning.

        Raises:
            ValueError: it is another record, or damaged.
        """
        with _keys_of("tune", content):
            counts = {key: content[key] for key in ("tried", "pruned", "failed")}
            winner, objective = content["winner"], content["objective"]
        # Not `isinstance`: JSON's true is an int of Python.
        counted = all(type(count) is int and count >= 0 for count in counts.values())
        fitting = isinstance(winner, str) == isinstance(objective, float)
        if not (counted and isinstance(winner, str | None) and fitting):
            raise ValueError("holds values of other types")
        return cls(name, winner=winner, objective=objective, **counts)


@contextlib.contextmanager
def _keys_of(kind: str, content: Mapping[str, Any]) -> Iterator[None]:
    """Refuse a record of another kind or schema, and name the key that the block does not find in it.

    Raises:
        ValueError: it is of another, or lacks something.
    """
    try:
        if content["schema"] != SCHEMA or content["kind"] != kind:
            raise ValueError("has another schema")
        yield
    except (KeyError, TypeError) as error:
        raise ValueError(f"lacks {error}") from error


def _shared(values: Mapping[str, Any]) -> list[Any]:
    """The values of `SETTING`; `None` for one that has no effect."""
    with_effect = effective(values)
    return [with_effect.get(key) for key in SETTING]


def setting_of(record: Record) -> tuple[Any, ...]:
    """What a run and a range test must share: settings, fingerprint of the data, origin of the weights."""
    return (*_shared(record.experiment.to_dict()), record.data.fingerprint, record.weights.origin)


def range_tests(folders: Iterable[Path]) -> tuple[list[RangeTest], list[str]]:
    """The range tests below results folders, by name, and one line for each that is damaged."""
    paths = [path for folder in folders for path in range_folder(folder).glob("*/record.json")]
    return _read(paths, RangeTest, lambda path: path.parent.name)


def tunings(folders: Iterable[Path]) -> tuple[list[Tuning], list[str]]:
    """The tunings below results folders, by name, and one line for each that is damaged."""
    return _read([path for folder in folders for path in tuning_folder(folder).glob("*.json")], Tuning, _stem)


def _stem(path: Path) -> str:
    return path.stem


def _read(paths: list[Path], kind: Any, name_of: Any) -> tuple[list[Any], list[str]]:  # noqa: ANN401 - either kind
    """The records in sealed files, and a line for each file that cannot be read; hidden drafts are left out."""
    records, damaged = [], []
    for path in sorted(paths):
        name = name_of(path)
        if name.startswith("."):
            continue
        try:
            records.append(kind.of(name, sealed.read_sealed(path)))
        except ValueError as error:
            reason = RunError(
                "the record of a search is damaged", found=error, where=path, advice="delete it and search again"
            )
            damaged.append(str(reason))
    return records, damaged


def nearest(tests: Iterable[RangeTest], record: Record) -> RangeTest | None:
    """The range test that applies to a run: of its setting, with the most seeds; `None` where there is none.

    None applies to a run that first trains the head alone: a test trains everything from its first step, below a head
    that is not trained yet.
    """
    if record.experiment.frozen_epochs:
        return None
    fitting = [test for test in tests if test.known and test.setting == setting_of(record)]
    return max(fitting, key=lambda test: (len(test.known), test.name), default=None)
