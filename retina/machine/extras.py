"""Packages that a plain installation lacks: one line that says how to get them, before anything is computed."""

import importlib
from types import ModuleType

from retina.errors import RetinaError
from retina.machine import installation


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: Its name.
        extra: The extra of this project that brings it.
        purpose: What needs it, as the user typed it.

    Raises:
        RetinaError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise RetinaError(
            f"{purpose} needs a package that is not installed",
            found=f"no module {error.name}",
            advice=installation.command(extra),
        ) from error
