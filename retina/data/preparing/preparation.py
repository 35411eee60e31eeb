"""What a worker does with a chunk of images: reads each file once, hashes and decodes it, and writes its pixels.

Workers import this room, so it imports numpy and Pillow and nothing slow.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retina.data.preparing import fundus
from retina.errors import DataError, ImageError


class Source(NamedTuple):
    """An image file, and how it was when it was asked for."""

    path: str
    size: int
    mtime_ns: int


class Task(NamedTuple):
    """A few images to prepare, and where in which file their pixels go."""

    sources: tuple[Source, ...]
    image_size: int
    crop: bool
    pixels: Path
    offset: int


class Prepared(NamedTuple):
    """What became of a task: each file's SHA-256, why it could not be decoded, and the SHA-256 of all the pixels."""

    digests: list[str]
    reasons: list[str | None]
    pixels: str


def describe(path: Path) -> Source:
    """What a file is known by.

    Raises:
        DataError: there is no such file.
    """
    try:
        found = path.stat()
        return Source(str(path.resolve()), found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise _unreadable(path, error) from error


def prepare(task: Task) -> Prepared:
    """Prepare a chunk of images and write their pixels to their place.

    Raises:
        DataError: a file cannot be read or changes meanwhile.
        OSError: the pixels cannot be written.
    """
    block = np.zeros((len(task.sources), task.image_size, task.image_size, 3), np.uint8)
    digests, reasons = [], []
    for row, source in enumerate(task.sources):
        data = _read(source)
        digests.append(hashlib.sha256(data).hexdigest())
        try:
            block[row] = fundus.prepare_bytes(data, Path(source.path), task.image_size, crop=task.crop)
            reasons.append(None)
        except ImageError as error:
            reasons.append(f"{error.problem}: {error.found}")
    # Written, not mapped: a full disk is then an error that can be told, not a signal that kills the worker.
    with task.pixels.open("r+b") as stream:
        stream.seek(task.offset)
        stream.write(block)
    return Prepared(digests, reasons, hashlib.sha256(block).hexdigest())


def _read(source: Source) -> bytes:
    """The bytes of an image file that is still what the key says."""
    try:
        with open(source.path, "rb") as stream:  # noqa: PTH123
            found = os.fstat(stream.fileno())
            data = stream.read(fundus.LARGEST_FILE + 1)
    except OSError as error:
        raise _unreadable(source.path, error) from error
    if len(data) > fundus.LARGEST_FILE:
        raise DataError(
            "an image file is too large", expected="at most 1 GiB", found=f"{source.size} bytes", where=source.path
        )
    if (len(data), found.st_mtime_ns) != (source.size, source.mtime_ns):
        raise DataError("an image file changed while it was read", where=source.path, advice="start again")
    return data


def _unreadable(path: Path | str, error: OSError) -> DataError:
    """The error for an image file that the operating system does not give."""
    return DataError("cannot read an image file", found=error.strerror or str(error), where=path)
