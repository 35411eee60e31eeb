"""Tell one process from another that has its number: by machine, boot, container and start time."""

import contextlib
import os
import socket
from pathlib import Path


def pid_namespace() -> str:
    """Where the process numbers that are seen from here are unique: machine, boot and container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # only Linux has these two files
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def start_time(pid: int) -> str | None:
    """When a process began, in the kernel's clock ticks since boot; `None` where there is no such process.

    Returns:
        A number as text, or "" where the system does not say, as outside of Linux.
    """
    try:
        # The second field is the program's name in brackets, and may hold anything.
        # So the line is read from its last bracket on: state is then field 0 and start time field 19, which proc(5)
        # counts as 3 and 22.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        # On Linux a process without that file is gone; other systems have no such files at all.
        if Path("/proc/self/stat").exists():
            return None
    else:
        return None if fields[0] in "ZX" else fields[19]  # a zombie or a dead process trains nothing
    try:
        # Signal 0 is not sent; the system only says whether it could be.
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
