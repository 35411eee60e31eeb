"""A photograph: which diseases it carries, and that it differs from its healthy twin by its lesions alone."""

import math

import numpy as np
import pytest
from drawn_eyes import pixels
from hypothesis import given
from hypothesis import strategies as st

from retina.data.drawing.lesions import DISC
from retina.data.drawing.photograph import FREQUENCY, choose_diseases, draw, is_diseased

# Blur and JPEG's blocks, whose colour is stored at half the resolution, carry a change this far, in pixels.
SPILL = 20


def only(disease: str) -> int:
    """The first training photograph of seed 0 that carries this disease alone."""
    return next(index for index in range(1, 3000) if choose_diseases(0, "train", index) == (disease,))


@given(st.integers(1, 4000))
def test_every_beginning_of_a_split_holds_the_rounded_share_of_diseased_eyes(many):
    assert sum(is_diseased(index) for index in range(1, many + 1)) == math.floor(1519 / 1920 * many + 0.5)


def test_diseases_come_with_rfmids_frequencies_and_never_two_on_one_disc():
    drawn = [choose_diseases(0, "train", index) for index in range(1, 4001)]
    diseased = [names for names in drawn if names]
    tally = {name: sum(names[0] == name for names in diseased) for name in FREQUENCY}
    for name, weight in FREQUENCY.items():
        share = weight / sum(FREQUENCY.values())
        assert abs(tally[name] - share * len(diseased)) < 4 * math.sqrt(share * (1 - share) * len(diseased))
    assert 0.2 < np.mean([len(names) == 2 for names in diseased]) < 0.3
    assert all(len(set(names)) == len(names) and len(set(names) & set(DISC)) < 2 for names in diseased)


@pytest.mark.parametrize("disease", FREQUENCY)
def test_a_diseased_eye_differs_from_its_healthy_twin_within_its_lesions_alone(disease):
    index = only(disease)
    image, found = draw(0, "train", index)
    twin, none = draw(0, "train", index, healthy_twin=True)
    changed = np.abs(pixels(image) - pixels(twin)).max(axis=2) > 6
    assert none == []
    assert {name for name, _ in found} == {disease}
    y, x = np.nonzero(changed)
    near = np.zeros(len(x), bool)
    for _, lesion in found:
        away = np.hypot(x - lesion.x, y - lesion.y)
        near |= away <= lesion.radius + SPILL
        assert (away <= lesion.radius).any(), lesion
    assert near.all()


def test_a_healthy_eye_is_its_own_twin_and_has_no_lesions():
    index = next(index for index in range(1, 20) if not is_diseased(index))
    image, found = draw(0, "train", index)
    assert found == []
    assert np.array_equal(pixels(image), pixels(draw(0, "train", index, healthy_twin=True)[0]))
