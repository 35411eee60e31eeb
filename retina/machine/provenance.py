"""Who computed, where, and with what: versions, commit and digest of the code, as plain values for a record."""

import functools
import hashlib
import importlib.metadata
import os
import platform
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from retina import PACKAGE
from retina.machine.device import device, device_name, processor, threads

PACKAGES = ("retina", "keras", "torch", "numpy", "pandas", "pillow", "scikit-learn")


def describe(packages: Iterable[str] = ()) -> dict[str, Any]:
    """The environment of a run as plain JSON values: what a reader needs to repeat it or to doubt it.

    Args:
        packages: Distributions whose versions belong there beside `PACKAGES`.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device(),
        "device_name": device_name(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads(),
        "packages": {name: importlib.metadata.version(name) for name in dict.fromkeys((*PACKAGES, *packages))},
        "git": git_state(PACKAGE.parent),
    }


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def code(packages: Iterable[str] = ()) -> dict[str, str]:
    """What trains here: the SHA-256 of retina's own source, and the version of every package that decides a result.

    Args:
        packages: Distributions that count beside `PACKAGES`.
    """
    return {"source": source_digest()} | {name: _version(name) for name in dict.fromkeys((*PACKAGES, *packages))}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@functools.cache
def source_digest(package: Path = PACKAGE) -> str:
    """The SHA-256 of every file of a package, names included, as 64 hexadecimal digits; compiled files do not count."""
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__"):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of a working tree and whether it was changed since; `None` where `folder` is not the root of one."""
    if not (folder / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        dirty = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(dirty)}


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
