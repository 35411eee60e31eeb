"""Advice on the learning rate: what a curve asks for, and what another run adds."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve, resnet50_p1, resnet50_p2
from plain_curves import steady

from retina.analysis.diagnosis import diagnose
from retina.analysis.diagnosis.advice import SHARED
from retina.experiments.experiment import SETTINGS

OTHERWISE = (
    *("backbone", "loss", "weights", "target", "seed", "params"),  # looked at beside `SHARED`, or of no account
    *("learning_rate", "batch_size", "epochs", "early_stopping", "patience"),  # what parameter sets differ in
    *("plateau_patience", "plateau_factor", "focal_gamma", "focal_alpha", "feature_variants"),  # details of one that is
    *("crop_disc", "horizontal_flip", "vertical_flip", "rotation", "brightness", "contrast", "dropout"),
    *("precision", "deterministic"),
)
"""Settings in which runs whose rates are compared may differ."""


def advice(found, peers=()):
    return next(finding for finding in diagnose(found, peers) if finding.rule == "learning_rate")


def slow(**changes):
    """A run that is smooth, and below the majority guess for four epochs."""
    accuracy = np.array([0.30, 0.45, 0.60, 0.70, 0.82, 0.84, 0.85, 0.86, 0.86, 0.86])
    return curve(np.geomspace(1.2, 0.4, 10), np.geomspace(0.9, 0.4, 10), accuracy, **changes)


def trapped(**changes):
    """A run that answers with the majority throughout."""
    flat = np.linspace(0.52, 0.51, 10)
    changes = {"val_auroc": np.full(10, 0.52), "train_accuracy": np.full(10, 0.79)} | changes
    return curve(flat, flat, np.full(10, 506 / 640), **changes)


def test_a_sound_run_keeps_its_rate():
    said = advice(steady())
    assert (said.numbers["direction"], said.numbers["reason"]) == ("keep", "sound")
    assert (said.numbers["low"], said.numbers["high"]) == (1e-4, 1e-4)


def test_a_collapsed_run_goes_down_to_a_steady_run_s_rate():
    said = advice(resnet50_p2(0), [resnet50_p1(0)]).numbers
    assert (said["direction"], said["low"], said["high"], said["rival"]) == ("lower", 1e-4, 1e-3, "p1")


def test_a_collapsed_run_goes_below_a_lower_rate_that_is_not_steady_either():
    low = dataclasses.replace(resnet50_p2(1), name="low", params="low", learning_rate=1e-4)
    said = advice(resnet50_p2(0), [low]).numbers
    assert (said["direction"], said["low"], said["high"]) == ("lower", pytest.approx(1e-5), 1e-4)


def test_without_another_run_the_range_is_a_factor_of_ten():
    said = advice(resnet50_p2(0)).numbers
    assert (said["low"], said["high"]) == (pytest.approx(1e-4), 1e-3)
    assert "rival" not in said


def test_a_slow_smooth_run_is_raised_and_a_slow_scattering_one_is_left_open():
    assert advice(slow()).numbers["direction"] == "raise"
    val = np.geomspace(0.50, 0.45, 10) * np.array([1, 1, 1.5, 1.5, 1, 1, 1.5, 1.5, 1, 1])
    scattering = advice(dataclasses.replace(slow(), val_loss=val)).numbers
    assert (scattering["direction"], scattering["reason"]) == ("either", "slow_start")


def test_a_slow_run_follows_the_one_that_starts_faster():
    assert advice(slow(params="p2"), [steady()]).numbers["direction"] == "lower"
    assert advice(slow(), [steady(params="p2")]).numbers["direction"] == "raise"


def test_a_trapped_run_follows_the_one_that_learned_and_else_asks_for_both_sides():
    assert advice(trapped()).numbers["reason"] == "near_majority"
    assert advice(trapped(), [trapped(params="p2")]).numbers["reason"] == "no_better_rival"
    better = advice(trapped(), [steady(params="p2")]).numbers
    assert (better["direction"], better["reason"], better["high"]) == ("raise", "better_rival", 1e-3)
    ranking = advice(trapped(params="p2"), [trapped(val_auroc=np.full(10, 0.75))]).numbers
    assert (ranking["direction"], ranking["reason"], ranking["low"]) == ("lower", "ranking_rival", 1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "vgg16"},
        {"loss": "focal"},
        *[{"settings": {"data": "this"} | {name: "another"}} for name in SHARED],
        {"origin": "imagenet"},
        {"learning_rate": 1e-4},
    ],
)
def test_only_a_run_of_the_same_kind_at_another_rate_is_a_rival(changes):
    other = dataclasses.replace(steady(params="p2", settings={"data": "this"}), **changes)
    assert "rival" not in advice(steady(settings={"data": "this"}), [other]).numbers


def test_every_setting_is_shared_or_may_differ_between_runs_whose_rates_are_compared():
    assert sorted((*SHARED, *OTHERWISE)) == sorted((*SETTINGS, "data"))
