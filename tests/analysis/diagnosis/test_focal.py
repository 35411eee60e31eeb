"""Two losses side by side, and the balance of the labels."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import resnet18_p1
from plain_curves import steady

from retina.analysis.diagnosis import compare_losses, imbalance


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
