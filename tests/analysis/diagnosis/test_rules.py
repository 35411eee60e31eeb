"""Contracts over every rule, false alarms on clean curves, and how large a fault must be to be found."""

import dataclasses
import json
from string import Formatter

import numpy as np
import pytest
from curves_of_the_study import (
    alarms,
    curve,
    found_rate,
    resnet18_p1,
    resnet18_p2,
    with_collapse,
    with_oscillation,
    with_overfitting,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from retina.analysis.diagnosis import RULES, SEVERITIES, compare_losses, compare_params, diagnose, imbalance
from retina.analysis.diagnosis.finding import Finding
from retina.reporting import wording
from retina.reporting.language import LANGUAGES, Language, sentences

LANGUAGE_NAMES = sorted(LANGUAGES)
ANY_LOSS = st.one_of(
    st.floats(0, 20), st.sampled_from([0.0, 1e-320, 1e-9, 1e29, 1e300, float("nan"), float("inf"), -float("inf")])
)
SHARE = st.one_of(st.floats(0, 1), st.just(float("nan")))
STATUSES = ("running", "completed", "stopped_early", "diverged", "interrupted", "failed")


@st.composite
def any_curve(draw):
    """Any history that a damaged, diverged, short or odd run could leave."""
    length = draw(st.integers(0, 9))

    def series(values):
        constant = draw(st.booleans())
        return [draw(values)] * length if constant else draw(st.lists(values, min_size=length, max_size=length))

    images = draw(st.sampled_from([1, 5, 74, 640]))
    return curve(
        series(ANY_LOSS),
        series(ANY_LOSS),
        series(SHARE),
        images=images,
        positives=draw(st.integers(0, images)),
        train_accuracy=np.array(series(SHARE), float),
        val_auroc=np.array(series(SHARE), float),
        seconds=np.array(series(st.floats(0, 1e4)), float),
        epochs=draw(st.sampled_from([max(1, length), 15])),
        early_stopping=draw(st.booleans()),
        status=draw(st.sampled_from(STATUSES)),
        loss=draw(st.sampled_from(["ce", "focal"])),
        params=draw(st.sampled_from(["p1", "p2"])),
        name=draw(st.sampled_from(["one", "two"])),
        conditions=draw(st.sampled_from([(), ("machine",)])),
    )


def check(finding: Finding) -> None:
    """Everything that holds of every finding."""
    assert finding.severity in SEVERITIES
    assert all(isinstance(epoch, int) and epoch >= 1 for epoch in finding.epochs)
    assert all(key.split(".")[0] == finding.rule for key in finding.keys)
    for name in LANGUAGE_NAMES:
        plain = wording.to_dict(finding, Language(name))
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["sentence"][-1] in ".。"
        assert not any(mark in plain["sentence"] for mark in ("{", "}", "nan", "inf"))
        assert f"findings.names.{finding.rule}" in sentences(name)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_states_its_definition_and_has_a_name_in_every_language(name):
    assert len(RULES[name].definition.split()) >= 10
    assert RULES[name].function.__name__ == name
    assert all(f"findings.names.{name}" in sentences(language) for language in LANGUAGE_NAMES)


@settings(max_examples=250)
@given(any_curve())
def test_no_history_breaks_a_rule_and_each_finding_can_be_said_and_stored(found):
    for name, rule in RULES.items():
        finding = rule(found)
        if finding is not None:
            assert finding.rule == name
            check(finding)


@settings(max_examples=250)
@given(any_curve(), any_curve())
def test_no_two_histories_break_a_diagnosis_or_a_comparison(one, two):
    findings = diagnose(one, [one, two])
    for finding in findings:
        check(finding)
    order = [SEVERITIES.index(finding.severity) for finding in findings]
    assert order == sorted(order)
    check(compare_params(one, dataclasses.replace(two, loss=one.loss)))
    for finding in compare_losses(one, two):
        check(finding)


@given(st.integers(1, 10_000), st.data())
def test_the_balance_of_any_labels_can_be_said(images, data):
    check(imbalance(images, data.draw(st.integers(0, images))))


@pytest.mark.parametrize("name", LANGUAGE_NAMES)
def test_every_sentence_names_its_evidence(name):
    for key, template in sentences(name).items():
        if key.startswith("findings.") and not key.startswith("findings.names.") and key != "findings.joint":
            assert [field for _, field, _, _ in Formatter().parse(template) if field], key


def test_a_finding_refuses_a_number_that_is_none():
    with pytest.raises(ValueError, match="finite"):
        Finding.make("info", "best_epoch.loss", (), val_loss=float("nan"))


def test_clean_curves_raise_a_warning_in_at_most_two_percent(capsys):
    count = 600
    found = alarms(count)
    with capsys.disabled():
        print(f"\nfalse alarms: {len(found)} of {count} clean curves ({len(found) / count:.1%})")  # noqa: T201 - the rate is the point
    assert len(found) <= 0.02 * count, [(seed, [f.rule for f in findings]) for seed, findings in found]


@pytest.mark.parametrize(
    ("rule", "make", "size", "least"),
    [
        ("overfitting", with_overfitting, 0.3, 0.9),
        ("overfitting", with_overfitting, 0.5, 0.99),
        ("oscillation", with_oscillation, 0.15, 0.75),
        ("oscillation", with_oscillation, 0.2, 0.95),
        ("collapse", with_collapse, 0.15, 0.95),
        ("collapse", with_collapse, 0.3, 0.99),
    ],
)
def test_a_planted_fault_is_found(rule, make, size, least):
    assert found_rate(rule, make, size) >= least


@pytest.mark.parametrize(
    ("rule", "make"),
    [("overfitting", with_overfitting), ("oscillation", with_oscillation), ("collapse", with_collapse)],
)
def test_a_fault_of_no_size_is_not_found(rule, make):
    assert found_rate(rule, make, 0.0) <= 0.02


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


def test_a_trend_is_no_oscillation():
    for val in (np.geomspace(2, 0.02, 12), np.concatenate([np.geomspace(2, 0.1, 6), np.geomspace(0.1, 3, 6)])):
        assert RULES["oscillation"](curve(val, np.linspace(0.6, 0.1, 12), np.full(12, 0.85))) is None


def test_answers_of_one_class_are_a_majority_trap_on_balanced_and_imbalanced_sets():
    for images, positives in ((74, 39), (640, 506)):
        accuracy = np.array([positives, images - positives, positives, positives, positives]) / images
        found = curve(np.full(5, 0.69), np.full(5, 0.69), accuracy, images=images, positives=positives)
        assert RULES["majority_trap"](found).keys == ("majority_trap.constant",)


def test_a_small_set_cannot_show_a_gain_that_a_large_one_can():
    series = np.linspace(0.6, 0.3, 6), np.linspace(0.6, 0.2, 6), np.full(6, 0.85)
    assert RULES["majority_trap"](curve(*series)) is None
    small = RULES["majority_trap"](curve(*series, images=74, positives=59))
    assert small.severity == "info"
    assert "majority_trap.ranks" in small.keys


def test_a_still_falling_loss_at_the_last_epoch_is_limited_by_the_budget():
    found = curve(np.geomspace(0.8, 0.3, 10), np.geomspace(0.8, 0.2, 10), np.linspace(0.8, 0.9, 10))
    assert RULES["budget_limited"](found)
    assert RULES["budget_limited"](dataclasses.replace(found, epochs=15)) is None


def test_a_loss_at_rest_is_a_plateau():
    val = [0.6, 0.5, 0.42, 0.401, 0.400, 0.402, 0.400]
    train = [0.6, 0.45, 0.35, 0.301, 0.300, 0.299, 0.300]
    assert RULES["plateau"](curve(val, train, np.full(7, 0.85))).numbers["since"] == 4


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


def test_a_run_without_early_stopping_learns_what_it_would_have_missed():
    val = [0.60, 0.50, 0.52, 0.53, 0.51, 0.40, 0.38, 0.37, 0.36, 0.35]
    missed = RULES["early_stop"](curve(val, np.linspace(0.6, 0.2, 10), np.full(10, 0.85)))
    assert missed.keys == ("early_stop.would_miss",)
    assert (missed.numbers["stop"], missed.numbers["kept"], missed.numbers["best"]) == (5, 2, 10)
    shorter = RULES["early_stop"](curve(val[:7], np.linspace(0.6, 0.2, 7), np.full(7, 0.85)))
    assert (shorter.numbers["stop"], shorter.numbers["saved"]) == (5, 2)


def test_a_start_is_slow_from_three_epochs_below_the_majority_guess_on():
    losses = np.linspace(0.6, 0.2, 8)
    quick = curve(losses, losses, [0.30, 0.50, 0.85, 0.86, 0.86, 0.86, 0.86, 0.86])
    late = curve(losses, losses, [0.30, 0.50, 0.70, 0.86, 0.86, 0.86, 0.86, 0.86])
    assert RULES["slow_start"](quick) is None
    assert RULES["slow_start"](late).severity == "warning"
    assert RULES["slow_start"](late).keys == ("slow_start.below", "slow_start.clear_at_once")


def test_a_crash_that_does_not_recover_is_critical_unless_the_ranking_rose():
    losses, accuracy = np.full(6, 0.4), [0.80, 0.84, 0.85, 0.86, 0.40, 0.42]
    lost = curve(losses, losses, accuracy)
    assert RULES["collapse"](lost).severity == "critical"
    assert "collapse.end" in RULES["collapse"](lost).keys
    assert "collapse.last" in RULES["collapse"](lost.up_to(5)).keys
    rising = dataclasses.replace(lost, val_auroc=np.linspace(0.55, 0.80, 6))
    assert RULES["collapse"](rising).severity == "warning"


def test_times_are_compared_only_under_the_same_conditions():
    own = curve(*[np.full(5, 0.5)] * 3, name="own", conditions=("cpu", "data"), seconds=np.full(5, 20.0))
    twin = dataclasses.replace(own, name="twin", seconds=np.array([99.0, 10, 10, 10, 10]))
    elsewhere = dataclasses.replace(own, name="elsewhere", conditions=("gpu", "data"), seconds=np.full(5, 1.0))
    found = {finding.rule: finding for finding in diagnose(own, [own, twin, elsewhere])}["time_per_epoch"]
    assert found.numbers["peers"] == 1
    assert found.numbers["quickest_seconds"] == pytest.approx(10.0)
    assert found.numbers["ratio"] == pytest.approx(2.0)
