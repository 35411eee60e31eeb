"""The lease on a run folder: one process trains a run at a time, and where it died another may take over.

Every attempt at a run is a file `attempt-<n>.json` in its folder, which appears whole and only where no such file is.
The highest number holds the run: a process that wants it makes the file of the next number, and may do so only where
the holder is dead. A process of the same machine is dead when the kernel says so; one of another machine, when its
file was not touched for `SILENCE` seconds by the clock of the disk that both see. A holder that was silent for longer,
because its machine slept, finds that its file is gone or a higher one is there, and writes nothing any more.
"""

import contextlib
import errno
import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from retina.errors import HeldError, RunError
from retina.machine import files, signals
from retina.runs import identity

BEAT = 10.0
"""Seconds between two signs of life."""
SILENCE = 120.0
"""Seconds without one after which a process of another machine counts as dead."""

PATTERN = "attempt-*.json"

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""Errors of file systems that have no hard links."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a run, or held it.

    Args:
        attempt: The number of the attempt, from 1.
        token: Unique to this attempt: 32 hexadecimal digits.
        host: The machine's name.
        place: Where process numbers are unique: machine, boot and container.
        pid: The process's number there.
        born: When it began, by the kernel's clock, so that a later process of the same number is not taken for it.
        since: When it took the run: UTC, to the second, ISO 8601.
    """

    attempt: int
    token: str
    host: str
    place: str
    pid: int
    born: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


class Lease:
    """A run that this process holds.

    Args:
        folder: The run folder.
        holder: This process, as its file says.
    """

    def __init__(self, folder: Path, holder: Holder) -> None:
        self.folder = folder
        self.holder = holder
        self._released = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def path(self) -> Path:
        """This attempt's file."""
        return _path(self.folder, self.holder.attempt)

    def check(self) -> None:
        """Refuse to write where this process does not hold the run any more.

        Raises:
            RunError: another attempt has taken it over, or the folder is gone.
        """
        latest = _latest(self.folder)
        if latest is None:
            state = "neither the run folder nor this attempt's file in it"
        elif latest[0] != self.holder.attempt or _read(latest[1]) != self.holder:
            state = f"attempt {latest[0]} by {_read(latest[1]) or 'another process'}"
        else:
            return
        raise RunError(
            "this run is not held by this process any more",
            expected=f"attempt {self.holder.attempt} by {self.holder}",
            found=state,
            where=self.folder,
            advice="type the same command again; this process writes nothing more",
        )

    def start(self) -> None:
        """Give signs of life until `end`."""
        self._heartbeat.start()

    def end(self) -> None:
        """Release the run; the file of a process that has taken it over stays."""
        self._released.set()
        with signals.undisturbed(), contextlib.suppress(OSError):
            self._heartbeat.join()
            if _read(self.path) == self.holder:
                self.path.unlink()

    def _beat(self) -> None:
        while not self._released.wait(BEAT):
            with contextlib.suppress(OSError):  # `check` raises it before the next write
                os.utime(self.path)


@contextlib.contextmanager
def take(folder: Path, *, after: int = 0) -> Iterator[Lease]:
    """Hold a run while the block lasts.

    Args:
        folder: The run folder.
        after: The number of the last attempt that the record names, whose file may be gone.

    Raises:
        HeldError: a living process holds it.
        RetinaError: the folder cannot be written.
    """
    lease = _claim(folder, after)
    for earlier in folder.glob(PATTERN):
        if _number(earlier) < lease.holder.attempt:
            earlier.unlink(missing_ok=True)
    lease.start()
    try:
        yield lease
    finally:
        lease.end()


def holder_of(folder: Path) -> Holder | None:
    """The living process that holds a run; `None` where none does."""
    latest = _latest(folder)
    if latest is None:
        return None
    holder = _read(latest[1])
    return holder if holder and _is_alive(holder, latest[1], now=time.time()) else None


def _claim(folder: Path, after: int) -> Lease:
    """Make the file of the next attempt; HeldError where a living process holds the run."""
    with files.unwritable_is_one_line(folder):
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".attempt.", suffix=".tmp")
        draft = Path(name)
        try:
            now = os.fstat(descriptor).st_mtime  # by the disk's clock, which other machines see too
            latest = _latest(folder)
            if latest is not None:
                _refuse_if_alive(folder, latest[1], now)
            holder = _this_process(max(after, latest[0] if latest else 0) + 1)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(holder)))
                stream.flush()
                os.fsync(descriptor)
            try:
                _link(draft, _path(folder, holder.attempt))
            except (FileExistsError, FileNotFoundError):  # another process was quicker, and may have removed this draft
                quicker = _latest(folder)
                if quicker is not None:
                    _refuse_if_alive(folder, quicker[1], now)
                raise
        finally:
            draft.unlink(missing_ok=True)
    return Lease(folder, holder)


def _link(draft: Path, path: Path) -> None:
    """Give a draft its name, unless a file of that name exists; also on file systems without hard links."""
    try:
        os.link(draft, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("x", encoding="utf-8") as stream:
            stream.write(draft.read_text(encoding="utf-8"))


def _refuse_if_alive(folder: Path, path: Path, now: float) -> None:
    """Raise where the process that made an attempt's file lives."""
    holder = _read(path)
    if _is_alive(holder, path, now):
        raise HeldError(
            "this run is being trained by another process",
            found=holder or "an attempt that has just begun",
            where=folder,
            advice=f"wait for it, or stop it there (`kill {holder.pid if holder else 'PID'}`) and type this again; a "
            f"process that died is noticed at once on its own machine, after {SILENCE:.0f} s from another",
        )


def _is_alive(holder: Holder | None, path: Path, now: float) -> bool:
    """Whether the process that made an attempt's file lives, as far as this machine can know."""
    if holder is not None and holder.place == identity.pid_namespace():
        return identity.start_time(holder.pid) == holder.born
    try:
        return now - path.stat().st_mtime < SILENCE
    except FileNotFoundError:
        return False


def _latest(folder: Path) -> tuple[int, Path] | None:
    """The number and the file of the highest attempt."""
    return max(((_number(path), path) for path in folder.glob(PATTERN)), default=None)


def _path(folder: Path, attempt: int) -> Path:
    return folder / f"attempt-{attempt}.json"


def _number(path: Path) -> int:
    # `int` reads the digits of other scripts too, and raises for more than 4,300 of them.
    digits = path.stem.removeprefix("attempt-")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0  # noqa: PLR2004


def _read(path: Path) -> Holder | None:
    """The process that an attempt's file names; `None` where the file is gone or half written."""
    try:
        holder = Holder(**json.loads(files.read_bounded(path)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    typed = all(type(getattr(holder, item.name)) is item.type for item in fields(Holder))
    return holder if typed else None


def _this_process(attempt: int) -> Holder:
    return Holder(
        attempt=attempt,
        token=secrets.token_hex(16),
        host=socket.gethostname(),
        place=identity.pid_namespace(),
        pid=os.getpid(),
        born=identity.start_time(os.getpid()) or "",
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )
