"""A run of two epochs made by hand, whose metrics are exact."""

import made_runs
import numpy as np

from retina.experiments.experiment import Experiment
from retina.runs import folder as runs
from retina.runs.folder import Prediction, Run

COUNTS = {"train": (100, 80), "validation": (100, 80), "test": (100, 80)}


def record_of(**changes):
    """The record of a run of two epochs; what is changed within one of its parts leaves the rest of the part."""
    experiment = Experiment(backbone="resnet18", params="p1", **made_runs.SETTINGS | {"epochs": 2})
    record = made_runs.record("a", experiment, status="completed", data="d", epochs=2, counts=COUNTS, best=2)
    record = made_runs.changed(record, data={"excluded": (), "warnings": ()}, timings={"training_seconds": 61.0})
    return made_runs.changed(record, **changes)


def make_exact_run(results, accuracy=0.95, **changes) -> Run:
    """Write a run of 100 + 100 images, 80 % positive, 99 % of them right, whose best validation accuracy is given."""
    run = runs.create(results, "a")
    row = dict.fromkeys(runs.HISTORY_COLUMNS, 0.5)
    run.write_history([row | {"epoch": 1, "val_accuracy": 0.5}, row | {"epoch": 2, "val_accuracy": accuracy}])
    labels = np.arange(100) % 5 != 0
    logits = np.where(labels, 1.0, -1.0)
    logits[:4] = 0.5
    run.write_predictions(
        Prediction(split, str(number), int(label), float(logit))
        for split in ("validation", "test")
        for number, (label, logit) in enumerate(zip(labels, logits, strict=True))
    )
    run.write_record(record_of(**changes))
    return made_runs.sealed(run)
