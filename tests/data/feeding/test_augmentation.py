"""Augmentation: each image is varied as it is drawn, within the settings, and nothing else happens to it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retina.data.feeding.augmentation import Augmentation, augment

FULL = Augmentation(horizontal_flip=True, vertical_flip=True, rotation=15.0, brightness=0.2, contrast=0.2)


IMAGES = np.random.default_rng(0).integers(0, 256, (11, 16, 16, 3), dtype=np.uint8)


@given(st.integers(0, 1000), st.integers(1, 50), st.integers(1, 40), st.integers(0, 40))
def test_an_image_keeps_its_variation_when_more_images_follow(seed, epoch, images, more):
    np.testing.assert_array_equal(FULL.draw(seed, epoch, images), FULL.draw(seed, epoch, images + more)[:images])


@given(st.integers(0, 1000), st.floats(0, 180), st.floats(0, 0.9), st.floats(0, 0.9))
def test_draws_stay_in_their_ranges(seed, rotation, brightness, contrast):
    drawn = Augmentation(True, True, rotation, brightness, contrast).draw(seed, 1, 64)
    assert set(np.unique(drawn[:, :2])) == {-1.0, 1.0}
    assert np.abs(drawn[:, 2]).max() <= np.radians(rotation) * (1 + 1e-6)
    assert np.abs(drawn[:, 3] - 1).max() <= brightness + 1e-6
    assert np.abs(drawn[:, 4] - 1).max() <= contrast + 1e-6


def variation(mirror_x=1.0, mirror_y=1.0, degrees=0.0, brightness=1.0, contrast=1.0):
    return torch.tensor([[mirror_x, mirror_y, np.radians(degrees), brightness, contrast]], dtype=torch.float32)


@pytest.mark.parametrize("rotated", [False, True])
def test_mirrors_are_exact_mirrors_with_and_without_rotation(rotated):
    """The path without rotation flips; the other resamples. Both must mirror the same axis."""
    image = torch.from_numpy(IMAGES[:1])
    for change, axis in (({"mirror_x": -1.0}, 2), ({"mirror_y": -1.0}, 1)):
        found = augment(image, variation(**change), rotated=rotated)
        torch.testing.assert_close(found, image.flip(axis).float(), atol=0.1 if rotated else 0, rtol=0)


@pytest.mark.parametrize("shape", [(16, 16), (12, 20)])
def test_a_quarter_turn_is_a_quarter_turn_about_the_centre(shape):
    spot = np.zeros((1, *shape, 3), np.uint8)
    middle = (shape[0] // 2, shape[1] // 2)
    spot[0, middle[0] - 4, middle[1] - 1 : middle[1] + 1] = 255
    found = augment(torch.from_numpy(spot), variation(degrees=90.0))[0, ..., 0].numpy()
    y, x = np.argwhere(found > 100).mean(axis=0)
    assert y == pytest.approx(middle[0] - 0.5, abs=0.6)
    assert abs(x - (middle[1] - 0.5)) == pytest.approx(3.5, abs=0.6)


@given(st.floats(0.5, 1.5), st.floats(0.5, 1.5))
def test_brightness_scales_the_mean_and_contrast_keeps_it(brightness, contrast):
    image = torch.from_numpy(np.random.default_rng(1).integers(90, 130, (1, 16, 16, 3), dtype=np.uint8))
    found = augment(image, variation(brightness=brightness, contrast=contrast))
    assert float(found.mean()) == pytest.approx(float(image.float().mean()) * brightness, rel=1e-4)
    assert float(found.std()) == pytest.approx(float(image.float().std()) * brightness * contrast, rel=1e-3)
