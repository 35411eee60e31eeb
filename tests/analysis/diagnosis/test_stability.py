"""Rules on whether training is steady: divergence, collapse, oscillation, a very short run."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve, resnet18_p1, resnet18_p2

from retina.analysis.diagnosis import RULES, diagnose, stability


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


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "completed", "stopped_early", "diverged"])
def test_a_run_is_unfinished_by_its_status(status):
    said = stability.unfinished(curve(*[np.full(3, 0.5)] * 3, status=status))
    if status in ("running", "interrupted", "failed"):
        assert (said.severity, said.keys) == ("warning", (f"unfinished.{status}",))
        assert said.numbers == {"epochs_run": 3, "budget": 10}
    else:
        assert said is None


def test_a_run_that_diverged_in_its_next_epoch_names_it_and_the_step_where_it_is_known():
    found = curve(*[np.full(3, 0.5)] * 3, status="diverged")
    assert (stability.divergence(found).keys, stability.divergence(found).epochs) == (("divergence.status",), (4,))
    at_step = stability.divergence(dataclasses.replace(found, broken_step=7))
    assert (at_step.keys, at_step.numbers["step"]) == (("divergence.step",), 7)


def test_a_loss_jumps_where_it_doubles_in_one_epoch_and_is_twice_the_lowest():
    def jumps(*losses):
        return stability.jumps(curve(losses, losses, np.full(len(losses), 0.85)))

    assert jumps(0.5, 0.4, 0.8, 0.5) == [3]
    assert jumps(0.5, 0.4, 0.79, 0.5) == []
    assert jumps(0.5, 0.2, 0.3, 0.41, 0.5) == [], "no single step doubles it"
    assert jumps(0.2, 0.9, 0.5, 1.0) == [2, 4]
    assert jumps(1.0, 1.0, 1.0, 0.02, 0.05) == [], "near zero a loss may double without meaning"
    assert jumps() == []


def test_an_accuracy_crashes_where_it_falls_clearly_below_the_majority_by_a_tenth():
    def crashes(*accuracy, **changes):
        return stability.crashes(curve(*[np.full(len(accuracy), 0.5)] * 2, accuracy, **changes))

    assert crashes(0.85, 0.86, 0.70, 0.85) == [3]
    assert crashes(0.85, 0.85, 0.755, 0.85) == [], "less than a tenth"
    assert crashes(0.95, 0.95, 0.80, 0.95) == [], "not below the majority of 0.79"
    assert crashes(0.50, 0.60, 0.40, 0.85) == [], "it had been below before"
    assert crashes(0.79, 0.60, val_auroc=np.array([0.5, 0.7])) == [], "it leaves the constant answer to learn"
    rises, falls = {"val_auroc": np.array([0.80, 0.85])}, {"val_auroc": np.array([0.85, 0.80])}
    balanced = {"settings": {"class_weight": "balanced"}}
    assert crashes(0.87, 0.70, **rises) == [2]
    assert crashes(0.87, 0.70, **rises, **balanced) == [], "its weights give accuracy away, and it ranks better"
    assert crashes(0.87, 0.70, **falls, **balanced) == [2]


def test_swings_count_where_three_lie_within_five_epochs():
    assert stability.close(np.array([2, 4, 6])).tolist() == [2, 4, 6]
    assert stability.close(np.array([2, 4, 7])).tolist() == []
    assert stability.close(np.array([1, 3, 4, 5, 20, 22])).tolist() == [1, 3, 4, 5]
    assert stability.close(np.array([], int)).tolist() == []


def test_a_training_loss_that_swings_is_told_apart_from_a_validation_loss_that_does():
    rough = np.array([0.6, 0.4, 0.5, 0.4, 0.5, 0.4, 0.5, 0.4])
    smooth = np.linspace(0.6, 0.3, 8)
    validation, training = curve(rough, smooth, np.full(8, 0.85)), curve(smooth, rough, np.full(8, 0.85))
    assert stability.oscillation(validation).keys == ("oscillation.throughout",)
    assert stability.training_oscillation(validation) is None
    said = stability.training_oscillation(training)
    assert said.epochs == (2, 3, 4, 5, 6, 7)
    assert said.numbers["size"] == pytest.approx(0.25)
    assert (said.numbers["low"], said.numbers["high"], said.numbers["where"]) == (0.4, 0.6, "2, 3, 4, 5, 6, 7")


def test_a_crash_with_an_unknown_end_says_nothing_of_the_end():
    losses, accuracy = np.full(6, 0.4), [0.80, 0.84, 0.85, 0.40, 0.84, float("nan")]
    found = RULES["collapse"](curve(losses, losses, accuracy))
    assert "collapse.crash" in found.keys
    assert not {"collapse.recovered", "collapse.end", "collapse.last"} & set(found.keys)
    known = RULES["collapse"](curve(losses, losses, [*accuracy[:-1], 0.85]))
    assert "collapse.recovered" in known.keys
