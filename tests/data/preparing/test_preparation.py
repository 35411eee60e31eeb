"""What a worker does with a chunk of images."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from eyes_on_disk import SIDE, write_eyes

from retina.data.preparing import fundus, preparation
from retina.errors import DataError


@pytest.fixture
def task(tmp_path):
    """Three images, whose pixels go behind those of one other image."""
    pixels = tmp_path / "pixels"
    pixels.write_bytes(b"\x07" * (4 * SIDE * SIDE * 3))
    sources = tuple(preparation.describe(path) for path in write_eyes(tmp_path / "eyes", 3))
    return preparation.Task(sources, SIDE, crop=True, pixels=pixels, offset=SIDE * SIDE * 3)


def test_the_pixels_of_a_chunk_are_written_to_their_place_alone(task):
    result = preparation.prepare(task)
    first, *others = np.fromfile(task.pixels, np.uint8).reshape(4, SIDE, SIDE, 3)
    assert (first == 7).all()
    np.testing.assert_array_equal(others, [fundus.prepare(Path(source.path), SIDE) for source in task.sources])
    assert result.pixels_digest == hashlib.sha256(np.asarray(others)).hexdigest()
    assert result.reasons == [None] * 3


def test_an_image_that_cannot_be_decoded_is_black_and_has_its_reason_and_digest(task, tmp_path):
    broken = tmp_path / "eyes" / "1.png"
    broken.write_bytes(b"no picture")
    task = task._replace(sources=(task.sources[0], preparation.describe(broken), task.sources[2]))
    result = preparation.prepare(task)
    pixels = np.fromfile(task.pixels, np.uint8).reshape(4, SIDE, SIDE, 3)[1:]
    assert [image.any() for image in pixels] == [True, False, True]
    assert [reason is None for reason in result.reasons] == [True, False, True]
    assert result.digests[1] == hashlib.sha256(b"no picture").hexdigest()


def test_a_file_that_is_not_what_was_asked_for_any_more_is_an_error_that_names_it(task):
    source = task.sources[1]
    os.utime(source.path, ns=(0, source.mtime_ns + 1))
    with pytest.raises(DataError, match=f"changed while it was read .*{source.path}"):
        preparation.prepare(task)


def test_a_file_that_is_not_there_has_no_description(tmp_path):
    with pytest.raises(DataError, match=r"cannot read an image file .*none\.png"):
        preparation.describe(tmp_path / "none.png")


def test_a_worker_imports_nothing_heavy() -> None:
    script = "import sys, retina.data.preparing.preparation; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"torch", "keras", "pandas", "scipy", "sklearn", "matplotlib", "rich"}
