"""Images in a file are read as numpy would give them, and never held whole in memory."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.data.preparing.pixels import Pixels
from retina.errors import DataError

DESCRIPTORS = Path("/proc/self/fd")
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 5, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "images.u8"
    path.write_bytes(IMAGES.tobytes())
    return Pixels(path, IMAGES.shape)


@given(st.lists(st.integers(-9, 8), max_size=20))
def test_rows_are_what_numpy_would_give(pixels, rows):
    rows = np.array(rows, np.int64)
    np.testing.assert_array_equal(pixels[rows], IMAGES[rows])


@given(st.slices(9))
def test_slices_are_what_numpy_would_give(pixels, part):
    np.testing.assert_array_equal(pixels[part], IMAGES[part])


def test_one_row_is_one_image_and_all_of_them_are_an_array(pixels):
    np.testing.assert_array_equal(pixels[3], IMAGES[3])
    np.testing.assert_array_equal(pixels[-1], IMAGES[-1])
    np.testing.assert_array_equal(np.asarray(pixels), IMAGES)
    np.testing.assert_array_equal(np.asarray(pixels, np.float32), IMAGES.astype(np.float32))
    np.testing.assert_array_equal(pixels[np.arange(9) % 2 == 1], IMAGES[1::2])
    assert [image.sum() for image in pixels] == [image.sum() for image in IMAGES]
    assert (len(pixels), pixels.shape, pixels.dtype) == (9, IMAGES.shape, np.uint8)


@pytest.mark.parametrize("row", [9, -10, [0, 9]])
def test_a_row_that_is_not_there_is_an_index_error(pixels, row):
    with pytest.raises(IndexError):
        pixels[row]


def test_a_file_cut_short_is_named_and_a_removed_one_stays_readable(tmp_path):
    path = tmp_path / "images.u8"
    path.write_bytes(IMAGES.tobytes())
    pixels = Pixels(path, IMAGES.shape)
    os.truncate(path, IMAGES[:5].nbytes)
    with pytest.raises(DataError, match=r"images\.u8"):
        pixels[np.arange(9)]
    path.unlink()
    np.testing.assert_array_equal(pixels[:5], IMAGES[:5])


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="needs /proc")
def test_the_file_is_closed_with_its_last_user(tmp_path):
    path = tmp_path / "images.u8"
    path.write_bytes(IMAGES.tobytes())
    gc.collect()
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(20):
        Pixels(path, IMAGES.shape)[0]
    gc.collect()
    assert len(list(DESCRIPTORS.iterdir())) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux")
def test_reading_every_image_takes_the_memory_of_one_batch(tmp_path):
    path = tmp_path / "images.u8"
    with path.open("wb") as stream:
        stream.truncate(400 << 20)
    script = f"""
import resource
from pathlib import Path
import numpy as np
from retina.data.preparing.pixels import Pixels
pixels = Pixels(Path({str(path)!r}), (400, 1024, 1024, 1))
pixels[:8]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for first in range(0, 400, 8):
    pixels[np.arange(first, first + 8)]
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10
"""
    subprocess.run([sys.executable, "-c", script], check=True)
