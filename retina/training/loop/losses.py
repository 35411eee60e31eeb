"""Losses on logits. `LOSSES` maps a name to a factory that takes the experiment."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from retina.experiments.experiment import Experiment


@keras.saving.register_keras_serializable(package="retina")
class BinaryFocalLoss(keras.losses.Loss):
    """Binary focal loss, computed in log space from logits.

    Lin, Goyal, Girshick, He, Dollar: Focal Loss for Dense Object Detection, ICCV 2017, arXiv 1708.02002, equation 5:

        FL = -alpha_t (1 - p_t)^gamma log(p_t)

    With z the logit and s = z for a positive, -z for a negative image, p_t = sigmoid(s), so that
    log(p_t) = log_sigmoid(s) and (1 - p_t)^gamma = exp(gamma log_sigmoid(-s)). Nothing is clipped: at a logit of 60 on
    the wrong side loss and gradient are those of cross-entropy, where a loss on clipped probabilities no longer learns.

    With gamma 0 it is the cross-entropy, weighted by alpha_t where alpha is given.

    Args:
        gamma: Focusing parameter, >= 0. Images that are already right count less, by (1 - p_t)^gamma.
        alpha: Weight of the positive class, 0-1; the negative class weighs 1 - alpha. `None` weighs both 1. In the
            paper positives are rare and 0.25 goes with gamma 2. In RFMiD positives are the majority (79 %), where 0.25
            happens to even the classes out: 0.79 x 0.25 = 0.20 against 0.21 x 0.75 = 0.16.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        *,
        reduction: str = "sum_over_batch_size",
        name: str = "binary_focal_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if gamma < 0:
            raise ValueError(f"gamma must be at least 0. Received: gamma={gamma}")
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(f"alpha must lie between 0 and 1. Received: alpha={alpha}")
        self.gamma = gamma
        self.alpha = alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - a tensor of the backend
        """The loss of every image.

        Args:
            y_true: Labels, 0 or 1, of any shape.
            y_pred: Logits, the same shape.

        Returns:
            The loss of each element, the same shape, in the loss' dtype (float32 by default).
        """
        sign = 2 * y_true - 1
        score = sign * y_pred
        loss = -ops.exp(self.gamma * ops.log_sigmoid(-score)) * ops.log_sigmoid(score)
        if self.alpha is None:
            return loss
        return loss * (y_true * self.alpha + (1 - y_true) * (1 - self.alpha))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss again."""
        return super().get_config() | {"gamma": self.gamma, "alpha": self.alpha}


def cross_entropy(experiment: Experiment) -> keras.losses.Loss:
    """Binary cross-entropy on logits, in nats."""
    del experiment  # every factory is given one
    return keras.losses.BinaryCrossentropy(from_logits=True)


def focal(experiment: Experiment) -> keras.losses.Loss:
    """Binary focal loss with the experiment's gamma and alpha."""
    return BinaryFocalLoss(gamma=experiment.focal_gamma, alpha=experiment.focal_alpha)


LOSSES: dict[str, Callable[[Experiment], keras.losses.Loss]] = {"ce": cross_entropy, "focal": focal}
