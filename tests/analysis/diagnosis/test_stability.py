"""Rules on whether training is steady: divergence, collapse, oscillation, a very short run."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve, resnet18_p1, resnet18_p2

from retina.analysis.diagnosis import RULES, diagnose


def test_a_trend_is_no_oscillation():
    for val in (np.geomspace(2, 0.02, 12), np.concatenate([np.geomspace(2, 0.1, 6), np.geomspace(0.1, 3, 6)])):
        assert RULES["oscillation"](curve(val, np.linspace(0.6, 0.1, 12), np.full(12, 0.85))) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e31])
def test_a_loss_that_is_no_number_is_divergence_and_the_epochs_before_are_still_read(value):
    val = resnet18_p1(0).val_loss.copy()
    val[8:] = value
    found = {finding.rule: finding for finding in diagnose(dataclasses.replace(resnet18_p1(0), val_loss=val))}
    assert found["divergence"].epochs == (9,)
    assert found["overfitting"].numbers["last"] == 8
    assert found["learning_rate"].numbers["direction"] == "lower"


def test_a_training_loss_that_ends_twice_above_its_lowest_diverges():
    train = [0.6, 0.4, 0.3, 0.5, 0.8]
    found = curve([0.6, 0.5, 0.5, 0.8, 1.4], train, np.full(5, 0.8))
    assert RULES["divergence"](found).keys == ("divergence.training",)
    assert RULES["divergence"](dataclasses.replace(found, train_loss=np.array([0.9, 0.4, 0.3, 0.5, 0.8]))) is None


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_short_run_is_called_short_and_no_shape_is_read_into_it(length):
    whole = resnet18_p2(0)
    found = {finding.rule for finding in diagnose(whole.up_to(length))}
    assert "too_short" in found
    assert found <= {"too_short", "best_epoch", "early_stop", "time_per_epoch", "majority_trap", "collapse"}


def test_a_crash_that_does_not_recover_is_critical_unless_the_ranking_rose():
    losses, accuracy = np.full(6, 0.4), [0.80, 0.84, 0.85, 0.86, 0.40, 0.42]
    lost = curve(losses, losses, accuracy)
    assert RULES["collapse"](lost).severity == "critical"
    assert "collapse.end" in RULES["collapse"](lost).keys
    assert "collapse.last" in RULES["collapse"](lost.up_to(5)).keys
    rising = dataclasses.replace(lost, val_auroc=np.linspace(0.55, 0.80, 6))
    assert RULES["collapse"](rising).severity == "warning"


def test_a_model_that_leaves_the_constant_answer_to_learn_has_not_collapsed():
    """Accuracy falls from the majority guess while the AUROC rises from chance: nothing was lost."""
    accuracy, auroc = [0.79, 0.79, 0.72, 0.57], [0.53, 0.53, 0.61, 0.72]
    losses = {"val_loss": [0.51, 0.53, 0.54, 0.60], "train_loss": [1.1, 0.55, 0.50, 0.46]}
    learns = curve(**losses, val_accuracy=accuracy, val_auroc=auroc, majority=0.79, images=160)
    loses = curve(**losses, val_accuracy=accuracy, val_auroc=auroc[::-1], majority=0.79, images=160)
    assert "collapse" not in {finding.rule for finding in diagnose(learns)}
    assert "collapse" in {finding.rule for finding in diagnose(loses)}
