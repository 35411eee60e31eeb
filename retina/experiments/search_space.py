"""What searches vary, with its defaults: the learning rates of a range test, and the space of a tuning."""

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retina.errors import ExperimentError, shown, unknown
from retina.experiments.experiment import SETTINGS
from retina.experiments.parameters import Basis
from retina.experiments.settings import DEPENDS_ON

OWN = ("learning_rate", "batch_size")
"""Settings that every tuning searches, by options of their own."""
SHARED = ("target", "weights", "fine_tune", "image_size", "crop_disc", "precision", "deterministic")
"""Settings that all trials of a tuning share: its data and weights, which it reads once, what is trained of them, on
which the values of a parameter set depend, and the arithmetic."""
VARIED = tuple(name for name, rule in SETTINGS.items() if rule.in_file and name not in (*OWN, *SHARED))
"""Settings that a tuning may search beside its own."""
MOST_COMBINATIONS = 10_000


@dataclass(frozen=True)
class Range:
    """The learning rates, steps and seeds of a range test.

    Args:
        low: The first learning rate.
        high: The last one, larger than `low`.
        steps: Training steps between them at most.
        seeds: How many seeds, from the experiment's own.

    Raises:
        ExperimentError: `high` is not larger than `low`, or a value is one that no test may have.
    """

    low: float = 1e-7
    high: float = 1.0
    steps: int = 100
    seeds: int = 3

    def __post_init__(self) -> None:
        require_rates(self.low, self.high)
        for option, value in (("--steps", self.steps), ("--seeds", self.seeds)):
            if value < 1:
                raise ExperimentError(f"{option} cannot be {value}", expected="at least 1", where="the options")


@dataclass(frozen=True)
class Space:
    """What a tuning searches.

    Args:
        low: Lowest learning rate; the scale is logarithmic.
        high: Highest one, larger than `low`.
        batch_sizes: Batch sizes, each named once.
        sampler_seed: Seed of the sampler.
        varied: Name of a setting, one of `VARIED` -> the values to choose from, each named once.

    Raises:
        ExperimentError: `high` is not larger than `low`, a value is one that no run may have, or a setting cannot be
            searched.
    """

    low: float = 1e-5
    high: float = 1e-2
    batch_sizes: tuple[int, ...] = (16, 32, 64)
    sampler_seed: int = 0
    varied: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_rates(self.low, self.high)
        for size in self.batch_sizes:
            require("--batch-sizes", "batch_size", size)
        for name, values in self.varied.items():
            if name not in VARIED:
                raise unknown("setting of --vary", name, VARIED)
            if not values:
                raise ExperimentError(f"--vary {name} names no value", expected=SETTINGS[name].allowed)
            for value in values:
                require(f"--vary {name}", name, value)

    @property
    def searched(self) -> tuple[str, ...]:
        """The names of all settings that the tuning searches."""
        return (*OWN, *self.varied)

    def to_dict(self) -> dict[str, Any]:
        """As recorded and hashed: plain JSON values; `varied` only where there is something, as in earlier records."""
        content = dataclasses.asdict(self) | {"batch_sizes": list(self.batch_sizes)}
        varied = {name: list(values) for name, values in content.pop("varied").items()}
        return content | ({"varied": varied} if varied else {})

    @property
    def first(self) -> dict[str, Any]:
        """The first value of everything that is searched beside the tuning's own settings."""
        return {name: values[0] for name, values in self.varied.items()}

    def require_trials(self, basis: Basis) -> None:
        """Refuse the space unless every trial can be trained, and every setting asked for matters in one.

        Args:
            basis: What the trials share.

        Raises:
            ExperimentError: two values contradict each other, a setting has no effect with any of the others, or there
                are more than `MOST_COMBINATIONS`.
        """
        for name in (*self.varied, *(name for name in basis.options if name not in self.searched)):
            other, with_effect = DEPENDS_ON.get(name, (name, ()))
            choices = self.varied.get(other, (basis.settings[other],))
            if other != name and not set(choices) & set(with_effect):
                flag = f"to --vary {other}" if other in self.varied else f"--{other.replace('_', '-')}"
                asked = f"--vary {name}" if name in self.varied else name
                raise ExperimentError(
                    f"{asked} has no meaning with {other} {', '.join(map(str, choices))}",
                    advice=f"add {with_effect[0]} {flag}" if other in self.varied else f"add {flag} {with_effect[0]}",
                )
        combinations = itertools.product(*self.varied.values())
        for number, values in enumerate(combinations):
            if number == MOST_COMBINATIONS:
                raise ExperimentError("the space is too large", expected=f"at most {MOST_COMBINATIONS} combinations")
            chosen = dict(zip(self.varied, values, strict=True))
            try:
                basis.trial(chosen).choice()
            except ExperimentError as error:
                raise ExperimentError(
                    error.problem,
                    expected=error.expected,
                    found=error.found,
                    where="the trial with " + ", ".join(f"{name} {value}" for name, value in chosen.items()),
                    advice="give --vary values that go together, such as weight_decay=0.01,0.1 beside optimizer=adamw"
                    if "optimizer" in chosen
                    else "leave one of these values out of --vary",
                ) from error


def require(option: str, setting: str, value: object) -> None:
    """Refuse a value that no run may have.

    Raises:
        ExperimentError: it has the wrong type or is out of range.
    """
    rule = SETTINGS[setting]
    if not rule.accepts(value):
        raise ExperimentError(f"{option} cannot be {shown(value)}", expected=rule.allowed, where="the options")


def require_rates(low: float, high: float) -> None:
    """Refuse learning rates that no run may have, and a range of them that is empty.

    Raises:
        ExperimentError: one is out of range, or the last is not larger than the first.
    """
    require("--low", "learning_rate", low)
    require("--high", "learning_rate", high)
    if not low < high:
        raise ExperimentError("--high must be larger than --low", found=f"{low:g} and {high:g}", where="the options")
