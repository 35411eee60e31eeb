"""How retina is installed: as a working copy of its repository, or from a wheel."""

import functools
import tomllib
from pathlib import Path

from retina import PACKAGE

DISTRIBUTION = "retina-fundus"
"""The name under which an index offers this package; `retina` is another project's there. A test holds it equal to
pyproject.toml's."""

PARAMS = Path("experiments/params")
STUDIES = Path("experiments/studies")
"""Folders of the repository that a wheel carries inside the package, at the same relative paths: parameter sets and
studies."""


@functools.cache
def working_copy(package: Path = PACKAGE) -> Path | None:
    """The root of the repository that a package lies in; `None` where it was installed.

    The folder beside the package must be this project's: a package that was installed into the root of another
    project, by `pip install --target .` for instance, is no working copy of that.
    """
    try:
        content = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    project = content.get("project")
    return package.parent if isinstance(project, dict) and project.get("name") == DISTRIBUTION else None


def program() -> str:
    """What to type before a command of retina: `python cli.py` in a working copy, `retina` elsewhere."""
    return "retina" if working_copy() is None else "python cli.py"


def command(extra: str | None = None) -> str:
    """The command that installs retina with what it needs, for a working copy or from the index.

    Args:
        extra: A group of optional packages; `None` for a plain installation.
    """
    brackets = f"[{extra}]" if extra else ""
    editable = working_copy() is not None
    return f"pip install --editable '.{brackets}'" if editable else f"pip install '{DISTRIBUTION}{brackets}'"
