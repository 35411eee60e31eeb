"""The learning rate's course over the steps of a run."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="retina")
class LinearWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly to its value over the first steps, and stays there.

    Goyal et al. 2017, https://arxiv.org/abs/1706.02677, section 2.2. Step k of n, counted from 1, has k / n of the
    rate: the first step is not wasted, and the n-th is the first of full size. The rate follows from the optimizer's
    own count of steps, which a checkpoint has, so that a resumed run goes on where it was.

    Args:
        learning_rate: The rate after the warm-up, > 0.
        steps: Steps of the warm-up, at least 1.

    Raises:
        ValueError: there are no steps.
    """

    def __init__(self, learning_rate: float, steps: int) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps must be at least 1. Received: steps={steps}")
        self.learning_rate = learning_rate
        self.steps = steps

    def __call__(self, step: Any) -> Any:  # noqa: ANN401 - the optimizer's count of finished steps, a variable or a number
        """The rate of the step after `step` finished ones, a float32 scalar."""
        share = (ops.cast(step, "float32") + 1.0) / self.steps
        return self.learning_rate * ops.minimum(share, 1.0)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same schedule of again."""
        return {"learning_rate": self.learning_rate, "steps": self.steps}


def rate(learning_rate: float, warmup_epochs: float, steps_per_epoch: int) -> float | LinearWarmup:
    """What the optimizer gets: the rate itself, or its course where there is a warm-up of at least one step.

    Args:
        learning_rate: The rate after the warm-up.
        warmup_epochs: Its length, in epochs; a part of one is rounded to whole steps.
        steps_per_epoch: Training steps of an epoch.
    """
    steps = round(warmup_epochs * steps_per_epoch)
    return LinearWarmup(learning_rate, steps) if steps else learning_rate
