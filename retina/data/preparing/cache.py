"""Decode once: every image of a data set, prepared, in one file that later runs open at once.

A cache is a folder named by what it is made from: the files' paths, sizes and times, the preparation and Pillow's
version. A changed file leads to another name, so a cache is never out of date, only unused. Inside:

    images.u8       the pixels and nothing else: (n, image_size, image_size, 3) uint8, in C order
    manifest.json   what they are made from, with the SHA-256 of every file, of every chunk of pixels and of itself

Where two processes build the same cache at once, each builds its own and the first to finish names the folder.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import PIL

from retina.data.preparing import fundus
from retina.data.preparing.pixels import Pixels
from retina.data.preparing.preparation import Prepared, Source, Task, describe, prepare
from retina.errors import DataError
from retina.machine import files, kept, progress, sealed
from retina.machine.processes import cores, on_all_cores

SCHEMA = "retina-image-cache/1"
PIXELS = "images.u8"
MANIFEST = "manifest.json"

CHUNK = 8
"""Images a worker prepares at a time: Ctrl-C waits for no more, and 8 x 224 x 224 x 3 bytes are hashed at one go."""

FEW_CHUNKS = 4  # with fewer than this, workers take longer to start than the parent to do the work


@dataclass(frozen=True)
class ImageCache:
    """Prepared images.

    Attributes:
        images: (n, image_size, image_size, 3) uint8 RGB, in the order of the paths given; read when indexed.
        digests: The SHA-256 of every image file, as 64 hexadecimal digits.
        bad: Why a file could not be decoded, by its index; its pixels are 0.
        folder: Where the cache lies.
    """

    images: Pixels
    digests: tuple[str, ...]
    bad: dict[int, str]
    folder: Path


class Recipe(NamedTuple):
    """All that the pixels of a cache follow from."""

    sources: tuple[Source, ...]
    image_size: int
    crop: bool

    @property
    def key(self) -> str:
        """The SHA-256 that names the cache, as 64 hexadecimal digits."""
        parts = [SCHEMA, CHUNK, fundus.PREPARATION, PIL.__version__, *self]
        return files.json_sha256(parts)

    @property
    def row(self) -> int:
        """Bytes of one prepared image."""
        return self.image_size * self.image_size * 3

    @property
    def chunks(self) -> range:
        """The index of the first image of every chunk."""
        return range(0, len(self.sources), CHUNK)


def open_or_build(
    paths: Sequence[Path],
    *,
    image_size: int,
    crop: bool = True,
    folder: Path | None = None,
    quiet: bool = False,
) -> ImageCache:
    """Open the cache of these images; where there is none, or it is damaged, build it with all cores.

    Every byte of the cache is checked on opening. A damaged cache is named in a warning and built again. A
    script that calls this at its top level needs `if __name__ == "__main__":`, as all that spawn do.

    Args:
        paths: The image files, at least one.
        image_size: The side of a prepared image, in pixels.
        crop: Crop to the fundus disc, as `retina.data.preparing.fundus.prepare`.
        folder: Where caches lie; the user's cache folder where it is None.
        quiet: Show no progress.

    Raises:
        DataError: there are no paths, a file cannot be read or changes meanwhile, or a worker died.
        RetinaError: the cache cannot be written, or the disk is full.
    """
    if not paths:
        raise DataError("there are no images to prepare", expected="at least one image file")
    recipe = Recipe(tuple(map(describe, paths)), image_size, crop)
    home = (kept.cache_folder() / "images" if folder is None else folder) / recipe.key[:16]
    found = kept.read_or_discard(home, lambda: _open(home, recipe))
    if found is not None:
        return found
    with files.atomic_folder(home) as temporary:
        _build(temporary, recipe, quiet=quiet)
    return _open(home, recipe)


def _build(folder: Path, recipe: Recipe, *, quiet: bool) -> None:
    """Write a cache's two files into a folder."""
    pixels = folder / PIXELS
    _allocate(pixels, len(recipe.sources) * recipe.row)
    tasks = [
        Task(recipe.sources[first : first + CHUNK], recipe.image_size, recipe.crop, pixels, first * recipe.row)
        for first in recipe.chunks
    ]
    done, bar = [], progress.bar("Preparing images", len(recipe.sources), quiet=quiet)
    with bar as advance, contextlib.closing(on_all_cores(prepare, tasks, few=FEW_CHUNKS)) as results:
        for prepared in results:
            done.append(prepared)
            advance(len(prepared.digests))
    (folder / MANIFEST).write_text(sealed.seal(_content(recipe, done)), encoding="ascii")


def _allocate(path: Path, length: int) -> None:
    """Make a file of zeros. A full disk is told now, not after an hour of decoding (macOS tells it then)."""
    with path.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, length)
        else:
            stream.truncate(length)


def _content(recipe: Recipe, done: Sequence[Prepared]) -> dict:
    """What the manifest tells."""
    digests = [digest for prepared in done for digest in prepared.digests]
    reasons = [reason for prepared in done for reason in prepared.reasons]
    root = os.path.commonpath([os.path.dirname(source.path) for source in recipe.sources])  # noqa: PTH120
    return {
        "schema": SCHEMA,
        "key": recipe.key,
        "preparation": fundus.PREPARATION,
        "pillow": PIL.__version__,
        "image_size": recipe.image_size,
        "crop": recipe.crop,
        "root": root,
        "images": [
            {"path": os.path.relpath(path, root), "size": size, "mtime_ns": mtime_ns, "sha256": digest}
            for (path, size, mtime_ns), digest in zip(recipe.sources, digests, strict=True)
        ],
        "bad": {str(index): reason for index, reason in enumerate(reasons) if reason is not None},
        "chunk": CHUNK,
        "pixels": [prepared.pixels for prepared in done],
    }


def _open(home: Path, recipe: Recipe) -> ImageCache:
    """Open a cache of which every byte is as it was written; else a DataError names the damage."""
    content = _manifest(home, recipe)
    shape = (len(recipe.sources), recipe.image_size, recipe.image_size, 3)
    try:
        _check_pixels(home / PIXELS, recipe, content["pixels"])
        images = Pixels(home / PIXELS, shape)
    except OSError as error:
        raise _damaged(home, found=f"{PIXELS}: {error.strerror or error}") from error
    digests = tuple(image["sha256"] for image in content["images"])
    return ImageCache(images, digests, {int(index): reason for index, reason in content["bad"].items()}, home)


def _damaged(home: Path, *, found: str) -> DataError:
    """The error for a cache that is not as it was written."""
    return DataError("the image cache is damaged", found=found, where=home)


def _manifest(home: Path, recipe: Recipe) -> dict:
    """The content of a manifest that is as it was written and belongs to the recipe."""
    try:
        content = sealed.read_sealed(home / MANIFEST)
    except ValueError as error:
        raise _damaged(home, found=str(error)) from error
    if content.get("key") != recipe.key:
        raise _damaged(home, found=f"{MANIFEST} of other images")
    return content


def _check_pixels(path: Path, recipe: Recipe, digests: Sequence[str]) -> None:
    """Hash every chunk of pixels, on all cores (hashing lets go of Python's lock)."""
    length = len(recipe.sources) * recipe.row
    found = path.stat().st_size
    if found != length:
        raise _damaged(path.parent, found=f"{PIXELS} of {found} bytes, not {length}")
    with path.open("rb") as stream, ThreadPoolExecutor(cores()) as pool:

        def digest(first: int) -> str:
            chunk = os.pread(stream.fileno(), CHUNK * recipe.row, first * recipe.row)
            return hashlib.sha256(chunk).hexdigest()

        for first, is_now, was in zip(recipe.chunks, pool.map(digest, recipe.chunks), digests, strict=True):
            if is_now != was:
                raise _damaged(path.parent, found=f"other pixels than were written from image {first} on")
