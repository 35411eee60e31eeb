"""What a result has to beat: measured on held-out images, from training images alone."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.data import baselines
from retina.data.dataset import SplitImages


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_colour_histogram_is_a_distribution_that_no_rearrangement_of_pixels_changes(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    found = baselines.colour_histogram(image)
    assert found.shape == (512,)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    shuffled = rng.permutation(image.reshape(-1, 3)).reshape(image.shape)
    np.testing.assert_array_equal(baselines.colour_histogram(shuffled), found)


@pytest.mark.parametrize(("colour", "code"), [((0, 0, 0), 0), ((255, 255, 255), 511), ((255, 0, 32), 7 * 64 + 1)])
def test_a_colour_falls_into_its_own_bin(colour, code):
    assert baselines.colour_histogram(np.full((2, 2, 3), colour, np.uint8))[code] == 1


def dataset_of(labels, images):
    """Ten images a split, in order."""
    names = ("train", "validation", "test")
    splits = {
        name: SplitImages(np.arange(10) + 10 * place, np.arange(10).astype(str), labels[10 * place : 10 * place + 10])
        for place, name in enumerate(names)
    }
    return SimpleNamespace(images=images, splits=splits)


def test_a_colour_that_tells_the_label_is_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    labels = np.tile([1, 1, 1, 0, 1], 6)
    told = np.where(labels[:, None, None, None] == 1, np.uint8(200), np.uint8(30)) + np.zeros((30, 8, 8, 3), np.uint8)
    found = baselines.measure(dataset_of(labels, told))
    assert found["colour_histogram"]["test"] == {"accuracy": 1.0, "auroc": 1.0}
    assert found["majority"] == {"validation": {"accuracy": 0.8}, "test": {"accuracy": 0.8}}
    noise = rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    assert baselines.measure(dataset_of(labels, noise))["colour_histogram"]["test"]["auroc"] < 0.95


def test_the_majority_is_that_of_training_even_where_it_is_wrong():
    labels = np.concatenate([np.tile([1, 1, 1, 0, 1], 2), np.tile([0, 0, 0, 1, 0], 4)])
    found = baselines.measure(dataset_of(labels, np.zeros((30, 4, 4, 3), np.uint8)))
    assert found["majority"]["test"]["accuracy"] == pytest.approx(0.2)
