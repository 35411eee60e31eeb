"""The processes that prepare images, one a core: each reads a file once, hashes and decodes it, and writes its pixels.

They are spawned, not forked: torch's threads make a fork of the parent unsafe. So this room imports numpy and Pillow
and nothing slow, and a script that gets here from its top level needs `if __name__ == "__main__":`.
"""

import contextlib
import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np

from retina.data import fundus
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


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(tasks: Sequence[Task]) -> Iterator[Prepared]:
    """Work tasks off, in order; a few are done in this process, sooner than workers start.

    Raises:
        DataError: a file cannot be read or changes meanwhile, or a worker died.
        OSError: the pixels cannot be written.
    """
    workers = min(cores(), len(tasks) // 2)
    if workers < 2:  # noqa: PLR2004
        yield from map(_prepare, tasks)
        return
    spawn = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_worker)
        try:
            yield from pool.map(_prepare, tasks)
        except BrokenProcessPool as error:
            raise DataError(
                "a worker that prepares images ended early",
                advice='see that memory suffices, and that your script starts under `if __name__ == "__main__":`',
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes started meanwhile make one BLAS thread each: 64 workers of 64 threads meet the limit of threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, be it killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone; without this, workers of a killed parent would wait for tasks forever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _prepare(task: Task) -> Prepared:
    """Prepare a chunk of images and write their pixels to their place."""
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
            data = stream.read()
    except OSError as error:
        raise _unreadable(source.path, error) from error
    if (len(data), found.st_mtime_ns) != (source.size, source.mtime_ns):
        raise DataError("an image file changed while it was read", where=source.path, advice="start again")
    return data


def _unreadable(path: Path | str, error: OSError) -> DataError:
    """The error for an image file that the operating system does not give."""
    return DataError("cannot read an image file", found=error.strerror or str(error), where=path)
