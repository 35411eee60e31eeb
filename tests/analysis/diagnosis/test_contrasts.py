"""Advice and comparisons: what another run adds to a curve."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve, resnet18_p1, resnet18_p1_focal, resnet18_p2, resnet50_p1
from plain_curves import steady

from retina.analysis.diagnosis import compare_losses, compare_params, diagnose
from retina.reporting import wording
from retina.reporting.language import Language

EN = Language("en")


def test_the_less_rough_set_is_steadier_in_either_order():
    forward, backward = compare_params(resnet18_p1(0), resnet18_p2(0)), compare_params(resnet18_p2(0), resnet18_p1(0))
    assert forward.numbers["steadier"] == backward.numbers["steadier"] == "p1"
    assert forward.numbers["second_roughness"] == backward.numbers["first_roughness"]


def test_a_run_beside_itself_is_undecided():
    found = compare_params(resnet18_p1(0), resnet18_p1(0))
    assert found.numbers["steadier"] == "undecided"
    assert "steadier.undecided_alike" in found.keys


def test_a_diverged_run_loses_and_an_unfinished_or_short_one_is_not_ranked():
    sound = steady()
    diverged = dataclasses.replace(steady(params="p2"), status="diverged")
    running = dataclasses.replace(steady(params="p2"), status="running")
    assert compare_params(sound, diverged).numbers["steadier"] == "p1"
    assert compare_params(sound, diverged).numbers["reason"] == "divergence"
    assert compare_params(sound, running).keys[0] == "steadier.undecided_unfinished"
    assert compare_params(sound, steady(params="p2").up_to(2)).keys[0] == "steadier.undecided_short"
    both = compare_params(dataclasses.replace(diverged, params="p1"), diverged)
    assert both.keys[0] == "steadier.undecided_both_diverged"


def test_the_run_that_overfits_more_is_less_steady():
    found = compare_params(steady(), dataclasses.replace(resnet50_p1(0), backbone="resnet18", params="p2"))
    assert (found.numbers["steadier"], found.numbers["reason"]) == ("p1", "overfitting")


def test_other_settings_that_differ_are_confessed():
    first = steady(settings={"early_stopping": True, "epochs": 10, "learning_rate": 1e-4, "params": "p1"})
    second = steady(settings={"early_stopping": False, "epochs": 15, "learning_rate": 1e-3, "params": "p2"})
    found = compare_params(first, second)
    assert found.numbers["others"] == "early_stopping, epochs"
    assert "also differ in early_stopping, epochs" in wording.sentence(found, EN)


def test_curves_of_different_scales_are_not_ranked():
    with pytest.raises(ValueError, match="one backbone and one loss"):
        compare_params(resnet18_p1(0), resnet18_p1_focal(0))
    with pytest.raises(ValueError, match="one backbone"):
        compare_losses(resnet18_p1(0), dataclasses.replace(resnet18_p1_focal(0), backbone="vgg16"))


def test_a_curve_that_only_rises_does_not_swing_and_is_not_called_steady():
    swings = curve(
        [0.61, 0.56, 0.48, 0.79, 0.59, 0.47, 0.62, 0.45], np.linspace(0.61, 0.5, 8), np.linspace(0.79, 0.80, 8)
    )
    rises = curve([0.51, 0.54, 0.58, 0.78], [1.1, 0.55, 0.5, 0.46], [0.79, 0.79, 0.72, 0.70], params="p2")
    found = compare_params(swings, rises)
    assert (found.numbers["steadier"], found.numbers["reason"]) == ("p1", "stuck")
    advice = diagnose(swings, [rises])[-1]
    assert advice.rule == "learning_rate"
    assert advice.numbers["direction"] != "raise"
