"""What searches vary, with its defaults: the learning rates of a range test, and the space of a tuning."""

from dataclasses import dataclass

from retina.errors import ExperimentError
from retina.experiments.experiment import SETTINGS


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

    Raises:
        ExperimentError: `high` is not larger than `low`, or a value is one that no run may have.
    """

    low: float = 1e-5
    high: float = 1e-2
    batch_sizes: tuple[int, ...] = (16, 32, 64)
    sampler_seed: int = 0

    def __post_init__(self) -> None:
        require_rates(self.low, self.high)
        for size in self.batch_sizes:
            require("--batch-sizes", "batch_size", size)


def require(option: str, setting: str, value: object) -> None:
    """Refuse a value that no run may have.

    Raises:
        ExperimentError: it has the wrong type or is out of range.
    """
    rule = SETTINGS[setting]
    if not rule.accepts(value):
        raise ExperimentError(f"{option} cannot be {value}", expected=rule.allowed, where="the options")


def require_rates(low: float, high: float) -> None:
    """Refuse learning rates that no run may have, and a range of them that is empty.

    Raises:
        ExperimentError: one is out of range, or the last is not larger than the first.
    """
    require("--low", "learning_rate", low)
    require("--high", "learning_rate", high)
    if not low < high:
        raise ExperimentError("--high must be larger than --low", found=f"{low:g} and {high:g}", where="the options")
