"""The facts about each image file: its size, whether it can be read, its digest and its perceptual hash."""

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retina.data.auditing.duplicates import SIDE, perceptual_hash
from retina.data.preparing import fundus
from retina.errors import ImageError
from retina.machine.files import sha256
from retina.machine.processes import on_all_cores
from retina.machine.progress import bar

FEW = 33
"""With fewer images than this, starting other processes would take longer than decoding here."""


@dataclass(frozen=True)
class ImageFacts:
    """What is known about one image file.

    Attributes:
        fault: Why it cannot be used, in a few words, or None.
        size: Width and height in pixels as its header gives them, or None where the header cannot be read.
        digest: SHA-256 in hexadecimal; None where it was not computed.
        perceptual_hash: (32,) uint8, packed, as bytes; None where the file was not decoded.
    """

    fault: str | None = None
    size: tuple[int, int] | None = None
    digest: str | None = None
    perceptual_hash: bytes | None = None


def inspect(paths: Iterable[str], *, thorough: bool, quiet: bool = False) -> dict[str, ImageFacts]:
    """Inspect image files.

    Args:
        paths: The files; each is inspected once.
        thorough: Decode every image whole, on all cores, and compute its perceptual hash. Otherwise only open its
            header, and digest only files of equal length, since no others can be the same.
        quiet: Show no progress.

    Returns:
        Path -> facts, in the order of `paths`.

    Raises:
        RetinaError: a decoding process was killed.
    """
    paths = list(dict.fromkeys(paths))
    lengths = {path: _length(path) for path in paths}
    shared = Counter(lengths.values())
    jobs = [(path, thorough, shared[lengths[path]] > 1) for path in paths]
    with bar("Decoding" if thorough else "Opening", len(jobs), quiet=quiet) as advance:
        facts = []
        for image in on_all_cores(_inspect, jobs, few=FEW) if thorough else map(_inspect, jobs):
            facts.append(image)
            advance(1)
    return dict(zip(paths, facts, strict=True))


def _length(path: str) -> int:
    """The file's length in bytes; -1 where it cannot be read."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return -1


def _inspect(job: tuple[str, bool, bool]) -> ImageFacts:
    """Inspect one file: its path, whether thoroughly, and whether another file has its length."""
    name, thorough, same_length = job
    path, size = Path(name), None
    try:
        size = _header(path)
        bits = perceptual_hash(fundus.prepare(path, SIDE)).tobytes() if thorough else None
        digest = sha256(path) if thorough or same_length else None
    except ImageError as error:
        return ImageFacts(f"{error.problem} ({error.found})", size)
    except OSError as error:
        return ImageFacts(f"cannot be read ({error.strerror or error})", size)
    return ImageFacts(None, size, digest, bits)


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
