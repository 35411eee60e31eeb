"""Adam in one fused pass over memory."""

from collections.abc import Sequence
from typing import Any

import keras
import torch
from torch.optim.adam import adam


@keras.saving.register_keras_serializable(package="retina")
class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 1) by torch's fused kernel.

    Keras' own Adam goes over the weights about a dozen times a step, torch's fused kernel once. The two differ in where
    epsilon is added: here, as in the paper's algorithm and in torch, to the bias-corrected square root; Keras
    adds it to the uncorrected one. At 1e-7 that is seen in weights whose gradients are about as small.

    Args:
        learning_rate: Step size, or a `keras.optimizers.schedules.LearningRateSchedule`.
        beta_1: Decay of the running mean of gradients.
        beta_2: Decay of the running mean of their squares.
        epsilon: Added to the root of the mean square.
        name: The optimizer's name.
        **kwargs: Keras' own, such as `global_clipnorm`. `amsgrad` and `weight_decay` are not offered.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,  # noqa: ANN401 - a number, or a schedule of Keras'
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        name: str = "fused_adam",
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        if kwargs.pop("amsgrad", False) or kwargs.pop("weight_decay", None):
            raise ValueError("FusedAdam offers neither amsgrad nor weight_decay")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make two running means for each variable, in the variable's own memory layout, as the kernel wants them."""
        if self.built:
            return
        super().build(variables)
        for variable, *means in zip(variables, self._momentums, self._velocities, strict=True):
            for mean in means:
                # Keras' variable stays and its memory is replaced, which Keras allocates in the order of the axes.
                mean.value.data = torch.zeros_like(variable.value)

    def _backend_update_step(
        self,
        grads: Sequence[torch.Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: Any,  # noqa: ANN401 - a number, a variable or a tensor
    ) -> None:
        """Update all variables at once, by the hook that Keras' own optimizers on torch override."""
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        steps = self.iterations.value.float().repeat(len(places)).unbind()  # the kernel adds 1 to each
        values = [variable.value for variable in trainable_variables]
        grads = [_laid_out_as(value, grad) for value, grad in zip(values, grads, strict=True)]
        means = [[of[place].value for place in places] for of in (self._momentums, self._velocities)]
        orders = [_order_in_memory(value) for value in values]
        with torch.no_grad():
            # torch's function beneath its optimizer; the empty list is for AMSGrad's maxima.
            adam(
                *(list(map(torch.permute, parts, orders)) for parts in (values, grads, *means)),
                [],
                list(steps),
                fused=True,
                amsgrad=False,
                beta1=self.beta_1,
                beta2=self.beta_2,
                # A tensor, since a CUDA graph would keep the number that it was recorded with.
                lr=keras.ops.convert_to_tensor(learning_rate),
                weight_decay=0.0,
                eps=self.epsilon,
                maximize=False,
            )


def _laid_out_as(value: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """A gradient in its variable's memory layout: the kernel walks memory and would silently mix up the weights.

    torch's autograd leaves gradients so; clipping, or a gradient from elsewhere, may not.
    """
    return gradient if gradient.stride() == value.stride() else torch.empty_like(value).copy_(gradient)


def _order_in_memory(tensor: torch.Tensor) -> list[int]:
    """A tensor's axes, outermost first. Seen in this order it is contiguous; else torch's CPU kernel makes copies."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
