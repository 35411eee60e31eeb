"""Files appear whole or not at all."""

import errno
import hashlib
import os
import stat

import pytest

from retina.data.preparing import fundus
from retina.data.sources.label_table import read_table
from retina.errors import RetinaError
from retina.experiments import parameters
from retina.machine import files
from retina.runs import tables
from retina.runs.folder import Run


class StopError(Exception):
    """Something goes wrong in the middle of a write."""


def test_a_file_keeps_its_old_content_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def fail():
        with files.atomic_file(path) as temporary:
            temporary.write_text("half")
            raise StopError

    with pytest.raises(StopError):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "folder"

    def fail():
        with files.atomic_folder(path) as temporary:
            (temporary / "a").write_text("half")
            raise StopError

    with pytest.raises(StopError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with files.atomic_folder(path) as temporary:
        (temporary / "a").write_text("whole")
    assert (path / "a").read_text() == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_the_first_of_two_builders_of_a_folder_wins(tmp_path):
    path = tmp_path / "folder"
    with files.atomic_folder(path) as late:
        (late / "a").write_text("late")
        with files.atomic_folder(path) as early:
            (early / "a").write_text("early")
    assert (path / "a").read_text() == "early"
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_cannot_be_replaced_is_an_error_and_not_silence(tmp_path, monkeypatch):
    """An empty mount point, or the current folder, cannot be renamed over."""

    def busy(*_):
        raise OSError(errno.EBUSY, "Device or resource busy")

    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.setattr(files.Path, "rename", busy)
    with pytest.raises(RetinaError, match="busy"), files.atomic_folder(path) as temporary:
        (temporary / "a").write_text("whole")


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(RetinaError) as caught:
        files.write_text(path, "new")
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_is_durable_before_it_has_its_name_and_the_name_before_the_work_goes_on(tmp_path, monkeypatch):
    """What a loss of power leaves depends on this order, which no killed process can show."""
    done = []

    def told(name):
        real = getattr(os, name)

        def call(*arguments):
            done.append(
                (name, "folder" if name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode) else "file")
            )
            return real(*arguments)

        return call

    for name in ("fsync", "replace", "rename"):
        monkeypatch.setattr(os, name, told(name))
    files.write_text(tmp_path / "a.txt", "new")
    assert done == [("fsync", "file"), ("replace", "file"), ("fsync", "folder")]
    done.clear()
    with files.atomic_folder(tmp_path / "made") as folder:
        (folder / "b.txt").write_text("new")
    assert done == [("rename", "file"), ("fsync", "folder")]


def test_a_path_below_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RetinaError, match="cannot write"):
        files.write_text(tmp_path / "file" / "a.txt", "x")


def test_a_written_file_can_be_read_by_others(tmp_path):
    """A temporary file is private; the finished one has the permissions of any other file."""
    files.write_text(tmp_path / "a.txt", "x")
    (tmp_path / "b.txt").write_text("x")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == stat.S_IMODE((tmp_path / "b.txt").stat().st_mode)


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(content)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_file_that_is_larger_than_it_should_be_is_not_read_into_memory(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"12345")
    assert files.read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than") as caught:
        files.read_bounded(path, 4)
    assert caught.value.filename == str(path)


def test_every_reader_of_small_files_refuses_a_large_one_in_one_line(tmp_path, monkeypatch):
    """The bound is lowered, so that no test needs a file of its size."""
    read = files.read_bounded
    monkeypatch.setattr(files, "read_bounded", lambda path, most=8: read(path, min(most, 8)))
    path = tmp_path / "large.toml"
    path.write_text("a" * 9)
    run = Run(tmp_path)
    for reader in (
        lambda: tables.read(path, ("epoch",)),
        lambda: parameters.read(path),
        lambda: read_table(path, ("ID",)),
        lambda: fundus.decode(path),
    ):
        with pytest.raises(RetinaError, match="larger than"):
            reader()
    run.record_path.write_text("a" * 9)
    with pytest.raises(RetinaError, match="larger than"):
        run.record()
