"""Mappings of plain JSON values in a file under their own SHA-256, so that an altered file is noticed."""

import hashlib
import json
from pathlib import Path
from typing import Any

from retina.machine.files import read_bounded


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
        # Python's JSON keeps the order of keys and the digits of numbers, so what was not altered is written as it was
        # read.
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
        ValueError: it does not exist, is not such a file, or was altered; the message begins with its name.
    """
    try:
        return unseal(read_bounded(path).decode("ascii"))
    except OSError as error:
        raise ValueError(f"{path.name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not a manifest") from error
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from error
