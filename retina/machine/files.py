"""Files and folders that appear whole or not at all, bounded reading, and digests."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from retina.errors import RetinaError

CHUNK = 1 << 20

MOST = 1 << 26
"""Bytes of a record or a table at most: RFMiD's labels are a hundredth of it."""


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_bounded(path: Path, most: int = MOST) -> bytes:
    """The bytes of a file that should be small, so that no file can fill the memory.

    Raises:
        OSError: it cannot be read, or is larger than `most` bytes.
    """
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB", str(path))
    return content


def json_sha256(content: object) -> str:
    """The SHA-256 of plain JSON values, whatever the order of their keys; 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, so that a rename survives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def unwritable_is_one_line(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into one helpful line."""
    try:
        yield
    except OSError as error:
        raise RetinaError(
            f"cannot write {path}",
            expected="a folder that can be written, on a disk with room",
            found=error.strerror or str(error),
            where=error.filename or path,
            advice="free some space, fix the permissions, or name another folder",
        ) from error


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well it takes the name `path`, else it is removed.

    Raises:
        RetinaError: the folder cannot be written, or the disk is full.
    """
    with unwritable_is_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside `path`, since a rename is atomic only within one file system; with its suffix, since Keras chooses the
        # format of a file by that.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=f".tmp{path.suffix}")
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            # A rename can reach the disk before the bytes do: after a loss of power the right name would hold nothing.
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())  # mkstemp lets nobody but the owner read
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; when the block ends well it takes the name `path`, else it is removed.

    Where another process made `path` in the meantime, that folder stays and this one is dropped: both hold the same.

    Raises:
        RetinaError: the folder cannot be written, or the disk is full.
    """
    path = path.absolute()
    with unwritable_is_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            try:
                temporary.rename(path)
            except OSError:
                # Another process was first, or something else is in the way, such as a mount point.
                if not (path.is_dir() and any(path.iterdir())):
                    raise
            sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _umask() -> int:
    """The process's file-creation mask (it can only be read by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
