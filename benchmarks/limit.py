"""The limit: how fast this machine multiplies matrices, and what share of that each backbone's training reaches.

The speeds are those of the last `step-` rows in this machine's table, so run `bench.py` first, and both while nothing
else runs. A training step multiplies three times as much as a forward pass: once forward, once for the gradients of
weights and once for those of images, which the first convolution, seeing the photograph itself, is spared. Counted are
the operations of direct convolutions: Winograd's filtering needs fewer, so that a share may exceed 100 %.
"""

import csv
import statistics
import time

import torch
from bench import RESULTS, machine

SIDE = 4096
REPEATS = 7
STEM = {"resnet18": 118_013_952, "resnet50": 118_013_952, "vgg16": 86_704_128}
"""Multiply-adds of the first convolution for an image of 224 x 224 pixels."""


def matrix_peak() -> float:
    """GFLOP/s of a product of two square float32 matrices: the median of some products."""
    first, second = torch.rand(2, SIDE, SIDE)
    rates = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        torch.mm(first, second)
        rates.append(2e-9 * SIDE**3 / (time.perf_counter() - began))
    return statistics.median(rates)


def operations(backbone: str) -> float:
    """GFLOP of a training step for one image; a multiply-add is two operations."""
    from retina.models.backbones import BACKBONES

    return 2e-9 * (3 * BACKBONES[backbone].multiply_adds - STEM[backbone])


def main() -> None:
    """Print a line for each backbone that was measured in float32."""
    peak = matrix_peak()
    print(f"matrix peak: {peak:.0f} GFLOP/s, float32, {torch.get_num_threads()} threads")
    with (RESULTS / f"{machine()}.csv").open(encoding="utf-8") as stream:
        rows = {row["row"]: row for row in csv.DictReader(stream) if row["precision"] == "float32"}
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
