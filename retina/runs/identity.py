"""By what a process is known again: where its number is counted, and when it began."""

import contextlib
import os
import socket
from pathlib import Path


def place() -> str:
    """What the process numbers seen from here are counted in."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # Linux alone tells these two
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def born(pid: int) -> str | None:
    """When a process began, as the kernel counts ("" where it does not tell); `None` where there is no such process."""
    try:
        # The second field is the program's name in brackets, and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    else:
        return None if fields[0] in "ZX" else fields[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
