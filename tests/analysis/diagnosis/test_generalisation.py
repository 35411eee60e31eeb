"""Rules on images that were not trained on: what is overfitting, and what only looks like it."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve, resnet18_p1

from retina.analysis.diagnosis import RULES, generalisation
from retina.analysis.diagnosis.evidence import auroc_error


def test_a_one_epoch_bump_is_no_overfitting():
    val = [0.60, 0.50, 0.45, 0.42, 0.40, 0.39, 0.55, 0.385, 0.38, 0.375]
    assert RULES["overfitting"](curve(val, np.linspace(0.6, 0.1, 10), np.full(10, 0.85))) is None


def test_two_high_losses_after_a_long_rest_are_no_overfitting():
    val = [0.60, 0.50, 0.40, 0.41, 0.405, 0.41, 0.405, 0.41, 0.405, 0.41, 0.45, 0.46]
    train, accuracy = np.linspace(0.6, 0.1, 12), np.full(12, 0.85)
    assert RULES["overfitting"](curve(val, train, accuracy)) is None
    longer = [*val, 0.46, 0.47, 0.48]
    assert RULES["overfitting"](curve(longer, np.linspace(0.6, 0.1, 15), np.full(15, 0.85))).numbers["onset"] == 11


def test_a_rise_while_training_loss_rises_too_is_no_overfitting():
    val = [0.60, 0.50, 0.45, 0.42, 0.40, 0.50, 0.55, 0.60, 0.65, 0.70]
    train = [0.60, 0.50, 0.45, 0.42, 0.40, 0.45, 0.48, 0.50, 0.52, 0.54]
    assert RULES["overfitting"](curve(val, train, np.full(10, 0.85))) is None
    assert RULES["overfitting"](curve(val, [*train[:5], 0.35, 0.3, 0.25, 0.2, 0.15], np.full(10, 0.85)))


def test_a_model_that_does_not_fit_the_training_images_does_not_overfit():
    found = dataclasses.replace(resnet18_p1(0), train_accuracy=np.full(10, 0.79))
    assert RULES["overfitting"](found) is None
    assert RULES["underfitting"](found)


LEAVES = [0.6, 0.5, 0.4, 0.44, 0.48, 0.52, 0.56]


def leaving(**changes):
    """A validation loss that leaves its minimum at epoch 3 by 10 % an epoch, while training loss falls."""
    return curve(LEAVES, np.linspace(0.6, 0.1, 7), np.full(7, 0.85), **changes)


def test_a_loss_leaves_its_minimum_at_the_first_epoch_of_the_last_stretch_above_it():
    found = generalisation.departure(leaving())
    assert (found.best, found.onset) == (3, 4)
    back = curve([*LEAVES[:5], 0.405, 0.56], np.linspace(0.6, 0.1, 7), np.full(7, 0.85))
    assert generalisation.departure(back) is None
    assert generalisation.departure(leaving().up_to(3)) is None


def test_a_rise_is_a_share_of_the_earlier_loss():
    assert generalisation.rise(leaving(), 7, 3) == pytest.approx(0.4)
    assert generalisation.rise(leaving(), 3, 1) == pytest.approx(-1 / 3)


def test_a_run_is_stuck_where_its_loss_only_rose_and_its_accuracy_is_that_of_a_guess():
    losses = [0.5, 0.51, 0.52, 0.53]
    assert generalisation.stuck(curve(losses, losses, np.full(4, 0.79)))
    assert not generalisation.stuck(curve(losses, losses, [0.79, 0.79, 0.79, 0.85]))
    assert not generalisation.stuck(curve([0.5, 0.51, 0.52, 0.524], losses, np.full(4, 0.79)))
    assert not generalisation.stuck(curve([0.51, 0.5, 0.52, 0.56], losses, np.full(4, 0.79)))
    assert not generalisation.stuck(curve(losses[:3], losses[:3], np.full(3, 0.79)))


def test_the_best_epoch_carries_its_metrics_where_they_are_known():
    known = generalisation.best_epoch(leaving())
    assert (known.keys, known.epochs) == (("best_epoch.metrics",), (3,))
    assert (known.numbers["val_loss"], known.numbers["val_auroc"]) == (0.4, 0.88)
    unknown = generalisation.best_epoch(leaving(val_auroc=np.full(7, np.nan)))
    assert (unknown.keys, "val_auroc" in unknown.numbers) == (("best_epoch.loss",), False)


@pytest.mark.parametrize(
    ("fall", "rule"), [(0.0, "over_confidence"), (0.5, "over_confidence"), (1.5, None), (2.5, "lost_ranking")]
)
def test_a_ranking_holds_within_one_standard_error_and_is_lost_beyond_two(fall, rule):
    error = auroc_error(0.88, 506, 134)
    auroc = np.full(7, 0.88)
    auroc[3:] -= fall * error
    found = leaving(val_auroc=auroc)
    said = [rule(found) for rule in (generalisation.over_confidence, generalisation.lost_ranking)]
    assert [finding.rule for finding in said if finding] == ([rule] if rule else [])


def test_without_overfitting_or_ranking_there_is_no_ranking_to_lose():
    assert generalisation.ranking(leaving().up_to(4)) is None
    assert generalisation.ranking(leaving(val_auroc=np.full(7, 0.5))) is None
    assert generalisation.ranking(leaving()).fall == 0


def test_overfitting_is_mild_where_validation_loss_moves_within_its_own_scatter():
    val = [0.6, 0.5, 0.45, 0.4, 0.46, 0.41, 0.47, 0.42, 0.47]
    train = np.linspace(0.6, 0.1, 9)
    mild = generalisation.mild_overfitting(curve(val, train, np.full(9, 0.85)))
    assert mild.numbers["above"] == pytest.approx(0.46 / 0.4 - 1)
    assert mild.numbers["fall"] == pytest.approx(1 - 0.1 / train[3])
    flat = np.full(9, 0.3)
    assert generalisation.mild_overfitting(curve(val, flat, np.full(9, 0.85))) is None
    assert generalisation.mild_overfitting(leaving()) is None
