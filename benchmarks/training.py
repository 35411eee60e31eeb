"""A training step through retina's `fit` path against a plain torch loop, side by side in one process.

Both train the same network on the same batches, full fine-tuning, in the same precision. The two take turns and the
ratio is the median over the turns, since the speed of a machine drifts while it is measured.

    python benchmarks/training.py [--backbones resnet18 resnet50 vgg16] [--turns 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from plain_torch import Network
from torch.nn import functional

from retina import environment
from retina.data.batches import Augmentation, TrainingBatches
from retina.models import classifier
from retina.models.backbones import BACKBONES
from retina.training.precision import Autocast

SIDE, BATCH, STEPS = 224, 32, 2


def batches_of_noise() -> TrainingBatches:
    """A few batches of random images with retina's default augmentation."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH * STEPS, SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.arange(len(images)) % 2
    augmentation = Augmentation(horizontal_flip=True, rotation=10.0, brightness=0.1, contrast=0.1)
    return TrainingBatches(images, np.arange(len(images)), labels, batch_size=BATCH, seed=0, augmentation=augmentation)


def retina_epoch(backbone: str, batches: TrainingBatches, precision: str) -> Callable[[], object]:
    """One epoch by Keras' fit, as `retina run` calls it."""
    import keras  # after retina, which names its backend

    model = Autocast(classifier.build(backbone), precision)
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True))
    return lambda: model.fit(batches, verbose=0, shuffle=False)


def torch_epoch(backbone: str, batches: TrainingBatches, precision: str) -> Callable[[], object]:
    """One epoch by a plain loop: channels_last, autocast, fused Adam."""
    network = Network(backbone, BACKBONES[backbone].channels, 0.2).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, eps=1e-7, fused=True)

    def epoch() -> None:
        for index in range(batches.num_batches):
            images, labels = batches[index]
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                logits = network(images)
            optimizer.zero_grad()
            functional.binary_cross_entropy_with_logits(logits, labels).backward()
            optimizer.step()

    return epoch


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print one line a backbone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    precision = environment.resolve_precision("auto")
    print(f"{precision}, {SIDE} px, batch {BATCH}, {environment.processor()}, {torch.get_num_threads()} threads")
    print(f"{'backbone':<10}{'retina img/s':>14}{'torch img/s':>14}{'ratio':>8}{'min':>8}{'max':>8}")
    batches = batches_of_noise()
    for name in options.backbones:
        ours, theirs = retina_epoch(name, batches, precision), torch_epoch(name, batches, precision)
        ours(), theirs()
        turns = [
            (seconds(ours), seconds(theirs)) if turn % 2 else tuple(reversed((seconds(theirs), seconds(ours))))
            for turn in range(options.turns)
        ]
        ratios = [other / own for own, other in turns]
        images = BATCH * STEPS
        own, other = (images / statistics.median(column) for column in zip(*turns, strict=True))
        ratio = statistics.median(ratios)
        print(f"{name:<10}{own:>14.1f}{other:>14.1f}{ratio:>8.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}", flush=True)


if __name__ == "__main__":
    main()
