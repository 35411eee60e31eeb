"""What each image file turns out to be: its size, whether it can be read, its digest and its perceptual hash."""

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retina.data.auditing.duplicates import SIDE, fingerprint
from retina.data.preparing import fundus
from retina.errors import ImageError
from retina.machine.files import sha256
from retina.machine.processes import on_all_cores
from retina.machine.progress import bar

FEW = 33
"""With fewer images than this, starting other processes would take longer than decoding here."""


@dataclass(frozen=True)
class Facts:
    """What one image file turned out to be.

    Attributes:
        fault: Why it cannot be used, in a few words, or None.
        size: Width and height in pixels as its header gives them, or None where the header cannot be read.
        digest: SHA-256 in hexadecimal, where it was asked for or the file was decoded.
        code: The perceptual hash, (32,) uint8 packed, as bytes, where the file was decoded.
    """

    fault: str | None = None
    size: tuple[int, int] | None = None
    digest: str | None = None
    code: bytes | None = None


def inspect(paths: Iterable[str], *, thorough: bool, quiet: bool = False) -> dict[str, Facts]:
    """Look at image files.

    Args:
        paths: The files; each is looked at once.
        thorough: Decode every image whole, on all cores, and compute its perceptual hash. Otherwise only open its
            header, and digest only files of equal length, for no others can be the same.
        quiet: Show no progress.

    Returns:
        Path -> facts, in the order of `paths`.

    Raises:
        RetinaError: the decoder took its whole process down.
    """
    paths = list(dict.fromkeys(paths))
    lengths = {path: _length(path) for path in paths}
    shared = Counter(lengths.values())
    jobs = [(path, thorough, shared[lengths[path]] > 1) for path in paths]
    with bar("Decoding" if thorough else "Opening", len(jobs), quiet=quiet) as advance:
        found = []
        for facts in on_all_cores(_examine, jobs, few=FEW) if thorough else map(_examine, jobs):
            found.append(facts)
            advance(1)
    return dict(zip(paths, found, strict=True))


def _length(path: str) -> int:
    """The file's length in bytes; -1 where the system does not say."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _examine(job: tuple[str, bool, bool]) -> Facts:
    """Look at one file."""
    name, thorough, same_length = job
    path, size = Path(name), None
    try:
        size = _header(path)
        code = fingerprint(fundus.prepare(path, SIDE)).tobytes() if thorough else None
        digest = sha256(path) if thorough or same_length else None
    except ImageError as error:
        return Facts(f"{error.problem} ({error.found})", size)
    except OSError as error:
        return Facts(f"cannot be read ({error.strerror or error})", size)
    return Facts(None, size, digest, code)


def _header(path: Path) -> tuple[int, int]:
    """Width and height, without decoding.

    Raises:
        ImageError: the file is empty, of no known format, or too large to decode.
    """
    if path.stat().st_size == 0:
        raise ImageError("the image file is empty", found="0 bytes", where=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=fundus.FORMATS) as image:
                width, height = image.size
    except fundus.DECODER_ERRORS as error:
        raise ImageError(
            "the image header cannot be read", expected="PNG, JPEG or TIFF", found=type(error).__name__, where=path
        ) from error
    if fundus.is_too_large(width, height):
        raise ImageError("the image is too large", found=f"{width} x {height} pixels", where=path)
    return width, height
