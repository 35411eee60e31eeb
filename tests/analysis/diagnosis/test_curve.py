"""A curve is what a record and a history say."""

import dataclasses

import pandas as pd
import pytest
from curves_of_the_study import resnet50_p1, stopped
from made_runs import SETTINGS, changed, record

from retina.analysis.diagnosis import Curve, diagnose
from retina.experiments.experiment import Experiment
from retina.experiments.target import DISEASE_RISK
from retina.reporting import wording
from retina.reporting.language import Language

EN = Language("en")


def test_a_curve_is_read_from_a_record_and_a_history():
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "train_loss": [0.6, float("nan")],
            "train_accuracy": [0.7, 0.8],
            "val_loss": [0.5, 0.4],
            "val_accuracy": [0.8, 0.85],
            "val_auroc": [0.7, 0.8],
            "learning_rate": [1e-4, 1e-4],
            "seconds": [3.0, 2.0],
            "images_per_second": [10.0, 12.0],
        }
    )
    name, experiment = "vgg16-p1-ce-seed3-00000000", Experiment(backbone="vgg16", params="p1", seed=3, **SETTINGS)
    counts = {"train": (90, 60), "validation": (40, 30), "test": (40, 30)}
    made = record(name, experiment, status="diverged", data="c", epochs=2, counts=counts, best=2)
    found = Curve.of(made, history)
    assert (found.backbone, found.seed, found.epochs, found.patience) == ("vgg16", 3, 10, 3)
    assert (found.majority, found.images, found.train_positives) == (0.75, 40, 60)
    assert found.broken_epoch == 2
    assert len(found.whole()) == 1
    assert found.settings["data"] == "c" * 64
    other = dataclasses.replace(made, experiment=dataclasses.replace(experiment, target="DR"))
    assert found.settings["target"] == DISEASE_RISK
    assert Curve.of(other, history).settings["target"] == "DR"
    assert found.train_majority == pytest.approx(2 / 3)
    assert found.broken_step is None
    assert found.origin == "random"
    assert Curve.of(changed(made, weights={"origin": "imagenet"}), history).origin == "imagenet"
    named = Curve.of(dataclasses.replace(made, diverged_step=17), history[:1])
    (finding,) = [finding for finding in diagnose(named) if finding.rule == "divergence"]
    assert (finding.epochs, finding.numbers["step"]) == ((2,), 17)
    assert "at step 17 of epoch 2" in wording.sentence(finding, EN)


def test_a_stopped_curve_ends_where_patience_does():
    assert len(stopped(resnet50_p1(0))) == 8
