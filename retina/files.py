"""Files that appear whole or not at all, their digests, and the folder where retina keeps what it can make again."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from retina.errors import DataError, RetinaError

Kept = TypeVar("Kept")

LOG = logging.getLogger(__name__)

CHUNK = 1 << 20

MOST = 1 << 26
"""Bytes of a record or a table at most: RFMiD's labels are a hundredth of it."""

STALE = 24 * 3600
"""Seconds after which a temporary folder that nobody writes to was left by a process that was killed."""


def cache_folder() -> Path:
    """The folder for downloads, image caches and the built-in set: `RETINA_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("RETINA_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "retina"


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
            advice="free some space, mend the permissions, or name another folder",
        ) from error


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends well it takes the name `path`, else it is removed.

    Raises:
        RetinaError: the folder cannot be written, or the disk is full.
    """
    with unwritable_is_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=f".tmp{path.suffix}")
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; when the block ends well it takes the name `path`, else it is removed.

    Where another process made `path` in the meantime, that one stays and this one is dropped: both hold the same.

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
                # Another builder was first, or something else is in the way, such as a mount point.
                if not (path.is_dir() and any(path.iterdir())):
                    raise
            sync_folder(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def seal(content: dict[str, Any]) -> str:
    """A mapping of plain JSON values as text, under its own SHA-256."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({"sha256": digest, "content": content}, indent=1) + "\n"


def unseal(text: str) -> dict[str, Any]:
    """The mapping that `seal` wrote.

    Raises:
        ValueError: the text is none of `seal`'s, or was altered.
    """
    try:
        content = json.loads(text)["content"]
        altered = seal(content) != text
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError("is not a manifest") from error
    if altered:
        raise ValueError("was altered")
    return content


def read_sealed(path: Path) -> dict[str, Any]:
    """The mapping in a file that holds what `seal` wrote.

    Raises:
        ValueError: it is not there, is no such file, or was altered; in words that begin with its name.
    """
    try:
        return unseal(read_bounded(path).decode("ascii"))
    except OSError as error:
        raise ValueError(f"{path.name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not a manifest") from error
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from error


def kept(folder: Path, read: Callable[[], Kept]) -> Kept | None:
    """What a folder of work that was done before holds; `None` where the work has to be done.

    A damaged folder is named in a warning of this module's logger and taken away, and so is what killed processes left
    beside it.

    Args:
        folder: The folder, which may not be there.
        read: Reads and checks it; raises DataError where it is damaged.

    Raises:
        RetinaError: a damaged folder cannot be taken away.
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
    """Take a folder away, under another name first so that nobody meets half of it.

    Raises:
        RetinaError: it cannot be taken away.
    """
    with unwritable_is_one_line(folder):
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the temporary folders that processes which were killed have left in a folder."""
    for left in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):  # its owner has just finished, or it is another user's
            last = max(path.stat().st_mtime for path in (left, *left.iterdir()))
            if time.time() - last > STALE:
                shutil.rmtree(left, ignore_errors=True)


def _umask() -> int:
    """The process's file-creation mask (it can only be read by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
