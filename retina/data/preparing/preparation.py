"""The work of a worker process: it reads each file of a chunk once, hashes and decodes it, and writes its pixels.

Every worker imports this module, so it imports numpy and Pillow and nothing slow.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retina.data.preparing import fundus
from retina.errors import DataError, ImageError


class Source(NamedTuple):
    """An image file, with its size in bytes and modification time when the cache was requested."""

    path: str
    size: int
    mtime_ns: int


class Task(NamedTuple):
    """A chunk of images to prepare, and the file and the offset in bytes at which their pixels go."""

    sources: tuple[Source, ...]
    image_size: int
    crop: bool
    pixels: Path
    offset: int


class TaskResult(NamedTuple):
    """The result of a task.

    Attributes:
        digests: The SHA-256 of each image file.
        reasons: Why each could not be decoded, or None.
        pixels_digest: The SHA-256 of the pixels of the whole chunk.
    """

    digests: list[str]
    reasons: list[str | None]
    pixels_digest: str


def describe(path: Path) -> Source:
    """A file's path, size and time, by which a cache is recognised; its bytes are not read.

    Raises:
        DataError: there is no such file.
    """
    try:
        status = path.stat()
        return Source(str(path.resolve()), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise _unreadable(path, error) from error


def prepare(task: Task) -> TaskResult:
    """Prepare a chunk of images and write their pixels to their place; those of undecodable images are 0.

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
    # Written, not mapped: a full disk then raises an error and does not kill the worker by a signal.
    with task.pixels.open("r+b") as stream:
        stream.seek(task.offset)
        stream.write(block)
    return TaskResult(digests, reasons, hashlib.sha256(block).hexdigest())


def _read(source: Source) -> bytes:
    """The bytes of an image file, after making sure that size and time are still those of the source."""
    try:
        with open(source.path, "rb") as stream:  # noqa: PTH123
            status = os.fstat(stream.fileno())
            data = stream.read(fundus.LARGEST_FILE + 1)
    except OSError as error:
        raise _unreadable(source.path, error) from error
    if len(data) > fundus.LARGEST_FILE:
        raise DataError(
            "an image file is too large", expected="at most 1 GiB", found=f"{source.size} bytes", where=source.path
        )
    if (len(data), status.st_mtime_ns) != (source.size, source.mtime_ns):
        raise DataError("an image file changed while it was read", where=source.path, advice="start again")
    return data


def _unreadable(path: Path | str, error: OSError) -> DataError:
    """The error for an image file that the operating system cannot read."""
    return DataError("cannot read an image file", found=error.strerror or str(error), where=path)
