"""What pixels go through before a network: scale and shift of each channel, and their order."""

import numpy as np
import torch

from retina.models.layers import Normalization, ReversedChannels


def test_normalization_follows_its_formula_for_bytes_and_for_floats():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    expected = (pixels / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    for images in (torch.from_numpy(pixels), torch.from_numpy(pixels).double()):
        result = Normalization()(images)
        assert result.dtype == torch.float32
        np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-6)


def test_reversed_channels_are_blue_green_red():
    pixels = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    red, green, blue = np.moveaxis(pixels, -1, 0)
    result = ReversedChannels()(torch.from_numpy(pixels))
    np.testing.assert_array_equal(result.numpy(), np.stack([blue, green, red], axis=-1))
