"""A cache of prepared images holds what `prepare` gives, is built once, and is made again where it is damaged."""

import errno
import hashlib
import json
import logging
import multiprocessing
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from eyes_on_disk import SIDE, names, write_eyes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from retina.data.preparing import cache, fundus
from retina.data.preparing.cache import open_or_build
from retina.errors import DataError, RetinaError
from retina.machine import kept


@pytest.fixture
def eyes(tmp_path: Path) -> list[Path]:
    """Ten images: too few for workers."""
    return write_eyes(tmp_path / "eyes", 10)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "caches"


# What is in a cache
@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("count", [3, 45])
def test_pixels_are_those_of_prepare_in_the_order_given(count: int, crop: bool, tmp_path: Path, home: Path) -> None:
    """Three are prepared in this process, 45 by workers; both count a last chunk that is not full."""
    paths = write_eyes(tmp_path / "eyes", count)[::-1]
    found = open_or_build(paths, image_size=SIDE, crop=crop, folder=home)
    assert (found.images.shape, found.images.dtype) == ((count, SIDE, SIDE, 3), np.uint8)
    np.testing.assert_array_equal(found.images, [fundus.prepare(path, SIDE, crop=crop) for path in paths])
    assert found.digests == tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert found.bad == {}
    assert names(home) == [found.folder.name]


def test_images_are_read_by_rows_and_a_reader_cannot_change_them(eyes: list[Path], home: Path) -> None:
    images = open_or_build(eyes, image_size=SIDE, folder=home).images
    before = images[[2, 0]]
    images[2][:] = 0
    before_again = images[[2, 0]]
    np.testing.assert_array_equal(before_again, before)
    with pytest.raises(TypeError):
        images[0] = before[0]


def test_the_manifest_tells_what_the_pixels_are_made_from(eyes: list[Path], home: Path) -> None:
    found = open_or_build(eyes, image_size=SIDE, folder=home)
    content = json.loads((found.folder / cache.MANIFEST).read_text())["content"]
    assert content["root"] == str(eyes[0].parent.resolve())
    assert [image["path"] for image in content["images"]] == [path.name for path in eyes]
    assert [image["size"] for image in content["images"]] == [path.stat().st_size for path in eyes]
    assert (content["image_size"], content["crop"], content["preparation"]) == (SIDE, True, fundus.PREPARATION)


@pytest.mark.parametrize("count", [6, 40])
def test_a_file_that_cannot_be_decoded_has_its_reason_and_black_pixels(count: int, tmp_path: Path, home: Path) -> None:
    paths = write_eyes(tmp_path / "eyes", count)
    paths[1].write_bytes(b"")
    paths[4].write_bytes(paths[4].read_bytes()[:60])
    for _ in range(2):
        found = open_or_build(paths, image_size=SIDE, folder=home)
        assert list(found.bad) == [1, 4]
        assert found.bad[1] == "the image file is empty: 0 bytes"
        assert found.bad[4].startswith("cannot decode the image: ")
        assert not found.images[[1, 4]].any()
        assert all(image.any() for index, image in enumerate(found.images) if index not in found.bad)
        assert found.digests[1] == hashlib.sha256(b"").hexdigest()


def test_the_cache_lies_in_the_users_cache_folder(eyes: list[Path], caches: Path) -> None:
    assert open_or_build(eyes, image_size=SIDE).folder.parent == caches / "images"


# When it is built
def test_the_second_call_decodes_nothing(eyes: list[Path], home: Path) -> None:
    """The files hold nothing but zeros by then, of the same length and time."""
    first = np.array(open_or_build(eyes, image_size=SIDE, folder=home).images)
    for path in eyes:
        known = path.stat()
        path.write_bytes(bytes(known.st_size))
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    second = open_or_build(eyes, image_size=SIDE, folder=home)
    np.testing.assert_array_equal(second.images, first)
    assert second.bad == {}


def test_a_changed_file_a_size_an_order_and_a_crop_are_caches_of_their_own(eyes: list[Path], home: Path) -> None:
    known = open_or_build(eyes, image_size=SIDE, folder=home)
    others = [
        open_or_build(eyes, image_size=SIDE + 1, folder=home),
        open_or_build(eyes, image_size=SIDE, crop=False, folder=home),
        open_or_build(eyes[::-1], image_size=SIDE, folder=home),
        open_or_build(eyes[:-1], image_size=SIDE, folder=home),
    ]
    Image.fromarray(np.full((48, 48, 3), 77, np.uint8)).save(eyes[3])
    changed = open_or_build(eyes, image_size=SIDE, folder=home)
    os.utime(eyes[0], ns=(5, 5))
    touched = open_or_build(eyes, image_size=SIDE, folder=home)
    assert len({found.folder for found in (known, *others, changed, touched)}) == 7
    assert (changed.images[3] == 77).all()
    np.testing.assert_array_equal(np.delete(changed.images, 3, 0), np.delete(known.images, 3, 0))


@pytest.mark.parametrize(("room", "name"), [(fundus, "PREPARATION"), (cache, "SCHEMA")])
def test_another_preparation_is_another_cache(
    room: object, name: str, eyes: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_or_build(eyes, image_size=SIDE, folder=home)
    monkeypatch.setattr(room, name, "another")
    assert open_or_build(eyes, image_size=SIDE, folder=home).folder != first.folder


def test_other_links_to_the_same_files_are_the_same_cache(eyes: list[Path], home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(eyes[0].parent)
    linked = [tmp_path / "link" / path.name for path in eyes]
    first = open_or_build(eyes, image_size=SIDE, folder=home)
    assert open_or_build(linked, image_size=SIDE, folder=home).folder == first.folder


# Damage
def rebuilt(eyes: list[Path], home: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Open a damaged cache, check that it was named and rebuilt, and return the warning."""
    caplog.clear()
    found = open_or_build(eyes, image_size=SIDE, folder=home)
    np.testing.assert_array_equal(found.images, [fundus.prepare(path, SIDE) for path in eyes])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(found.folder) in record.getMessage()
    caplog.clear()
    open_or_build(eyes, image_size=SIDE, folder=home)
    assert not caplog.records
    assert names(home) == [found.folder.name]
    return record.getMessage()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([cache.PIXELS, cache.MANIFEST]),
    place=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_any_changed_byte_is_noticed_and_mended(
    *, name: str, place: float, mask: int, eyes: list[Path], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = open_or_build(eyes, image_size=SIDE, folder=home).folder / name
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= mask
    path.write_bytes(data)
    assert "damaged" in rebuilt(eyes, home, caplog)


def test_every_kind_of_damage_is_named_and_mended(
    eyes: list[Path], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = open_or_build(eyes, image_size=SIDE, folder=home).folder
    pixels, manifest = folder / cache.PIXELS, folder / cache.MANIFEST

    def shorten() -> None:
        os.truncate(pixels, 100)

    def lengthen() -> None:
        pixels.write_bytes(pixels.read_bytes() + b"\0")

    def empty() -> None:
        pixels.unlink()
        manifest.unlink()

    def no_folder() -> None:
        empty()
        folder.rmdir()
        folder.write_text("a file of this name")

    damages = {
        shorten: r"images\.u8 of 100 bytes, not 17280",
        lengthen: r"images\.u8 of 17281 bytes, not 17280",
        pixels.unlink: r"images\.u8: No such file",
        manifest.unlink: r"manifest\.json: No such file",
        lambda: manifest.write_text("[]"): r"manifest\.json is not a manifest",
        lambda: manifest.write_bytes(b"\xff\xfe"): r"manifest\.json is not a manifest",
        lambda: manifest.write_text(manifest.read_text().replace("true", "false")): r"manifest\.json was altered",
        empty: "No such file",
        no_folder: "Not a directory",
    }
    for damage, message in damages.items():
        damage()
        assert re.search(message, rebuilt(eyes, home, caplog))


def test_a_whole_cache_under_a_wrong_name_is_not_used(
    eyes: list[Path], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = open_or_build(eyes, image_size=SIDE, folder=home).folder
    wrong = open_or_build(eyes[::-1], image_size=SIDE, folder=home).folder
    for path in right.iterdir():
        path.unlink()
    right.rmdir()
    wrong.rename(right)
    assert "of other images" in rebuilt(eyes, home, caplog)


def test_a_cache_that_another_process_has_taken_away_is_away(home: Path) -> None:
    home.mkdir()
    kept.discard(home / "0123456789abcdef")
    assert names(home) == []


# What goes wrong while it is built
def test_no_paths_and_a_missing_file_are_data_errors(eyes: list[Path], home: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        open_or_build([], image_size=SIDE, folder=home)
    with pytest.raises(DataError, match=r"none\.png"):
        open_or_build([*eyes, eyes[0].parent / "none.png"], image_size=SIDE, folder=home)
    with pytest.raises(DataError, match="directory"):
        open_or_build([*eyes, eyes[0].parent], image_size=SIDE, folder=home)
    assert names(home) == []


@pytest.mark.parametrize("count", [10, 40])
@pytest.mark.parametrize(("happens", "message"), [(Path.unlink, "cannot read"), (Path.touch, "changed while")])
def test_a_file_that_vanishes_or_changes_meanwhile_is_a_data_error(
    *,
    happens: Callable[[Path], None],
    message: str,
    count: int,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = write_eyes(tmp_path / "eyes", count)
    allocate = cache._allocate

    def allocate_and_disturb(path: Path, length: int) -> None:
        allocate(path, length)
        happens(paths[-2])

    monkeypatch.setattr(cache, "_allocate", allocate_and_disturb)
    with pytest.raises(DataError, match=message) as caught:
        open_or_build(paths, image_size=SIDE, folder=home)
    assert Path(caught.value.where) == paths[-2]
    assert multiprocessing.active_children() == []
    assert names(home) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the disk's room is asked for on Linux only")
def test_a_full_disk_is_one_line_before_anything_is_decoded(
    eyes: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(cache, "prepare", None)
    with pytest.raises(RetinaError, match="No space left") as caught:
        open_or_build(eyes, image_size=SIDE, folder=home)
    assert "\n" not in str(caught.value)
    assert names(home) == []


def test_left_temporary_folders_go_when_they_are_a_day_old(eyes: list[Path], home: Path) -> None:
    old, fresh, busy = (home / f".0123456789abcdef.{name}.tmp" for name in ("old", "fresh", "busy"))
    for folder in (old, fresh, busy):
        folder.mkdir(parents=True)
        (folder / cache.PIXELS).write_bytes(b"\0")
    long_ago = time.time() - 1.1 * kept.STALE
    for path in (old / cache.PIXELS, old, busy):
        os.utime(path, (long_ago, long_ago))
    (home / "another").mkdir()
    os.utime(home / "another", (long_ago, long_ago))
    found = open_or_build(eyes, image_size=SIDE, folder=home)
    assert names(home) == sorted([fresh.name, busy.name, "another", found.folder.name])
