"""One data set under several targets: images are decoded once, and each target has labels of its own."""

import os

import numpy as np
import pytest
from tiny_sets import write_set

from retina.data import dataset
from retina.data.preparing import cache
from retina.errors import DataError
from retina.experiments.target import DEFAULT, binary

COUNTS = {"train": 8, "validation": 8, "test": 8}


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A set with three more columns: one with labels of its own, one with those of the default target, one of ages."""
    flags = {"DR": lambda number: number % 2, "ill": lambda number: int(number % 4 != 0), "age": lambda number: number}
    return write_set(tmp_path_factory.mktemp("eyes") / "set", COUNTS, seed=7, flags=flags)


def load(folder, column=DEFAULT.column, **options):
    return dataset.load(folder, target=binary(column), image_size=64, crop=True, quiet=True, **options)


def test_labels_and_positives_are_those_of_the_target(eyes):
    images = load(eyes, "dr")
    assert images.target == binary("DR")
    assert images.splits["train"].labels.tolist() == [1, 0] * 4
    assert load(eyes).splits["train"].labels.tolist() == [1, 1, 1, 0] * 2
    assert int(images.splits["test"].labels.sum()) == 4


def test_the_images_of_another_target_are_those_decoded_before(eyes, monkeypatch):
    first = load(eyes)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "on_all_cores", lambda *_, **__: pytest.fail("an image was decoded again"))
        second = load(eyes, "DR")
    assert np.array_equal(first.images[[0, 5]], second.images[[0, 5]])


def test_other_labels_are_other_data_and_equal_labels_are_told_apart_by_the_target_alone(eyes):
    assert load(eyes).fingerprint != load(eyes, "DR").fingerprint
    assert load(eyes).fingerprint == load(eyes, "ill").fingerprint


def test_a_column_of_other_values_is_refused_by_its_name(eyes):
    with pytest.raises(DataError, match=r"Expected: age 0 or 1 \| Found: .* labels of age in train") as caught:
        load(eyes, "age")
    assert os.linesep not in str(caught.value)


def test_a_split_that_keeps_one_class_of_the_target_is_refused_by_its_name(tmp_path):
    """The audit opens headers alone: the only positive may turn out to be damaged when it is decoded."""
    flags = {"DR": lambda number: int(number == 1)}
    folder = write_set(tmp_path / "set", COUNTS, seed=8, flags=flags)
    image = folder / "Test_Set" / "Test" / "1.png"
    image.write_bytes(image.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"the test split cannot be used \| Expected: images of both classes of DR"):
        load(folder, "DR", skip_bad=True)
