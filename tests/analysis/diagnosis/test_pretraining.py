"""Pretrained weights that the first steps destroy: real curves of VGG16 on 300 photographs, and made ones."""

import dataclasses
import math

import numpy as np
import pytest
from curves_of_the_study import curve
from hypothesis import assume, given
from hypothesis import strategies as st

from retina.analysis.diagnosis import RULES, diagnose, pretraining
from retina.reporting import wording
from retina.reporting.language import LANGUAGES, Language

KNOWN = {"fine_tune": "full", "focal_gamma": 2.0, "focal_alpha": None}
CONSTANT = 0.690457  # the entropy of 161 of 300, in nats
DESTROYED = {
    "128 px": (
        (2.17, 0.703, 0.683, 0.681),
        {"val_loss": (0.758, 0.691, 0.701, 0.697), "val_auroc": np.array([0.598, 0.558, 0.576, 0.640])},
    ),
    "224 px": ((1.52, 0.693, 0.697, 0.691), {"val_auroc": np.array([0.51, 0.46, 0.52, 0.54])}),
}
SOUND = {
    "it recovers": (1.959, 0.809, 0.684, 0.644),
    "its first epoch is below, and it learns": (0.682, 0.792, 0.750, 0.690, 0.640, 0.600),
    "its first epoch is below, and it stays constant": (0.661, 0.688, 0.695, 0.692),
    "its first epoch is hardly above": (0.720, 0.693, 0.697, 0.691),
    "it learns late": (2.17, *[0.69] * 15, 0.66, 0.62, 0.60, 0.57),
    "it learns at the end of a long run": (2.17, *[0.69] * 71, *[0.57] * 8),
    "it learns slowly": (1.9, *np.linspace(0.72, 0.60, 9)),
    "it scatters around a constant answer": (2.17, 0.55, 0.85, 0.60, 0.80, 0.62, 0.78, 0.58),
    "it stays above a constant answer": (2.17, 0.80, 0.81, 0.79, 0.80),
    "it is too short": (2.17, 0.69, 0.69),
    "it is not yet long at a constant answer": (5.113, 0.972, 0.741, 0.689, 0.693),  # 64 px, real
    "it learned first and lost that later": (2.17, 0.52, 0.48, 0.45, *[0.69] * 5),
}


def photographs(train, **changes):
    """A run on 300 photographs, 161 of them positive, from ImageNet weights, with that training loss."""
    settings = {"images": 74, "positives": 39, "train_images": 300, "train_positives": 161, "backbone": "vgg16"}
    settings |= {"origin": "imagenet", "settings": KNOWN, "train_accuracy": np.full(len(train), 0.54)}
    settings |= {"val_auroc": np.full(len(train), 0.54)}
    val_loss = changes.pop("val_loss", np.full(len(train), 0.69))
    return curve(val_loss, train, np.full(len(train), 39 / 74), **(settings | changes))


def focal_of(share, answer, gamma, alpha):
    """The mean focal loss of one answer for all images."""
    positive, negative = (1, 1) if alpha is None else (alpha, 1 - alpha)
    right = share * positive * (1 - answer) ** gamma * -math.log(answer)
    return right + (1 - share) * negative * answer**gamma * -math.log(1 - answer)


@pytest.mark.parametrize("name", DESTROYED)
@pytest.mark.parametrize("fine_tune", ["full", "last"])
def test_real_weights_that_p1_destroys_are_named_first_among_the_warnings(name, fine_tune):
    train, changes = DESTROYED[name]
    found = diagnose(photographs(train, settings=KNOWN | {"fine_tune": fine_tune}, **changes))
    assert (found[0].rule, found[0].severity, found[0].epochs) == ("lost_pretraining", "warning", (1, 2, 3, 4))
    assert found[0].numbers["constant"] == pytest.approx(CONSTANT, abs=1e-5)
    (advice,) = [finding for finding in found if finding.rule == "learning_rate"]
    assert advice.keys[0] == "learning_rate.lower_lost_pretraining"
    for language in LANGUAGES:
        assert "--head-start prior" in wording.sentence(found[0], Language(language))
        assert wording.sentence(advice, Language(language))


@pytest.mark.parametrize("name", SOUND)
def test_another_course_of_the_loss_is_not_called_so(name):
    assert RULES["lost_pretraining"](photographs(SOUND[name])) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "random"},
        {"origin": None},
        {"settings": KNOWN | {"fine_tune": "head"}},
        {"frozen_epochs": 1},
        {"settings": {}},
        {"loss": "unheard of"},
        {"loss": "focal", "settings": {"fine_tune": "full"}},
        {"train_positives": 300},
        {"train_positives": 0},
        {"train_positives": 0, "settings": KNOWN | {"label_smoothing": 0.1}},
        {"loss": "focal", "settings": KNOWN | {"focal_alpha": 1.0}},
    ],
)
def test_without_pretrained_weights_a_trained_backbone_and_a_known_loss_it_is_silent(changes):
    train = DESTROYED["224 px"][0]
    assert RULES["lost_pretraining"](photographs(train)) is not None
    assert RULES["lost_pretraining"](photographs(train, **changes)) is None


RANKING = (0.724, 0.757, 0.678, 0.730)
"""Validation AUROCs of a real run with the focal loss whose training loss had not left that of a constant answer."""


@pytest.mark.parametrize(
    ("auroc", "images", "is_named"),
    [
        (RANKING, 74, False),
        (RANKING, 12, True),  # on so few images it may be chance
        ((0.5, 0.60, 0.61, 0.58), 740, True),  # clearly above chance, and no better than colours alone
        ((0.9, 0.50, 0.52, 0.49), 74, True),  # it ranked, and ranks no longer
        ((math.nan,) * 4, 74, True),
    ],
)
def test_a_run_that_still_ranks_has_its_weights(auroc, images, is_named):
    run = photographs(DESTROYED["224 px"][0], val_auroc=np.array(auroc), images=images, positives=images * 39 // 74)
    assert (RULES["lost_pretraining"](run) is not None) == is_named


@pytest.mark.parametrize("origin", ["imagenet", "file", "run"])
def test_weights_of_any_origin_but_random_can_be_destroyed(origin):
    assert RULES["lost_pretraining"](photographs(DESTROYED["224 px"][0], origin=origin)) is not None


def test_the_ways_out_are_those_that_the_run_did_not_use():
    def ways(**used):
        found = photographs(DESTROYED["224 px"][0], settings=KNOWN | used)
        said = RULES["lost_pretraining"](found)
        return said.keys[-1], said.numbers.get("ways", said.numbers.get("slower"))

    every = "--head-start prior, --warmup-epochs 1, --clip-norm 1, --layer-decay 0.5"
    assert ways() == ("lost_pretraining.ways", every)
    assert ways(head_start="prior", clip_norm=1.0) == ("lost_pretraining.ways", "--warmup-epochs 1, --layer-decay 0.5")
    gentle = {"head_start": "prior", "clip_norm": 1.0, "warmup_epochs": 0.5, "layer_decay": 0.9}
    assert ways(**gentle) == ("lost_pretraining.slower", pytest.approx(1e-5))


@given(st.floats(0.05, 0.95), st.floats(0, 5), st.one_of(st.none(), st.floats(0.05, 0.95)), st.floats(0.01, 0.99))
def test_no_constant_answer_has_a_lower_loss_than_the_best(share, gamma, alpha, answer):
    positives = round(share * 1000)
    settings = KNOWN | {"focal_gamma": gamma, "focal_alpha": alpha}
    run = photographs((1,) * 4, loss="focal", settings=settings, train_images=1000, train_positives=positives)
    best = pretraining.best_constant(run)
    assert best <= focal_of(positives / 1000, answer, gamma, alpha) * (1 + 1e-4)
    answers = 1 / (1 + np.exp(-np.linspace(-12, 12, 1201)))
    assert best == pytest.approx(min(focal_of(positives / 1000, at, gamma, alpha) for at in answers), rel=1e-3)


def test_the_best_constant_of_cross_entropy_is_the_entropy_and_that_of_focal_loss_with_gamma_0():
    plain = photographs((1,) * 4)
    assert pretraining.best_constant(plain) == pytest.approx(CONSTANT, rel=1e-5)
    focused = dataclasses.replace(plain, loss="focal", settings=KNOWN | {"focal_gamma": 0.0})
    assert pretraining.best_constant(focused) == pretraining.best_constant(plain)


def test_balanced_classes_weigh_a_half_each_and_smoothing_moves_both_towards_it():
    def best(**settings):
        run = photographs((1,) * 4, settings=KNOWN | settings, train_images=100, train_positives=80)
        return pretraining.best_constant(run)

    def entropy(share):
        return -share * math.log(share) - (1 - share) * math.log(1 - share)

    assert best() == pytest.approx(entropy(0.8), rel=1e-5)
    assert best(class_weight="none", label_smoothing=0.0) == best()
    assert best(class_weight="balanced") == pytest.approx(math.log(2), rel=1e-5)
    assert best(label_smoothing=0.2) == pytest.approx(entropy(0.8 * 0.9 + 0.2 * 0.1), rel=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_a_focal_loss_is_measured_by_its_own_constant(alpha):
    settings = KNOWN | {"focal_alpha": alpha}
    run = photographs((1,) * 4, loss="focal", settings=settings)
    constant = pretraining.best_constant(run)
    assert constant < CONSTANT / 2
    shape = np.array(DESTROYED["224 px"][0]) / CONSTANT
    assert RULES["lost_pretraining"](dataclasses.replace(run, train_loss=shape * constant)) is not None
    assert RULES["lost_pretraining"](dataclasses.replace(run, train_loss=shape * CONSTANT)) is None


@given(st.integers(4, 60), st.floats(1.3, 20), st.integers(0, 2**32 - 1))
def test_a_destroyed_run_is_named_whatever_its_length_and_its_first_loss(length, first, seed):
    train = CONSTANT * np.exp(np.random.default_rng(seed).normal(0, 0.008, length))
    train[0] = first * CONSTANT
    assert RULES["lost_pretraining"](photographs(train)) is not None


@given(st.integers(4, 60), st.floats(0.0, 0.93), st.floats(0, 0.05), st.integers(0, 2**32 - 1))
def test_a_run_that_ends_a_tenth_below_a_constant_answer_is_never_named(length, share, noise, seed):
    """Whatever share of the run it spends at the constant answer before it learns, up to half of it."""
    begins = max(1, round(length * share / 2))
    shape = np.concatenate([np.ones(begins), np.full(length - begins, 0.88)])
    train = CONSTANT * shape * np.exp(np.random.default_rng(seed).normal(0, noise, length))
    train[0] = 3 * CONSTANT
    assume(train[length // 2 :].mean() < 0.9 * CONSTANT)
    assert RULES["lost_pretraining"](photographs(train)) is None


def test_scatter_makes_it_silent_but_never_talkative():
    def share(noise, level):
        def run(seed):
            train = level * CONSTANT * np.exp(np.random.default_rng(seed).normal(0, noise, 10))
            train[0] = 3 * CONSTANT
            return RULES["lost_pretraining"](photographs(train)) is not None

        return np.mean([run(seed) for seed in range(200)])

    assert share(0.01, 1.0) == 1
    assert share(0.3, 1.0) <= 0.02
    assert all(share(noise, 0.9) <= 0.02 for noise in (0.01, 0.03, 0.1, 0.3))


@pytest.mark.parametrize("length", [6, 7, 8, 10])
def test_epochs_on_the_way_down_to_the_constant_answer_belong_to_the_start(length):
    """As VGG16 at 64 px goes; early stopping ends such a run at the seventh epoch."""
    slow = (5.113, 0.972, 0.741, 0.689, 0.693, 0.690, 0.688, 0.691, 0.693, 0.690)[:length]
    finding = RULES["lost_pretraining"](photographs(slow))
    since = length - max(3, length // 2) + 1
    assert (finding.numbers["since"], finding.numbers["last"]) == (since, length)
    assert finding.epochs == (1, *range(since, length + 1))


def test_a_run_that_destroyed_its_weights_is_no_example_of_a_steady_rate():
    """Neither for a run at a lower rate, which would be raised to it, nor as the lower end of a range."""
    train, changes = DESTROYED["128 px"]
    high = photographs(train, params="p2", **changes)
    swinging = photographs((0.6, 0.9, 0.4, 0.9, 0.4, 0.9), val_loss=np.array([0.6, 0.9, 0.5, 0.9, 0.5, 0.9]))
    assert high.learning_rate > swinging.learning_rate
    (advice,) = [finding for finding in diagnose(swinging, [high]) if finding.rule == "learning_rate"]
    assert advice.numbers["direction"] == "lower"
    low = photographs(train, **changes)
    (advice,) = [finding for finding in diagnose(high, [low]) if finding.rule == "learning_rate"]
    assert (advice.numbers["direction"], advice.numbers["high"]) == ("lower", low.learning_rate)
