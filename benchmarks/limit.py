"""The limit: how fast this machine multiplies matrices, and what share of that each backbone's training reaches.

In the precision that a run takes here. The speeds are those of the last `step-` rows in this machine's table, so run
`bench.py` first, and both while nothing else runs. A training step multiplies three times as much as a forward pass:
once forward, once for the gradients of weights and once for those of images, which the first convolution, seeing the
photograph itself, is spared. Counted are the operations of direct convolutions: Winograd's filtering needs fewer, so
that a share may exceed 100 %. Memory is the other limit: most layers between the convolutions only read and write.
"""

import csv
import statistics
import time
from collections.abc import Callable

import torch
from bench import RESULTS, machine
from plain import DEVICE, has_bfloat16, wait

SIDE = 4096 if DEVICE == "cpu" else 8192
COPIED = 1 << 30
"""Bytes of the copy that memory is measured by, more than any cache holds."""

REPEATS = 7
STEM = {"resnet18": 118_013_952, "resnet50": 118_013_952, "vgg16": 86_704_128}
"""Multiply-adds of the first convolution for an image of 224 x 224 pixels."""


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes: the median of some times, after one that is not counted."""
    times = []
    for _ in range(1 + REPEATS):
        wait()
        began = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def matrix_peak(precision: str) -> float:
    """GFLOP/s of a product of two square matrices."""
    first, second = torch.rand(2, SIDE, SIDE, device=DEVICE, dtype=getattr(torch, precision))
    return 2e-9 * SIDE**3 / seconds(lambda: torch.mm(first, second))


def memory_peak() -> float:
    """GB/s of a copy, counting what is read and what is written."""
    source = torch.ones(COPIED // 4, device=DEVICE)
    target = torch.empty_like(source)
    return 2e-9 * COPIED / seconds(lambda: target.copy_(source))


def operations(backbone: str) -> float:
    """GFLOP of a training step for one image; a multiply-add is two operations."""
    from retina.models.backbones.registry import BACKBONES

    return 2e-9 * (3 * BACKBONES[backbone].multiply_adds - STEM[backbone])


def main() -> None:
    """Print the machine's limits and a line for each backbone that was measured."""
    precision = "bfloat16" if has_bfloat16() else "float32"
    peak = matrix_peak(precision)
    print(f"matrices: {peak:.0f} GFLOP/s, {precision}; memory: {memory_peak():.0f} GB/s; {machine()}")
    with (RESULTS / f"{machine()}.csv").open(encoding="utf-8") as stream:
        rows = {row["row"]: row for row in csv.DictReader(stream) if row["precision"] == precision}
    print(f"{'backbone':<10}{'GFLOP/image':>12}{'images/s':>10}{'GFLOP/s':>9}{'share':>7}{'plain torch':>13}")
    for backbone in STEM:
        row = rows.get(f"step-{backbone}")
        if row is None:
            continue
        own, other = (float(row[f"{side}_images_per_second"]) * operations(backbone) for side in ("ours", "theirs"))
        line = (
            f"{operations(backbone):>12.1f}{float(row['ours_images_per_second']):>10.1f}{own:>9.0f}{own / peak:>7.0%}"
        )
        print(f"{backbone:<10}{line}{other / peak:>13.0%}")


if __name__ == "__main__":
    main()
