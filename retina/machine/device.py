"""Where a run takes place: device, processor, threads, and the precision and kernels that they offer."""

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from retina.errors import ExperimentError


def device() -> str:
    """The device that torch trains on here: `cuda`, `mps` or `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_name() -> str:
    """The device's name as its maker gives it."""
    import torch

    return torch.cuda.get_device_name() if device() == "cuda" else processor()


def processor() -> str:
    """The processor's model name, where the operating system gives it."""
    # Linux on ARM names no model in /proc/cpuinfo, and `platform.processor` is empty on many systems.
    names = [line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")]
    return next((name for name in names if name), platform.processor() or platform.machine())


def threads() -> int:
    """How many threads torch computes with on the processor."""
    import torch

    return torch.get_num_threads()


def has_fast_bfloat16() -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware (on a processor: AMX or AVX-512 BF16)."""
    import torch

    if device() == "cuda":
        # GPUs without bfloat16 can emulate it, which is no faster than float32.
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = {flag for line in _cpu_lines() if line.startswith("flags") for flag in line.split()}
    return bool({"amx_bf16", "avx512_bf16"} & flags)


def resolve_precision(precision: str) -> str:
    """Turn `auto` into `bfloat16` where the device is fast at it, else into `float32`; keep these two as they are.

    Raises:
        ExperimentError: bfloat16 is asked for on a device that cannot autocast to it.
    """
    if precision == "auto":
        return "bfloat16" if has_fast_bfloat16() else "float32"
    if precision == "bfloat16" and device() == "mps":
        raise ExperimentError("bfloat16 is not offered on this device", found="mps", advice="use --precision float32")
    return precision


@contextlib.contextmanager
def deterministic_kernels(*, wanted: bool) -> Iterator[None]:
    """Let torch use only kernels that repeat to the last bit while the block lasts, if wanted.

    On a processor every kernel that retina uses is deterministic anyway. Elsewhere torch raises a RuntimeError at a
    layer that has no such kernel, see
    https://docs.pytorch.org/docs/stable/notes/randomness.html.
    """
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        # cuBLAS repeats its results only in a workspace of fixed size, and reads this at its first product; without it
        # torch refuses to multiply.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)


def _cpu_lines() -> list[str]:
    """The lines of the kernel's description of the processors; none where there is no such file."""
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
