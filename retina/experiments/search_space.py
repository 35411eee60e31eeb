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
        ExperimentError: `high` is not larger than `low`.
    """

    low: float = 1e-7
    high: float = 1.0
    steps: int = 100
    seeds: int = 3

    def __post_init__(self) -> None:
        require_rising(self.low, self.high)


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
        for option, rule, value in (
            ("--low", SETTINGS["learning_rate"], self.low),
            ("--high", SETTINGS["learning_rate"], self.high),
            *(("--batch-sizes", SETTINGS["batch_size"], size) for size in self.batch_sizes),
        ):
            if not rule.accepts(value):
                raise ExperimentError(f"{option} cannot be {value}", expected=rule.allowed, where="the options")
        require_rising(self.low, self.high)


def require_rising(low: float, high: float) -> None:
    """Refuse a range of learning rates that is empty.

    Raises:
        ExperimentError: the last is not larger than the first.
    """
    if not low < high:
        raise ExperimentError("--high must be larger than --low", found=f"{low:g} and {high:g}", where="the options")
