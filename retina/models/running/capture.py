"""Steps as CUDA graphs: recorded once for each shape of batch, then replayed in one call.

On a GPU a training step of a small network is hundreds of short kernels, and starting them from Python takes longer
than running them. A graph (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs) starts them all at once.
What is recorded is the very function that runs without: Keras' own step, with its metrics and its optimizer.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from retina.machine import device
from retina.models.layers.base import TorchLayer

Step = Callable[[Any], Any]

WARM_UP = 2
"""Calls without a graph, in which torch's libraries choose their kernels and allocate what they keep."""

MOST = 4
"""Graphs of one function at most: the full batch, the rest of an epoch, and such."""

LARGEST_CONSTANT = 64
"""Numbers in a constant that may be recorded: each is a kernel of its own, and so is replayed in every step."""


class Constants(TorchFunctionMode):
    """While it is active, small constants are filled in on the device instead of being copied there from the host.

    Keras makes a tensor of every number that it meets; a graph cannot hold a copy out of memory that is gone when it is
    replayed.

    Args:
        device: Whose constants.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401 - torch's
        del types
        kwargs = kwargs or {}
        if func is torch.Tensor.new_tensor:
            like, data, *rest = args
            return self._filled(torch.tensor(data, *rest, **{"dtype": like.dtype} | kwargs, device="cpu"))
        made = func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], torch.Tensor)
        if made and torch.device(kwargs.get("device") or "cpu").type == self.device:
            return self._filled(func(*args, **kwargs | {"device": "cpu"}))
        return func(*args, **kwargs)

    def _filled(self, constant: torch.Tensor) -> torch.Tensor:
        """A constant, made on the device number by number."""
        if constant.numel() > LARGEST_CONSTANT:
            raise RuntimeError(f"a constant of {constant.numel()} numbers cannot be recorded in a graph")
        kind = {"dtype": constant.dtype, "device": self.device}
        # To fill is a kernel, which a graph can hold.
        numbers = [torch.full((), number, **kind) for number in constant.flatten().tolist()]
        return torch.stack(numbers).view(constant.shape) if constant.dim() else numbers[0]


@dataclass(frozen=True)
class Recording:
    """A recorded call.

    Args:
        graph: What is replayed.
        inputs: Where it reads.
        outputs: Where it leaves its results: tensors in any nesting.
    """

    graph: torch.cuda.CUDAGraph
    inputs: Sequence[torch.Tensor]
    outputs: Any


class Captured:
    """A function of tensors that is recorded at its third call with tensors of the same shapes, and then replayed.

    It must do the same work at every call: nothing in it may depend on a value, and what it changes it changes in
    place. Results are copies, the caller's own.

    Args:
        function: Takes tensors and returns tensors in any nesting.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.calls: Counter[tuple[object, ...]] = Counter()
        self.recordings: dict[tuple[object, ...], Recording] = {}
        self.stream = torch.cuda.Stream()
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, *tensors: torch.Tensor) -> Any:  # noqa: ANN401 - what the function returns
        """Call the function, or replay it."""
        shapes = tuple((tensor.shape, tensor.dtype) for tensor in tensors)
        if shapes not in self.recordings:
            self.calls[shapes] += 1
            if self.calls[shapes] <= WARM_UP or len(self.recordings) == MOST:
                return self._beside(tensors)
            self.recordings[shapes] = self._record(tensors)
        recording = self.recordings[shapes]
        for place, tensor in zip(recording.inputs, tensors, strict=True):
            place.copy_(tensor, non_blocking=True)
        recording.graph.replay()
        # The next replay overwrites the outputs.
        return pytree.tree_map(torch.clone, recording.outputs)

    def _beside(self, tensors: Sequence[torch.Tensor]) -> Any:  # noqa: ANN401 - as above
        """Call the function on the stream that it is recorded on: autograd remembers where a weight was first used."""
        here = torch.cuda.current_stream()
        self.stream.wait_stream(here)
        with torch.cuda.stream(self.stream):
            results = self.function(*(tensor.to("cuda") for tensor in tensors))
        here.wait_stream(self.stream)
        return results

    def _record(self, tensors: Sequence[torch.Tensor]) -> Recording:
        """Record the function without computing anything."""
        inputs = [torch.empty_like(tensor, device="cuda") for tensor in tensors]
        graph = torch.cuda.CUDAGraph()
        # By default an allocation by any other thread breaks a recording off, and one writes checkpoints meanwhile.
        recorder = torch.cuda.graph(graph, self.pool, self.stream, capture_error_mode="thread_local")
        with recorder, Constants("cuda"):
            outputs = self.function(*inputs)
        return Recording(graph, inputs, outputs)


class RecordedModel(keras.Model):
    """A model whose training steps and predictions are recorded as CUDA graphs where possible, else Keras' own.

    It is possible on a GPU where all layers are retina's: others may read a number from the device in the middle of a
    step, which a graph cannot do.
    """

    @property
    def can_be_recorded(self) -> bool:
        """Whether its steps can be recorded as CUDA graphs here."""
        ours = all(isinstance(layer, TorchLayer | keras.layers.InputLayer) for layer in self.layers)
        return ours and device.device() == "cuda"

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras' function of one training step."""
        if self.train_function is None or force:
            super().make_train_function(force=True)
            self.train_function = self._recorded(self.train_function)

    def make_predict_function(self, force: bool = False) -> None:
        """Make Keras' function that predicts a batch."""
        if self.predict_function is None or force:
            super().make_predict_function(force=True)
            self.predict_function = self._recorded(self.predict_function)

    def forget_recordings(self) -> None:
        """Give back the device memory that recorded steps hold; the next step records again."""
        self.train_function = self.predict_function = None

    def _recorded(self, step: Step) -> Step:
        """A step of Keras, which takes a list of one batch, recorded where possible."""
        if not self.can_be_recorded:
            return step
        # Keras hands a step a list, of which torch's backend takes the first batch alone. What a batch lacks, labels or
        # weights of samples, is `None` in it.
        captured = Captured(lambda *batch: step([batch]))
        return lambda batches: captured(*(part for part in batches[0] if part is not None))
