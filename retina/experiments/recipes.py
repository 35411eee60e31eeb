"""The files of parameter sets and studies: where they are, by their plain names, and how they are read.

A `Path`, and a text that ends in `.toml` or names a folder, is a path. Any other text is a plain name, looked up in
this order:

1. below the current folder: `experiments/params`, `experiments/studies`;
2. in the repository, where retina runs from a working copy of it;
3. in the package, where a wheel carries the files of the repository.

So a user's own file wins over one of the same name that retina brings.
"""

import tomllib
from pathlib import Path
from typing import Any

from retina import PACKAGE
from retina.errors import ExperimentError, unknown
from retina.machine import files
from retina.machine.installation import PARAMS, STUDIES, working_copy


def params_path(word: str | Path) -> Path:
    """The file of a parameter set: a path to a TOML file, or a plain name such as `p1`.

    Raises:
        ExperimentError: there is no such file; the nearest name is suggested.
    """
    path = _path(word, PARAMS, "parameter set")
    if not path.is_file():
        raise ExperimentError("parameter file not found", found=word, advice="check the path")
    return path


def study_path(word: str | Path) -> Path:
    """The file of a study: a path, which may not exist, or a plain name such as `original`.

    Raises:
        ExperimentError: no study has that name; the nearest is suggested.
    """
    return _path(word, STUDIES, "study")


def read(path: Path, problem: str) -> dict[str, Any]:
    """What a TOML file holds; a byte-order mark at its beginning is read over.

    Args:
        path: The file.
        problem: What the error says where it cannot be read.

    Raises:
        ExperimentError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(files.read_bounded(path).decode("utf-8-sig"))
    # Text of another encoding and what is not TOML are ValueErrors, as is a number of more digits than Python reads.
    except (OSError, ValueError, RecursionError) as error:
        reason, advice = (error.strerror, "check the path") if isinstance(error, OSError) else (error, "fix the file")
        raise ExperimentError(problem, found=reason, where=path, advice=advice) from error


def _path(word: str | Path, folder: Path, kind: str) -> Path:
    path = Path(word)
    if isinstance(word, Path) or word.endswith(".toml") or path.name != word:
        return path
    known = _files(folder)
    if word not in known:
        raise unknown(kind, word, known, where=folder)
    return known[word]


def _files(folder: Path) -> dict[str, Path]:
    """Plain name -> file; of two files of one name, the one that comes first in the order above."""
    roots = [PACKAGE, working_copy(), Path()]
    folders = [root / folder for root in roots if root is not None]
    return {path.stem: path for place in folders for path in sorted(place.glob("*.toml"))}
