"""Identify a process across restarts by its PID namespace and start time."""

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
