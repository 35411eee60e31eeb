"""State dicts with torchvision's names: read safely, checked, and copied into a Keras model and back.

A state dict's names follow torchvision's modules (`layer1.0.conv1.weight`). The Keras layers carry the same paths with
underscores, and both sides store kernels as (out, in, height, width), so the conversion renames and copies.
"""

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import keras
import torch

from retina.errors import WeightsError, first_line, some
from retina.models.layers.body import BatchNormalization, Convolution

# torch's names for the variables of each layer.
VARIABLES = {
    Convolution: {"weight": "kernel", "bias": "bias"},
    BatchNormalization: {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    },
}
# ImageNet's own classifier, and a counter that torch keeps beside each batch normalization, have no place here.
IGNORED_PREFIXES = ("fc.", "classifier.")
IGNORED_SUFFIX = ".num_batches_tracked"

# What torch's restricted reader raises on damaged or refused files, found by damaging files at random.
UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    struct.error,
    pickle.UnpicklingError,
)


def load_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a state dict with torch's restricted reader, which builds tensors and runs no code from the file.

    Args:
        path: A file that `torch.save(model.state_dict(), ...)` wrote.

    Returns:
        Name to tensor, on the CPU.

    Raises:
        WeightsError: there is no such file, it is damaged, or it holds anything but named tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError("weights not found", expected="random, imagenet, or a state-dict file", where=path)
    try:
        with warnings.catch_warnings():
            # torch warns of newer pickle protocols and of kinds of tensors. What cannot be used is refused below.
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise WeightsError(
            "weights cannot be read",
            expected="a state dict, as torch.save(model.state_dict(), ...) writes it",
            found=first_line(error) if _may_be_torch(path) else "a file of another kind",
            where=path,
            advice="to start from a run, give its name or its folder"
            if path.suffix == ".keras"
            else "save one; a file that holds more than tensors is refused, because reading it could run code",
        ) from error
    named_tensors = isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    )
    if not named_tensors or not content:
        found = f"a dict with {some(map(str, content))}" if isinstance(content, Mapping) else type(content).__name__
        raise WeightsError("not a state dict", expected="named tensors and nothing else", found=found, where=path)
    return dict(content)


def _may_be_torch(path: Path) -> bool:
    """Whether a file begins as those of torch do: as a zip file, or as a pickle, as before torch 1.6.

    One that cannot be opened may be: what torch says of it is the better answer.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(2).startswith((b"PK", b"\x80"))
    except OSError:
        return True


def state_dict(model: keras.Model) -> dict[str, torch.Tensor]:
    """The weights of a model's backbone under torchvision's names; the tensors are the model's own, not copies."""
    return {
        f"{layer.name.replace('_', '.')}.{theirs}": getattr(layer, ours).value
        for layer in model.layers
        for theirs, ours in VARIABLES.get(type(layer), {}).items()
        if getattr(layer, ours) is not None
    }


def assign(model: keras.Model, state: Mapping[str, torch.Tensor], where: object = None) -> None:
    """Copy a state dict into a model's backbone; all of it fits, or nothing is copied.

    Args:
        model: A backbone, or a classifier on one.
        state: torchvision's names to tensors. `fc.*`, `classifier.*` and `*.num_batches_tracked` are left aside.
        where: The file that the state dict came from, for the message.

    Raises:
        WeightsError: tensors are missing, left over, not dense, of another shape, not floating or not finite, or are
            negative variances; they are named.
    """
    targets = state_dict(model)
    state = {name: tensor for name, tensor in state.items() if not _is_ignored(name)}
    _check_names(state, targets, where)
    for name, tensor in state.items():
        _check_tensor(name, tensor, targets[name], where)
    with torch.no_grad():
        for name, tensor in state.items():
            targets[name].copy_(tensor)


def _is_ignored(name: str) -> bool:
    return name.startswith(IGNORED_PREFIXES) or name.endswith(IGNORED_SUFFIX)


def _check_names(state: Mapping[str, torch.Tensor], targets: Mapping[str, torch.Tensor], where: object) -> None:
    """Raise where a state dict has not exactly the tensors that the backbone needs."""
    missing = [name for name in targets if name not in state]
    extra = [name for name in state if name not in targets]
    if missing or extra:
        found = [f"missing {some(missing)}"] if missing else []
        found += [f"unknown {some(extra)}"] if extra else []
        raise WeightsError(
            "the weights belong to another network",
            expected=f"the {len(targets)} tensors of this backbone under torchvision's names",
            found="; ".join(found),
            where=where,
        )


def _check_tensor(name: str, tensor: torch.Tensor, target: torch.Tensor, where: object) -> None:
    """Raise where a tensor cannot take its place in the backbone."""
    # torch cannot compute with every kind, and some have no shape.
    if tensor.is_nested or tensor.is_meta or tensor.layout is not torch.strided:
        raise WeightsError(
            f"the weights at {name} are no plain tensor",
            expected="a dense tensor that holds its numbers",
            found="a meta tensor, without numbers" if tensor.is_meta else f"layout {tensor.layout}",
            where=where,
        )
    if tensor.shape != target.shape:
        raise WeightsError(
            f"the weights have another shape at {name}",
            expected=f"shape {tuple(target.shape)}",
            found=f"shape {tuple(tensor.shape)}",
            where=where,
        )
    if not tensor.is_floating_point():
        raise WeightsError(
            f"the weights at {name} are not floating-point", expected="float", found=tensor.dtype, where=where
        )
    values = tensor.to(target.dtype)  # a number of another kind may be too large for it; some kinds have no test
    if not torch.isfinite(values).all():
        raise WeightsError(
            f"the weights at {name} hold NaN or infinity",
            expected=f"numbers that are finite as {target.dtype}",
            where=where,
        )
    if name.endswith(".running_var") and (values < 0).any():
        raise WeightsError(f"the variances at {name} are negative", expected="0 or more", where=where)
