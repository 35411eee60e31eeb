"""What a run was computed with: the machine, versions, commit and digest of the code, as plain values for a record."""

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

from retina import PACKAGE, __version__
from retina.machine.device import device, device_name, processor, threads
from retina.machine.installation import PARAMS, STUDIES, working_copy

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
        "packages": {name: version(name) for name in dict.fromkeys((*PACKAGES, *packages))},
        "git": git_state(working_copy()),
    }


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def code(packages: Iterable[str] = ()) -> dict[str, str]:
    """What trains here: the SHA-256 of retina's own source, and the version of every package that decides a result.

    Args:
        packages: Distributions that count beside `PACKAGES`.
    """
    return {"source": source_digest()} | {name: _version_if_any(name) for name in dict.fromkeys((*PACKAGES, *packages))}


def version(name: str) -> str:
    """The version of a distribution; of `retina`, that of the code that runs, whatever the distribution is called.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    return __version__ if name == "retina" else importlib.metadata.version(name)


def _version_if_any(name: str) -> str:
    try:
        return version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@functools.cache
def source_digest(package: Path = PACKAGE) -> str:
    """The SHA-256 of every file of a package, names included, as 64 hexadecimal digits.

    Compiled files do not count, nor do the parameter sets and studies that only a wheel carries: an experiment holds
    their values, and the same code has the same digest however it was installed.
    """
    digest = hashlib.sha256()
    recipes = (package / PARAMS, package / STUDIES)
    for path in sorted(path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__"):
        if path.parent in recipes:
            continue
        content = path.read_bytes()
        # With the length, bytes that move from the end of one file to the next change the digest too.
        digest.update(f"{path.relative_to(package).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def git_state(folder: Path | None) -> dict[str, Any] | None:
    """The commit of a working tree and whether it was changed since; `None` where `folder` is not the root of one."""
    # Git itself would look in the folders above, and name the commit of whatever repository this lies in. `.git` is a
    # file in a further working tree.
    if folder is None or not (folder / ".git").exists():
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
