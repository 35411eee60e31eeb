"""Adam and stochastic gradient descent, each in one fused pass over memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import torch
from torch.optim.adam import adam
from torch.optim.sgd import sgd

MOMENTUM = 0.9
"""Of stochastic gradient descent: the value of He et al. 2016, https://arxiv.org/abs/1512.03385, section 3.4."""


@dataclass(frozen=True)
class Group:
    """Variables that are stepped together, seen in the order of memory: else torch's CPU kernel makes copies.

    Args:
        places: Their places among the optimizer's variables.
        values: Their values.
        gradients: Their gradients.
        orders: For each, its axes from the outermost in memory to the innermost.
        rate: Their learning rate, a scalar tensor: a CUDA graph would keep the number that it was recorded with.
        decay: Share of a value that a step takes off, times the rate.
    """

    places: Sequence[int]
    values: Sequence[torch.Tensor]
    gradients: Sequence[torch.Tensor]
    orders: Sequence[Sequence[int]]
    rate: torch.Tensor
    decay: float

    def slots(self, slots: Sequence[keras.Variable]) -> list[torch.Tensor]:
        """What an optimizer keeps for these variables, seen in the same order."""
        return [slots[place].value.permute(order) for place, order in zip(self.places, self.orders, strict=True)]


class Fused(keras.optimizers.Optimizer):
    """What the fused optimizers share: one call of a kernel for all variables that have one rate and one decay.

    Weight decay is decoupled, as everywhere in Keras (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101): a
    step takes rate x decay off each value, beside the gradient.
    """

    rate_multipliers: Mapping[str, float]
    """Path of a variable -> factor of its learning rate; 1 where it is left out."""

    def kept(self) -> list[list[keras.Variable]]:
        """What is kept for each variable, zero at first: one list, in the variables' order, for each kind."""
        raise NotImplementedError

    def update(self, group: Group) -> None:
        """Step the variables of a group."""
        raise NotImplementedError

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make what is kept for each variable, in the variable's own memory layout, as the kernels want it."""
        if self.built:
            return
        super().build(variables)
        averages = [self._model_variables_moving_average] if self.use_ema else []
        for slots in (*self.kept(), *averages):
            for variable, slot in zip(variables, slots, strict=True):
                # Keras' variable stays and its memory is replaced, which Keras allocates in the order of the axes.
                slot.value.data = torch.empty_like(variable.value)
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Begin anew: no step is counted, nothing is kept of those before, running averages are the weights."""
        self.iterations.assign(0)
        for slots in self.kept():
            for slot in slots:
                slot.value.zero_()
        if self.use_ema:
            for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
                average.value.copy_(variable.value)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same optimizer of again."""
        return super().get_config() | {"rate_multipliers": dict(self.rate_multipliers)}

    @torch.no_grad()
    def _backend_update_step(
        self,
        grads: Sequence[torch.Tensor],
        trainable_variables: Sequence[keras.Variable],
        learning_rate: Any,  # noqa: ANN401 - a number, a variable or a tensor
    ) -> None:
        """Update all variables, by the hook that Keras' own optimizers on torch override."""
        members = defaultdict(list)
        for variable, gradient in zip(trainable_variables, grads, strict=True):
            decays = bool(self.weight_decay) and self._use_weight_decay(variable)
            members[self.rate_multipliers.get(variable.path, 1.0), decays].append((variable, gradient))
        rate = keras.ops.convert_to_tensor(learning_rate)
        for (multiplier, decays), pairs in members.items():
            values = [variable.value for variable, _ in pairs]
            orders = [_order_in_memory(value) for value in values]
            gradients = [_laid_out_as(value, gradient) for value, (_, gradient) in zip(values, pairs, strict=True)]
            group = Group(
                [self._get_variable_index(variable) for variable, _ in pairs],
                list(map(torch.permute, values, orders)),
                list(map(torch.permute, gradients, orders)),
                orders,
                rate if multiplier == 1 else rate * multiplier,
                self.weight_decay if decays else 0.0,
            )
            self.update(group)

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        """Nothing: `update` decays, at each variable's own rate."""

    @torch.no_grad()
    def _update_model_variables_moving_average(self, trainable_variables: Sequence[keras.Variable]) -> None:
        """Keras' running average of the weights, in one pass; it begins a step earlier, before the first one."""
        averages = [average.value for average in self._model_variables_moving_average]
        torch._foreach_lerp_(averages, [variable.value for variable in trainable_variables], 1 - self.ema_momentum)


@keras.saving.register_keras_serializable(package="retina")
class FusedAdam(Fused, keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 1) by torch's fused kernel.

    Keras' own Adam goes over the weights about a dozen times a step, torch's fused kernel once. The two differ in where
    epsilon is added: here, as in the paper's algorithm and in torch, to the bias-corrected square root; Keras
    adds it to the uncorrected one. At 1e-7 that is seen in weights whose gradients are about as small. With a weight
    decay it is AdamW.

    Args:
        learning_rate: Step size, or a `keras.optimizers.schedules.LearningRateSchedule`.
        beta_1: Decay of the running mean of gradients.
        beta_2: Decay of the running mean of their squares.
        epsilon: Added to the root of the mean square.
        rate_multipliers: Path of a variable -> factor of its learning rate.
        name: The optimizer's name.
        **kwargs: Keras' own, such as `global_clipnorm`. `amsgrad` is not offered.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,  # noqa: ANN401 - a number, or a schedule of Keras'
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        rate_multipliers: Mapping[str, float] | None = None,
        name: str = "fused_adam",
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        if kwargs.pop("amsgrad", False):
            raise ValueError("FusedAdam does not offer amsgrad")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)
        self.rate_multipliers = dict(rate_multipliers or {})

    def kept(self) -> list[list[keras.Variable]]:
        """The running means of gradients and of their squares."""
        return [self._momentums, self._velocities]

    def update(self, group: Group) -> None:
        """One fused step."""
        steps = self.iterations.value.float().repeat(len(group.places)).unbind()  # the kernel adds 1 to each
        # torch's function beneath its optimizer; the empty list is for AMSGrad's maxima.
        adam(
            list(group.values),
            list(group.gradients),
            *(group.slots(slots) for slots in self.kept()),
            [],
            list(steps),
            fused=True,
            amsgrad=False,
            beta1=self.beta_1,
            beta2=self.beta_2,
            lr=group.rate,
            weight_decay=group.decay,
            decoupled_weight_decay=True,
            eps=self.epsilon,
            maximize=False,
        )


@keras.saving.register_keras_serializable(package="retina")
class FusedSGD(Fused, keras.optimizers.SGD):
    """Stochastic gradient descent with Nesterov's momentum by torch's fused kernel.

    Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html, in the form in which the velocity is made
    of gradients alone and the rate multiplies it: at one rate the steps are those of Keras' own SGD, and a rate that
    changes holds at once. Keras' own reads the rate on the host in each step, which no CUDA graph can hold.

    Args:
        learning_rate: Step size.
        momentum: Share of the velocity that a step keeps, above 0 and below 1.
        rate_multipliers: Path of a variable -> factor of its learning rate.
        name: The optimizer's name.
        **kwargs: Keras' own, such as `global_clipnorm` and `weight_decay`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,  # noqa: ANN401 - a number, or a schedule of Keras'
        *,
        momentum: float = MOMENTUM,
        rate_multipliers: Mapping[str, float] | None = None,
        name: str = "fused_sgd",
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        if not (0 < momentum < 1 and kwargs.pop("nesterov", True)):
            raise ValueError(f"FusedSGD offers Nesterov's momentum between 0 and 1. Received: momentum={momentum}")
        super().__init__(learning_rate, momentum, nesterov=True, name=name, **kwargs)
        self.rate_multipliers = dict(rate_multipliers or {})

    def kept(self) -> list[list[keras.Variable]]:
        """The velocities."""
        return [self.momentums]

    def update(self, group: Group) -> None:
        """One fused step; the kernel's own decay is another, which goes through the velocity."""
        if group.decay:
            torch._foreach_mul_(list(group.values), 1 - group.rate * group.decay)
        sgd(
            list(group.values),
            list(group.gradients),
            group.slots(self.momentums),
            fused=True,
            lr=group.rate,
            momentum=self.momentum,
            dampening=0.0,
            nesterov=True,
            weight_decay=0.0,
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
