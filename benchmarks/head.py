"""Epochs of `--fine-tune head`: on kept features, as `run` trains, and as it would be without them."""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import retina  # noqa: F401 - names Keras' backend before Keras is imported
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.machine import memory
from retina.training import plan, setup
from retina.training.loop import fit
from retina.training.loop.losses import training_loss
from retina.training.loop.optimizer import FusedAdam


def epochs(folder: Path, images: int, backbone: str, batch: int, side: int, *, kept: bool) -> Callable[[], float]:
    """An epoch of training and validation on one of `pictures.data_sets`; features are computed before, uncounted.

    Without features every epoch sends the augmented images through the frozen backbone.
    """
    memory.keep_freed()
    os.environ["RETINA_CACHE"] = str(folder / f"cache-{kept}")
    options = {"weights": "random", "fine_tune": "head", "batch_size": batch, "image_size": side}
    choice = parameters.load(backbone, "p1", **options)
    prepared = plan.plan(choice, Place(folder / "results", folder / str(images), quiet=True))
    network = setup.build(prepared)
    if kept:
        given = setup.setup(prepared, network)
    else:
        whole = dataclasses.replace(prepared.experiment, fine_tune="full")
        given = setup.setup(dataclasses.replace(prepared, experiment=whole), network)
    loss = training_loss(choice.experiment, prepared.data.splits["train"].prevalence)
    model = fit.compiled(given.network, prepared.experiment.precision, FusedAdam(choice.experiment.learning_rate), loss)

    def turn() -> float:
        began = time.perf_counter()
        given.training.epoch += 1
        model.fit(given.training, verbose=0, shuffle=False)
        model.predict(given.validation, verbose=0)
        return time.perf_counter() - began

    return turn
