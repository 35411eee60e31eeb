"""Rules on images that were not trained on: what is overfitting, and what only looks like it."""

import dataclasses

import numpy as np
from curves_of_the_study import curve, resnet18_p1

from retina.analysis.diagnosis import RULES


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
