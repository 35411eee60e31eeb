"""Batches: order and augmentation are functions of (seed, epoch, image) alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import EvaluationBatches, TrainingBatches, epoch_order

FULL = Augmentation(horizontal_flip=True, vertical_flip=True, rotation=15.0, brightness=0.2, contrast=0.2)


IMAGES = np.random.default_rng(0).integers(0, 256, (11, 16, 16, 3), dtype=np.uint8)


LABELS = np.arange(11) % 2


def batches(batch_size=4, seed=0, augmentation=FULL, rows=None):
    rows = np.arange(11) if rows is None else rows
    return TrainingBatches(
        IMAGES, rows, LABELS[: len(rows)], batch_size=batch_size, seed=seed, augmentation=augmentation
    )


def epoch_of(source, epoch):
    """All images of an epoch by image, undoing the order."""
    source.epoch = epoch
    drawn = torch.cat([source[index][0] for index in range(source.num_batches)])
    return {int(row): drawn[place].numpy() for place, row in enumerate(source.order)}


@given(st.integers(0, 2**31 - 1), st.integers(1, 1000), st.integers(1, 200))
def test_an_order_is_a_permutation_and_repeats(seed, epoch, images):
    order = epoch_order(seed, epoch, images)
    assert sorted(order.tolist()) == list(range(images))
    assert (order == epoch_order(seed, epoch, images)).all()


def test_orders_differ_between_epochs_and_seeds():
    orders = {tuple(epoch_order(seed, epoch, 50)) for seed in range(5) for epoch in range(1, 6)}
    assert len(orders) == 25


def test_an_image_is_varied_the_same_way_whatever_came_before_and_whatever_the_batch_size():
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    straight = epoch_of(batches(), 3)
    torch.manual_seed(5)
    used = batches(batch_size=3)
    for epoch in (1, 2, 7):
        epoch_of(used, epoch)
    again = epoch_of(used, 3)
    for row, image in straight.items():
        np.testing.assert_array_equal(image, again[row])


def test_epochs_seeds_and_images_are_varied_differently():
    assert not np.array_equal(FULL.draw(0, 1, 11), FULL.draw(0, 2, 11))
    assert not np.array_equal(FULL.draw(0, 1, 11), FULL.draw(1, 1, 11))
    assert len({tuple(row) for row in FULL.draw(0, 1, 11)}) == 11


@pytest.mark.parametrize("name", ["horizontal_flip", "vertical_flip", "rotation", "brightness", "contrast"])
def test_each_setting_changes_images_and_its_absence_does_not(name):
    value = True if name.endswith("flip") else 0.5
    none = epoch_of(batches(augmentation=Augmentation()), 1)
    one = epoch_of(batches(augmentation=Augmentation(**{name: value})), 1)
    assert all(np.array_equal(none[row], IMAGES[row].astype(np.float32)) for row in none)
    assert any(not np.array_equal(one[row], IMAGES[row].astype(np.float32)) for row in one)


def test_batches_cover_an_epoch_once_and_the_last_holds_what_remains():
    source = batches(batch_size=4, augmentation=Augmentation())
    sizes = [len(source[index][1]) for index in range(source.num_batches)]
    assert sizes == [4, 4, 3]
    seen = torch.cat([source[index][0] for index in range(3)]).numpy()
    assert sorted(image.sum() for image in seen) == sorted(image.sum() for image in IMAGES.astype(np.float32))


def test_labels_follow_their_images_through_rows_and_order():
    rows = np.array([9, 2, 5, 7])
    source = batches(augmentation=Augmentation(), rows=rows)
    images, labels = source[0]
    for image, label in zip(images.numpy(), labels.numpy()[:, 0], strict=True):
        place = next(number for number, row in enumerate(rows) if np.array_equal(IMAGES[row], image.astype(np.uint8)))
        assert label == LABELS[place]


def test_batches_are_float32_in_channels_last_memory():
    images, labels = batches()[0]
    assert (images.dtype, tuple(images.shape), images.is_contiguous()) == (torch.float32, (4, 16, 16, 3), True)
    assert (labels.dtype, tuple(labels.shape)) == (torch.float32, (4, 1))


def test_evaluation_gives_the_rows_in_order_as_they_are():
    rows = np.array([3, 1, 10])
    source = EvaluationBatches(IMAGES, rows, batch_size=2)
    found = torch.cat([source[index][0] for index in range(source.num_batches)])
    np.testing.assert_array_equal(found.numpy(), IMAGES[rows])
