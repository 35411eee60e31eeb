"""What an image file turns out to be, from its header or by decoding it."""

import struct
import zlib

import pytest
from planted_faults import checked, empty, found, scramble
from sets_on_disk import (
    LABELS,
    image_of,
    write_official,
)

from retina.data.auditing import audit, inspection
from retina.data.sources import labels


@pytest.mark.parametrize("plant", [empty, scramble])
@pytest.mark.parametrize("thorough", [True, False])
def test_an_image_that_is_none_is_unreadable_either_way(tmp_path, plant, thorough):
    root = write_official(tmp_path)
    plant(root)
    assert found(checked(root, thorough=thorough), "unreadable-image")[0].ids == ("train/2",)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_found_by_decoding_alone(tmp_path, suffix):
    root = write_official(tmp_path, suffix=suffix, size=(64, 64))
    path = image_of(root, "train", f"5{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert found(checked(root, thorough=False), "unreadable-image") == []
    result = checked(root)
    assert found(result, "unreadable-image")[0].ids == ("train/5",)
    assert {split: counts["truncated"] for split, counts in result.splits.items()} == {
        "train": 1,
        "validation": 0,
        "test": 0,
    }


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("side", [10_500, 60_000])
def test_a_decompression_bomb_is_unreadable_and_never_decoded(tmp_path, thorough, side):
    root = write_official(tmp_path)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
    image_of(root, "train", "2.png").write_bytes(bomb)
    assert found(checked(root, thorough=thorough), "unreadable-image")[0].ids == ("train/2",)


def test_an_image_that_vanishes_after_the_labels_were_read_is_unreadable(tmp_path):
    root = write_official(tmp_path)
    table = labels.read(root)
    image_of(root, "train", "2.png").unlink()
    (problem,) = found(audit.check(table, quiet=True), "unreadable-image")
    assert problem.ids == ("train/2",)
    assert "cannot be read" in problem.sentence


def test_many_images_are_decoded_in_processes_with_the_same_result(tmp_path, monkeypatch):
    root = write_official(tmp_path, labels=dict.fromkeys(LABELS, (1, 0) * 6))
    image_of(root, "test", "5.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    paths = list(labels.read(root).frame["path"])
    assert len(paths) >= inspection.FEW
    apart = inspection.inspect(paths, thorough=True, quiet=True)
    monkeypatch.setattr(inspection, "FEW", len(paths) + 1)
    assert inspection.inspect(paths, thorough=True, quiet=True) == apart
    assert list(apart) == paths
