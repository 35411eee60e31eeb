"""Who trains a run: one process at a time, and the next one where that has died.

Every attempt at a run is a file `attempt-<n>.json` in its folder, which appears whole and only where no such file is.
The highest number holds the run: whoever wants it makes the file of the next number, and may do so only where the
holder is dead. A process of the same machine is dead when the kernel says so; one of another machine, when its file was
not touched for `SILENCE` seconds by the clock of the disk that both see. A holder that was silent for longer, because
its machine slept, finds that its file is gone or a higher one is there, and writes nothing any more.
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
from retina.machine import files
from retina.runs import identity

BEAT = 10.0
"""Seconds between two signs of life."""
SILENCE = 120.0
"""Seconds without one after which a process of another machine counts as dead."""

PATTERN = "attempt-*.json"

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""How a disk says that it knows no hard links."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a run, or held it.

    Args:
        attempt: The number of the attempt, from 1.
        token: What tells this attempt from every other: 32 hexadecimal digits.
        host: The machine's name.
        place: What process numbers are counted in: machine, boot and container.
        pid: The process's number there.
        born: When it began, as the kernel counts; tells it from a later process of the same number.
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
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def path(self) -> Path:
        """This attempt's file."""
        return _path(self.folder, self.holder.attempt)

    def check(self) -> None:
        """See that this process still holds the run, before it writes there.

        Raises:
            RunError: another attempt has taken it over, or the folder is gone.
        """
        latest = _latest(self.folder)
        if latest is None:
            found = "neither the run folder nor this attempt's file in it"
        elif latest[0] != self.holder.attempt or _read(latest[1]) != self.holder:
            found = f"attempt {latest[0]} by {_read(latest[1]) or 'another process'}"
        else:
            return
        raise RunError(
            "this run is not held by this process any more",
            expected=f"attempt {self.holder.attempt} by {self.holder}",
            found=found,
            where=self.folder,
            advice="nothing more is written; type the same command again to see where the run stands",
        )

    def start(self) -> None:
        """Give signs of life until `end`."""
        self._beating.start()

    def end(self) -> None:
        """Let the run go; where it was taken over, the other's file stays."""
        self._ended.set()
        self._beating.join()
        with contextlib.suppress(OSError):
            if _read(self.path) == self.holder:
                self.path.unlink()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            with contextlib.suppress(OSError):  # `check` tells of it, where it matters
                os.utime(self.path)


@contextlib.contextmanager
def take(folder: Path, *, after: int = 0) -> Iterator[Lease]:
    """Hold a run while the block lasts.

    Args:
        folder: The run folder.
        after: The number of the last attempt that is known of otherwise.

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
    return holder if holder and _lives(holder, latest[1], now=time.time()) else None


def _claim(folder: Path, after: int) -> Lease:
    """Make the file of the next attempt, or say who is there."""
    with files.unwritable_is_one_line(folder):
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".attempt.", suffix=".tmp")
        draft = Path(name)
        try:
            now = os.fstat(descriptor).st_mtime  # the time of the disk's own clock
            latest = _latest(folder)
            if latest is not None:
                _refuse_the_living(folder, latest[1], now)
            holder = _this_process(max(after, latest[0] if latest else 0) + 1)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(holder)))
                stream.flush()
                os.fsync(descriptor)
            try:
                _link(draft, _path(folder, holder.attempt))
            except (FileExistsError, FileNotFoundError):  # another was quicker, and may have swept this draft away
                quicker = _latest(folder)
                if quicker is not None:
                    _refuse_the_living(folder, quicker[1], now)
                raise
        finally:
            draft.unlink(missing_ok=True)
    return Lease(folder, holder)


def _link(draft: Path, path: Path) -> None:
    """Give a file its name where none has it; also on disks that know no hard links."""
    try:
        os.link(draft, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("x", encoding="utf-8") as stream:
            stream.write(draft.read_text(encoding="utf-8"))


def _refuse_the_living(folder: Path, path: Path, now: float) -> None:
    """Raise where the process that made an attempt's file lives."""
    holder = _read(path)
    if _lives(holder, path, now):
        raise HeldError(
            "this run is being trained by another process",
            found=holder or "an attempt that has just begun",
            where=folder,
            advice=f"wait for it, or stop it there (`kill {holder.pid if holder else 'PID'}`) and type this again; a "
            f"process that died is noticed at once on its own machine, after {SILENCE:.0f} s from another",
        )


def _lives(holder: Holder | None, path: Path, now: float) -> bool:
    """Whether the process that made an attempt's file lives, as far as can be told from here."""
    if holder is not None and holder.place == identity.place():
        return identity.born(holder.pid) == holder.born
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
    digits = path.stem.removeprefix("attempt-")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0  # noqa: PLR2004


def _read(path: Path) -> Holder | None:
    """What an attempt's file says; `None` where it is gone or half written."""
    try:
        said = Holder(**json.loads(files.read_bounded(path)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    right = all(type(getattr(said, item.name)) is item.type for item in fields(Holder))
    return said if right else None


def _this_process(attempt: int) -> Holder:
    return Holder(
        attempt=attempt,
        token=secrets.token_hex(16),
        host=socket.gethostname(),
        place=identity.place(),
        pid=os.getpid(),
        born=identity.born(os.getpid()) or "",
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )
