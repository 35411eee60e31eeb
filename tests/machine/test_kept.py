"""The cache folder, and how damaged and abandoned folders leave a cache."""

import logging
import os
import time

import pytest

from retina.errors import DataError, RunError
from retina.machine import kept


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path))
    assert kept.cache_folder() == tmp_path
    monkeypatch.delenv("RETINA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert kept.cache_folder() == tmp_path / "x" / "retina"


def damaged():
    raise DataError("the cache is damaged", found="other bytes")


def test_what_is_in_order_is_read_and_what_is_not_there_is_to_be_made(tmp_path):
    (tmp_path / "cache").mkdir()
    assert kept.read_or_discard(tmp_path / "cache", lambda: "content") == "content"
    assert kept.read_or_discard(tmp_path / "none", lambda: "content") is None


def test_a_damaged_cache_is_named_and_removed(tmp_path, caplog):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_text("")
    assert kept.read_or_discard(tmp_path / "cache", damaged) is None
    assert list(tmp_path.iterdir()) == []
    assert caplog.record_tuples == [
        ("retina.machine.kept", logging.WARNING, "the cache is damaged | Found: other bytes | It is made again.")
    ]


def test_another_error_than_damage_removes_nothing(tmp_path):
    (tmp_path / "cache").mkdir()

    def read():
        raise RunError("something else")

    with pytest.raises(RunError):
        kept.read_or_discard(tmp_path / "cache", read)
    assert (tmp_path / "cache").is_dir()


def test_drafts_that_killed_processes_left_a_day_ago_are_swept(tmp_path):
    for name in (".cache.old.tmp", ".cache.new.tmp", "cache.tmp"):
        (tmp_path / name).mkdir()
    long_ago = time.time() - kept.STALE - 60
    for name in (".cache.old.tmp", "cache.tmp"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    kept.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache.new.tmp", "cache.tmp"]
