"""Small runs: their plans, a network of a few weights, and how they are interrupted."""

import dataclasses
from pathlib import Path

import keras
import pandas as pd
import pytest

from retina.experiments import parameters
from retina.experiments.place import Place
from retina.models.layers import Normalization
from retina.runs import folder as runs
from retina.training import execution, plan
from retina.training.loop import callbacks, fit
from retina.training.saving.writer import Writer
from retina.training.setup import Setup

SMALL = {"weights": "random", "image_size": 64, "batch_size": 4, "epochs": 3, "learning_rate": 1e-3}
TIMINGS = ["seconds", "images_per_second"]


def planned(data: Path, results: Path, backbone: str = "resnet18", *, skip_bad: bool = False, **options) -> plan.Plan:
    """The plan of a run of three epochs of 64 x 64 pixels, or as the options say."""
    choice = parameters.load(backbone, "p1", **(SMALL | options))
    return plan.plan(choice, Place(results, data, skip_bad=skip_bad, quiet=True))


def planned_by_eights(data: Path, results: Path, backbone: str = "resnet18", **options) -> plan.Plan:
    """The same with batches of eight images, unless the options say otherwise."""
    return planned(data, results, backbone, **({"batch_size": 8} | options))


def moved(prepared: plan.Plan, results: Path) -> plan.Plan:
    """The same plan with another results folder."""
    return dataclasses.replace(prepared, place=dataclasses.replace(prepared.place, results=results))


def fitted(prepared: plan.Plan, setup: Setup, run: runs.Run) -> callbacks.TrainingState:
    """Train, and have every epoch written to the run folder."""
    with Writer(run) as writer:
        return fit.fit(prepared, setup, writer)


def small_network(prepared: plan.Plan) -> keras.Model:
    """A network of a few weights with all that a checkpoint must bring back: random, moving and trained variables."""
    images = keras.Input((None, None, 3), name="images")
    x = Normalization((0.5,) * 3, (0.25,) * 3, name="normalization")(images)
    x = keras.layers.Conv2D(
        4, 8, strides=8, activation="relu", name="conv1", kernel_initializer=keras.initializers.GlorotUniform(seed=1)
    )(x)
    x = keras.layers.BatchNormalization(name="bn1")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.3, seed=prepared.experiment.seed, name="dropout")(x)
    initial = keras.initializers.GlorotUniform(seed=2)
    return keras.Model(images, keras.layers.Dense(1, kernel_initializer=initial, name="logit")(x), name="small")


def run_of(data: Path, results: Path, backbone: str = "resnet18", *, build=None, listeners=(), **options) -> runs.Run:
    """Train what `planned_by_eights` plans."""
    prepared = planned_by_eights(data, results, backbone, **options)
    return execution.execute(prepared, build=build, listeners=listeners)[0]


def history(run: runs.Run) -> pd.DataFrame:
    """The history of a run without its columns of times."""
    return run.history().drop(columns=TIMINGS)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def on_epoch_begin(self, epoch, logs=None):
        self.before = epoch * self.params["steps"]

    def on_train_batch_end(self, batch, logs=None):
        if self.before + batch + 1 >= self.step:
            raise KeyboardInterrupt


def interrupted(prepared: plan.Plan, step: int, *, listeners=(), **options) -> runs.Run:
    """Train until a step, and be interrupted there; further options are those of `execute`."""
    with pytest.raises(KeyboardInterrupt):
        execution.execute(prepared, listeners=[*listeners, Interrupt(step)], **options)
    return runs.list_runs(prepared.place.results)[0]


def outcome(run):
    """What must not depend on disasters: everything but times and the place."""
    record = run.record().to_dict()
    kept = {key: value for key, value in record.items() if key not in ("timings", "sessions", "attempt", "files")}
    kept["environment"] = {key: value for key, value in record["environment"].items() if key != "git"}  # may move on
    history = run.history().drop(columns=TIMINGS).to_csv(index=False)
    names = sorted(path.name for path in run.folder.iterdir())
    return {"record": kept, "history": history, "predictions": run.predictions_path.read_text(), "names": names}
