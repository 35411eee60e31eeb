"""The study's seven descriptions and one published curve, each as several plausible histories."""

import dataclasses

import pytest
from curves_of_the_study import (
    POSITIVES,
    SETS,
    published,
    resnet18_p1,
    resnet18_p1_focal,
    resnet18_p2,
    resnet50_p1,
    resnet50_p2,
    vgg16_p1,
    vgg16_p2,
)

from retina.analysis.diagnosis import compare_losses, compare_params, diagnose, imbalance
from retina.reporting import wording
from retina.reporting.language import Language

SEEDS = range(20)
SAD = {"divergence", "unfinished", "too_short", "underfitting"}
EN = Language("en")


def rules(curve, peers=()):
    return {finding.rule: finding for finding in diagnose(curve, peers)}


def absent(found, *names):
    assert not set(found) & (SAD | set(names)), sorted(found)


def almost_always(check, seeds=SEEDS):
    """Nineteen of twenty histories at least."""
    assert sum(check(seed) for seed in seeds) >= 0.95 * len(seeds)


@pytest.mark.parametrize("seed", SEEDS)
def test_1_vgg16_p1_shows_mild_overfitting_and_nothing_worse(seed):
    found = rules(vgg16_p1(seed))
    assert not found["mild_overfitting"].alarming
    absent(found, "overfitting", "collapse", "slow_start", "budget_limited", "plateau", "majority_trap")


def test_1_vgg16_p1_swings_and_its_rate_is_to_be_adjusted():
    almost_always(lambda seed: "oscillation" in rules(vgg16_p1(seed)))
    almost_always(lambda seed: rules(vgg16_p1(seed))["learning_rate"].numbers["direction"] == "lower")


def test_1_vgg16_p1_is_adjusted_towards_p2_where_p2_is_smooth():
    advice = rules(vgg16_p1(0), [vgg16_p2(0)])["learning_rate"].numbers
    assert (advice["direction"], advice["low"], advice["high"]) == ("raise", 1e-4, 1e-3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("peers", [(), (vgg16_p1(0),)], ids=["alone", "beside p1"])
def test_2_vgg16_p2_converges_fast_stays_near_the_baseline_and_stops_at_7(seed, peers):
    found = rules(vgg16_p2(seed), peers)
    assert found["fast_convergence"].numbers["step"] == pytest.approx(0.3, abs=0.04)
    assert found["early_stop"].keys == ("early_stop.fired",)
    assert found["early_stop"].epochs == (7,)
    assert found["early_stop"].numbers["saved"] == 8
    assert found["majority_trap"].numbers["accuracy"] < 0.82
    advice = found["learning_rate"].numbers
    assert (advice["direction"], advice["low"], advice["high"]) == ("lower", pytest.approx(1e-4), 1e-3)
    absent(found, "oscillation", "training_oscillation", "overfitting", "mild_overfitting", "collapse", "slow_start")


@pytest.mark.parametrize("seed", SEEDS)
def test_3_resnet18_p1_overfits_from_early_on(seed):
    found = rules(resnet18_p1(seed))
    overfitting = found["overfitting"]
    assert overfitting.severity == "warning"
    assert overfitting.numbers["onset"] <= 4
    assert overfitting.numbers["val_best"] == pytest.approx(0.2675, abs=0.03)
    assert overfitting.numbers["val_last"] == pytest.approx(0.5771)
    assert "fast_convergence" in found
    assert found["early_stop"].keys == ("early_stop.would_keep",)
    assert found["learning_rate"].numbers["direction"] == "keep"
    absent(found, "oscillation", "collapse", "slow_start", "majority_trap", "budget_limited", "lost_ranking")


@pytest.mark.parametrize("seed", SEEDS)
def test_4_resnet18_p2_starts_slowly_and_becomes_volatile_late(seed):
    found = rules(resnet18_p2(seed), [resnet18_p1(seed)])
    assert found["slow_start"].severity == "warning"
    assert found["slow_start"].numbers["first"] == pytest.approx(0.5222)
    assert found["slow_start"].numbers["reached"] == 5
    assert found["oscillation"].keys == ("oscillation.late",)
    assert found["oscillation"].numbers["first"] == pytest.approx(10, abs=1)
    advice = found["learning_rate"]
    assert (advice.numbers["direction"], advice.numbers["reason"]) == ("lower", "slow_and_rough")
    assert "rate and batch size are both too large" in wording.sentence(advice, EN)
    absent(found, "collapse", "majority_trap", "fast_convergence", "plateau", "lost_ranking")


@pytest.mark.parametrize("seed", SEEDS)
def test_5_resnet50_p1_should_have_stopped_near_epoch_5(seed):
    found = rules(resnet50_p1(seed))
    assert found["overfitting"].numbers["best"] == pytest.approx(5, abs=1)
    assert found["overfitting"].numbers["onset"] in (6, 7)
    assert "should have stopped near epoch 5" in wording.sentence(found["overfitting"], EN)
    assert found["early_stop"].epochs == (8,)
    absent(found, "oscillation", "collapse", "slow_start", "majority_trap", "budget_limited")


@pytest.mark.parametrize("seed", SEEDS)
def test_6_resnet50_p2_collapses_at_epoch_7_and_early_stopping_fires(seed):
    found = rules(resnet50_p2(seed), [resnet50_p1(seed)])
    collapse = found["collapse"]
    assert collapse.severity == "critical"
    assert collapse.numbers["crash"] == collapse.numbers["jump"] == 7
    assert collapse.numbers["accuracy"] == pytest.approx(0.3943)
    assert found["early_stop"].keys == ("early_stop.fired",)
    advice = found["learning_rate"].numbers
    assert (advice["direction"], advice["reason"], advice["high"]) == ("lower", "collapse", 1e-3)
    absent(found, "oscillation", "slow_start", "majority_trap", "over_confidence", "budget_limited")


@pytest.mark.parametrize("seed", SEEDS)
def test_7_resnet18_focal_jumps_and_crashes_at_epoch_4(seed):
    found = rules(resnet18_p1_focal(seed))
    collapse = found["collapse"]
    assert collapse.severity == "warning"
    assert collapse.numbers["crash"] == collapse.numbers["jump"] == 4
    assert "collapse.recovered" in collapse.keys
    assert found["learning_rate"].numbers["direction"] == "lower"
    absent(found, "slow_start", "majority_trap", "budget_limited", "plateau")


@pytest.mark.parametrize("seed", SEEDS)
def test_7_the_focal_curve_is_less_smooth_and_falls_farther_in_proportion(seed):
    found = {finding.rule: finding for finding in compare_losses(resnet18_p1(seed), resnet18_p1_focal(seed))}
    numbers = found["focal_roughness"].numbers
    assert found["focal_roughness"].keys == ("focal_roughness.rougher",)
    assert numbers["focal_validation"] > numbers["ce_validation"]
    assert numbers["focal_training"] >= numbers["ce_training"]
    assert found["focal_fall"].numbers["focal_first"] < found["focal_fall"].numbers["ce_first"]
    assert found["focal_collapse"].keys == ("focal_collapse.focal",)
    assert found["focal_collapse"].epochs == (4,)


def test_7_the_labels_say_imbalanced_where_the_study_said_the_opposite():
    found = imbalance(640, POSITIVES)
    assert found.keys == ("imbalance.positive",)
    sentence = wording.sentence(found, EN)
    assert "imbalanced" in sentence
    assert "3.8 to 1" in sentence
    assert "right in 79.1%" in sentence
    assert "不平衡" in wording.sentence(found, Language("zh-TW"))


def test_the_published_curve_is_read_as_its_authors_would():
    found = rules(published())
    assert found["best_epoch"].numbers["epoch"] == 12
    assert found["overfitting"].numbers["onset"] == 13
    assert found["overfitting"].epochs == (13, 14, 15, 16, 17)
    assert found["overfitting"].numbers["rise"] == pytest.approx(1.226 / 0.962 - 1)
    assert found["early_stop"].epochs == (15,)
    assert found["over_confidence"].numbers["auroc_after"] == pytest.approx(0.880, abs=0.001)
    absent(found, "lost_ranking", "oscillation", "collapse", "budget_limited", "plateau", "majority_trap")


def test_the_published_curve_is_read_alike_on_any_scale():
    curve = published()
    small = dataclasses.replace(curve, val_loss=curve.val_loss / 37, train_loss=curve.train_loss / 37, loss="focal")
    assert [(f.rule, f.epochs) for f in diagnose(small)] == [(f.rule, f.epochs) for f in diagnose(curve)]


def test_a_rise_with_a_falling_auroc_is_lost_ranking_not_over_confidence():
    auroc = published().val_auroc.copy()
    auroc[12:] -= 0.08
    found = rules(dataclasses.replace(published(), val_auroc=auroc))
    assert "lost_ranking" in found
    assert "over_confidence" not in found


def test_the_steadier_set_of_each_backbone_is_named_with_its_reason():
    vgg16 = compare_params(vgg16_p1(0), vgg16_p2(0))
    resnet18 = compare_params(resnet18_p1(0), resnet18_p2(0))
    resnet50 = compare_params(resnet50_p1(0), resnet50_p2(0))
    named = [(finding.numbers["steadier"], finding.numbers["reason"]) for finding in (vgg16, resnet18, resnet50)]
    assert named == [("p2", "roughness"), ("p1", "roughness"), ("p1", "collapse")]


def test_the_sets_of_the_cases_are_those_of_the_study():
    assert SETS == {"p1": (0.0001, 32, 10), "p2": (0.001, 64, 15)}
