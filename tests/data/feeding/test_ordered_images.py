"""Images in a given order, on the device that trains."""

import numpy as np
import pytest
import torch

from retina.data.feeding import ordered_images

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), dtype=np.uint8)


def test_a_slice_gives_the_images_at_those_places_of_the_order():
    images = ordered_images.OrderedImages(IMAGES, np.array([3, 3, 0, 6]), "cpu")
    np.testing.assert_array_equal(images[1:4], IMAGES[[3, 0, 6]])
    assert images[1:4].dtype == torch.uint8


def test_another_order_may_be_taken():
    images = ordered_images.OrderedImages(IMAGES, np.arange(7), "cpu")
    images.reorder([5, 1])
    np.testing.assert_array_equal(images[0:7], IMAGES[[5, 1]])


@pytest.mark.parametrize(("free", "fit"), [(2 * IMAGES.nbytes, True), (2 * IMAGES.nbytes - 1, False)])
def test_images_are_brought_to_the_device_where_they_take_at_most_half_of_its_free_memory(monkeypatch, free, fit):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    monkeypatch.setattr(ordered_images, "CHUNK", 3)
    copy = ordered_images.resident(IMAGES, "cpu")
    assert (copy is not None) == fit
    if fit:
        np.testing.assert_array_equal(copy, IMAGES)
