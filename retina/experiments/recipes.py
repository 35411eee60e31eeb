"""Parameter sets and studies by their plain names: the one place that says where such files are.

A `Path`, and a text that ends in `.toml` or names a folder, is a path. Any other text is a plain name, looked up in
this order:

1. below the current folder: `experiments/params`, `experiments/studies`;
2. in the repository, where retina runs from a working copy of it;
3. in the package, where a wheel carries the files of the repository.

So a user's own file wins over one of the same name that retina brings.
"""

from pathlib import Path

from retina import PACKAGE
from retina.errors import ExperimentError, unknown
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


def _path(word: str | Path, folder: Path, kind: str) -> Path:
    path = Path(word)
    if isinstance(word, Path) or word.endswith(".toml") or path.name != word:
        return path
    files = _files(folder)
    if word not in files:
        raise unknown(kind, word, files, where=folder)
    return files[word]


def _files(folder: Path) -> dict[str, Path]:
    """Plain name -> file; of two files of one name, the one that comes first in the order above."""
    roots = [PACKAGE, working_copy(), Path()]
    folders = [root / folder for root in roots if root is not None]
    return {path.stem: path for place in folders for path in sorted(place.glob("*.toml"))}
