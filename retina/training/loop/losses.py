"""Losses on logits. `LOSSES` maps a name to a factory that takes the experiment, `training_loss` adds class weights."""

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
        label_smoothing: e, 0 to below 1: the loss is 1 - e/2 times that of the label and e/2 times that of the other
            one, as cross-entropy is with labels of 1 - e/2 and e/2.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        *,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str = "binary_focal_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if gamma < 0:
            raise ValueError(f"gamma must be at least 0. Received: gamma={gamma}")
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(f"alpha must lie between 0 and 1. Received: alpha={alpha}")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be 0 to below 1. Received: label_smoothing={label_smoothing}")
        self.gamma = gamma
        self.alpha = alpha
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - a tensor of the backend
        """The loss of every image.

        Args:
            y_true: Labels, 0 or 1, of any shape.
            y_pred: Logits, the same shape.

        Returns:
            The loss of each element, the same shape, in the loss' dtype (float32 by default).
        """
        if not self.label_smoothing:  # the sum below has the same bits, at twice the work
            return self._of(y_true, y_pred)
        other = self.label_smoothing / 2
        return (1 - other) * self._of(y_true, y_pred) + other * self._of(1 - y_true, y_pred)

    def _of(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - a tensor of the backend
        """The loss of every image with labels as they are."""
        sign = 2 * y_true - 1
        score = sign * y_pred
        loss = -ops.exp(self.gamma * ops.log_sigmoid(-score)) * ops.log_sigmoid(score)
        if self.alpha is None:
            return loss
        return loss * (y_true * self.alpha + (1 - y_true) * (1 - self.alpha))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss again."""
        return super().get_config() | {
            "gamma": self.gamma,
            "alpha": self.alpha,
            "label_smoothing": self.label_smoothing,
        }


@keras.saving.register_keras_serializable(package="retina")
class ClassWeighted(keras.losses.Loss):
    """Another loss, in which the images of one class weigh more than those of the other.

    An image weighs by its label as it is, smoothed or not, and by whatever the other loss weighs it.

    Args:
        loss: The loss of every image, of the shape of the labels, as `BinaryFocalLoss` gives it.
        positive: Weight of a positive image, > 0.
        negative: Weight of a negative image, > 0.
    """

    def __init__(
        self,
        loss: keras.losses.Loss,
        *,
        positive: float,
        negative: float,
        reduction: str = "sum_over_batch_size",
        name: str = "class_weighted",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not (positive > 0 and negative > 0):
            raise ValueError(f"weights must be positive. Received: positive={positive}, negative={negative}")
        self.loss = loss
        self.positive = positive
        self.negative = negative

    @classmethod
    def balanced(cls, loss: keras.losses.Loss, prevalence: float) -> "ClassWeighted":
        """Let both classes weigh the same as wholes, and an image 1 on average.

        Of n images, n_pos of them positive, a positive one weighs n / (2 n_pos) and a negative one n / (2 (n - n_pos)).

        Args:
            loss: The loss of every image.
            prevalence: n_pos / n of the training images, strictly between 0 and 1.
        """
        return cls(loss, positive=0.5 / prevalence, negative=0.5 / (1 - prevalence))

    def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ANN401 - a tensor of the backend
        """The weighted loss of every image.

        Args:
            y_true: Labels, 0 or 1, (N, 1).
            y_pred: Logits, (N, 1).

        Returns:
            (N, 1), in the loss' dtype (float32 by default).

        Raises:
            ValueError: the other loss gives another shape, as Keras' own do, which are means over the last axis.
        """
        each = self.loss.call(y_true, y_pred)
        weights = y_true * self.positive + (1 - y_true) * self.negative
        if each.shape != weights.shape:  # they would broadcast, (N,) beside (N, 1) to (N, N)
            raise ValueError(f"each image needs its own loss: {each.shape} losses of {weights.shape} labels")
        return ops.multiply(each, weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss again."""
        return super().get_config() | {
            "loss": keras.losses.serialize(self.loss),
            "positive": self.positive,
            "negative": self.negative,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ClassWeighted":
        """The loss that `get_config` describes."""
        return cls(**(config | {"loss": keras.losses.deserialize(config["loss"])}))


def cross_entropy(experiment: Experiment) -> keras.losses.Loss:
    """Binary cross-entropy on logits, in nats, with the experiment's label smoothing."""
    if experiment.class_weight == "balanced":
        # Weights need the loss of every image. Keras gives the mean over the last axis, which on Apple's GPUs is that
        # of the images (`keras.ops.binary_crossentropy` drops the column there).
        return BinaryFocalLoss(gamma=0.0, label_smoothing=experiment.label_smoothing)
    return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=experiment.label_smoothing)


def focal(experiment: Experiment) -> keras.losses.Loss:
    """Binary focal loss with the experiment's gamma, alpha and label smoothing."""
    return BinaryFocalLoss(
        gamma=experiment.focal_gamma, alpha=experiment.focal_alpha, label_smoothing=experiment.label_smoothing
    )


LOSSES: dict[str, Callable[[Experiment], keras.losses.Loss]] = {"ce": cross_entropy, "focal": focal}


def training_loss(experiment: Experiment, prevalence: float) -> keras.losses.Loss:
    """The loss that an experiment trains by, and by which its validation images are scored.

    Args:
        experiment: The experiment.
        prevalence: The share of positives among the training images, strictly between 0 and 1.
    """
    loss = LOSSES[experiment.loss](experiment)
    return ClassWeighted.balanced(loss, prevalence) if experiment.class_weight == "balanced" else loss
