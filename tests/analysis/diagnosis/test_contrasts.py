"""Advice and comparisons: what another run adds to a curve."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from curves_of_the_study import curve, resnet18_p1, resnet18_p1_focal, resnet18_p2, resnet50_p1, resnet50_p2, stopped

from retina.analysis.diagnosis import Curve, compare_losses, compare_params, diagnose, imbalance
from retina.analysis.diagnosis.shape import noise, roughness, swings
from retina.reporting import wording
from retina.reporting.language import Language

EN = Language("en")


def advice(found, peers=()):
    return next(finding for finding in diagnose(found, peers) if finding.rule == "learning_rate")


def steady(**changes):
    """A sound run of ten epochs."""
    time = np.arange(10)
    return curve(
        0.35 + 0.3 * np.exp(-time / 1.5), 0.1 + 0.5 * np.exp(-time / 3), np.linspace(0.84, 0.88, 10), **changes
    )


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
    "changes", [{"backbone": "vgg16"}, {"loss": "focal"}, {"settings": {"data": "other"}}, {"learning_rate": 1e-4}]
)
def test_only_a_run_of_the_same_backbone_loss_and_data_at_another_rate_is_a_rival(changes):
    other = dataclasses.replace(steady(params="p2", settings={"data": "this"}), **changes)
    assert "rival" not in advice(steady(settings={"data": "this"}), [other]).numbers


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


def test_losses_are_compared_on_curves_divided_by_their_first_epoch():
    ce = resnet18_p1(0)
    same = dataclasses.replace(ce, loss="focal", train_loss=ce.train_loss / 8, val_loss=ce.val_loss / 8)
    found = {finding.rule: finding for finding in compare_losses(ce, same)}
    assert found["focal_fall"].keys[0] == "focal_fall.alike"
    assert found["focal_fall"].numbers["focal_left"] == pytest.approx(found["focal_fall"].numbers["ce_left"])
    assert found["focal_roughness"].keys == ("focal_roughness.alike",)
    assert "focal_collapse" not in found
    assert found["focal_outcome"].numbers["difference"] == 0


def test_an_auroc_difference_is_held_against_its_standard_error():
    ce = steady(val_auroc=np.full(10, 0.95))
    near, far = (dataclasses.replace(ce, loss="focal", val_auroc=np.full(10, auroc)) for auroc in (0.94, 0.80))
    assert compare_losses(ce, near)[-1].keys == ("focal_outcome.within",)
    assert compare_losses(ce, far)[-1].keys == ("focal_outcome.beyond",)


def test_too_few_epochs_say_nothing_about_a_loss():
    assert [finding.rule for finding in compare_losses(steady(), steady(loss="focal").up_to(2))] == ["focal_short"]


@pytest.mark.parametrize(
    ("positives", "key", "ratio"), [(59, "balanced", 59 / 41), (60, "positive", 1.5), (20, "negative", 4.0)]
)
def test_the_larger_class_makes_the_imbalance(positives, key, ratio):
    found = imbalance(100, positives)
    assert found.keys == (f"imbalance.{key}",)
    assert found.numbers["ratio"] == pytest.approx(ratio)


def test_one_class_and_no_images_are_told_apart():
    assert imbalance(10, 10).keys == ("imbalance.one_class",)
    with pytest.raises(ValueError, match="no images"):
        imbalance(0, 0)


def test_the_noise_of_a_smooth_curve_is_none_and_that_of_white_scatter_is_recovered():
    rng = np.random.default_rng(0)
    assert noise(np.geomspace(2, 0.1, 12)) == pytest.approx(0, abs=1e-12)
    estimates = [noise(np.exp(rng.normal(0, 0.1, 40))) for _ in range(200)]
    assert np.mean(estimates) == pytest.approx(0.1, rel=0.05)


def test_swings_are_the_smaller_step_of_a_turning_point():
    assert swings(np.exp([0.0, 1.0, 0.5, 0.6, 0.7])) == pytest.approx([0, 0.5, 0.1, 0, 0])
    assert roughness(np.array([1.0, 0.5, 0.3, 0.4, 0.9])) == 0


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
    experiment = {"backbone": "vgg16", "params": "p1", "loss": "ce", "seed": 3, "learning_rate": 1e-4}
    experiment |= {"batch_size": 32, "epochs": 10, "early_stopping": True, "patience": 3}
    experiment |= {"image_size": 224, "precision": "float32", "fine_tune": "full"}
    record = {
        "name": "vgg16-p1-ce-seed3-00000000",
        "status": "diverged",
        "experiment": experiment,
        "data": {
            "fingerprint": "abc",
            "splits": {"train": {"images": 90, "positives": 60}, "validation": {"images": 40, "positives": 30}},
        },
        "baselines": {"majority": {"validation": {"accuracy": 0.75}}},
        "environment": {"device": "cpu", "device_name": "a processor", "cores": 2},
    }
    found = Curve.of(record, history)
    assert (found.backbone, found.seed, found.epochs, found.patience) == ("vgg16", 3, 10, 3)
    assert (found.majority, found.images, found.train_positives) == (0.75, 40, 60)
    assert found.broken == 2
    assert len(found.whole()) == 1
    assert found.settings["data"] == "abc"
    assert found.train_majority == pytest.approx(2 / 3)
    assert found.broken_step is None
    named = Curve.of(record | {"diverged_step": 17}, history[:1])
    (finding,) = [finding for finding in diagnose(named) if finding.rule == "divergence"]
    assert (finding.epochs, finding.numbers["step"]) == ((2,), 17)
    assert "at step 17 of epoch 2" in wording.sentence(finding, EN)


def test_a_stopped_curve_ends_where_patience_does():
    assert len(stopped(resnet50_p1(0))) == 8


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
