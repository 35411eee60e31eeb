"""Whole processes: a run from its start to its end, and the memory of training on few and on many images."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent


def retina_run(data: Path, backbone: str, epochs: int, side: int) -> Callable[[], float]:
    """`python cli.py run` from random weights; without an image cache, so that decoding is counted."""
    given = {"--params": "p1", "--weights": "random", "--data": data, "--epochs": epochs, "--image-size": side}
    words = [HERE.parent / "cli.py", "run", backbone, "--no-early-stopping", "--quiet"]
    words += [word for option in given.items() for word in option]
    return lambda: _run(words, "--results")


def plain_run(data: Path, backbone: str, epochs: int, side: int) -> Callable[[], float]:
    """The same work by `plain_run.py`."""
    words = [HERE / "plain_run.py", backbone, "--data", data, "--epochs", epochs, "--image-size", side]
    return lambda: _run(words, "--results")


def _run(words: list[object], results: str) -> float:
    """Seconds that a Python script takes, with empty folders for its results and for retina's caches."""
    with tempfile.TemporaryDirectory(prefix="retina-bench-") as scratch:
        command = [sys.executable, *map(str, words), results, f"{scratch}/results"]
        surroundings = os.environ | {"RETINA_CACHE": f"{scratch}/cache"}
        began = time.perf_counter()
        subprocess.run(command, env=surroundings, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own words
        return time.perf_counter() - began


def growth(*, folder: Path, images: int, backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """Peak resident memory, in MiB, of training on one of `pictures.data_sets`, in a fresh process every turn."""

    def turn() -> float:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            return process.submit(peak, folder / str(images), backbone, batch, steps, side).result()

    return turn


def peak(data: Path, backbone: str, batch: int, steps: int, side: int) -> float:
    """Do once all that `run` does with images, in its order, and tell this process' peak.

    Audit, cache and baselines see every image; then come a few training steps and predictions, as many however many
    images there are; then every image is gathered, for training and for evaluation.
    """
    from ours import AUGMENTATION, compiled

    from retina.data import baselines, dataset
    from retina.data.feeding.batches import EvaluationBatches, TrainingBatches
    from retina.machine import memory
    from retina.models.running import prediction

    with tempfile.TemporaryDirectory(prefix="retina-bench-") as cache:
        os.environ["RETINA_CACHE"] = cache
        images = dataset.load(data, image_size=side, crop=True, quiet=True)
        baselines.measure(images)
        train = images.splits["train"]
        batches = TrainingBatches(
            images.images, train.rows, train.labels, batch_size=batch, seed=0, augmentation=AUGMENTATION
        )
        passes = [
            EvaluationBatches(images.images, images.splits[split].rows, batch_size=prediction.batch_size())
            for split in ("validation", "test")
        ]
        model = compiled(backbone)
        model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
        model.predict(passes[0], steps=1, verbose=0)
        for given in (batches, *passes):
            for index in range(given.num_batches):
                given[index]
    return memory.peak_mebibytes()
