"""The cache: the folder for what retina can make again, and the removal of damaged or abandoned folders in it."""

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from retina.errors import DataError
from retina.machine.files import unwritable_is_one_line

Kept = TypeVar("Kept")


LOG = logging.getLogger(__name__)


STALE = 24 * 3600
"""Seconds without a write after which a temporary folder counts as left by a process that was killed."""


def cache_folder() -> Path:
    """The folder for downloads, image caches and the built-in set: `RETINA_CACHE`, else the user's cache folder."""
    own = os.environ.get("RETINA_CACHE")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "retina"


def read_or_discard(folder: Path, read: Callable[[], Kept]) -> Kept | None:
    """What a folder of a cache holds; `None` where there is none, so that it has to be made.

    A damaged folder is named in a warning of this module's logger and removed, and so is what killed processes left
    beside it: for caches alone, since nothing below a results folder is ever deleted for being damaged.

    Args:
        folder: The folder, which may not be there.
        read: Reads and checks it; raises DataError where it is damaged.

    Raises:
        RetinaError: a damaged folder cannot be removed.
    """
    if os.path.lexists(folder):
        try:
            return read()
        except DataError as error:
            LOG.warning("%s | It is made again.", error)
            discard(folder)
    sweep(folder.parent)
    return None


def discard(folder: Path) -> None:
    """Remove a folder; it is renamed first, so that no reader meets half of it.

    Raises:
        RetinaError: it cannot be removed.
    """
    with unwritable_is_one_line(folder):
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the temporary folders that processes which were killed have left in a folder."""
    for abandoned in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):  # its owner has just finished, or it is another user's
            # A folder's own time changes when a file is made or removed in it, not while one is written.
            last = max(path.stat().st_mtime for path in (abandoned, *abandoned.iterdir()))
            if time.time() - last > STALE:
                shutil.rmtree(abandoned, ignore_errors=True)
