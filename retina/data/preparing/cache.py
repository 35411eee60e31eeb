"""The image cache: every image of a data set, decoded and prepared once, in one file that later runs open.

A cache is a folder named by a digest of what it is made from: the files' paths, sizes and times, the preparation and
Pillow's version. A changed file gives another name, so a cache is never out of date, only unused. Inside:

    images.u8       the pixels and nothing else: (n, image_size, image_size, 3) uint8, in C order
    manifest.json   what the cache is made from, with the SHA-256 of every file, every chunk of pixels and itself

Where two processes build the same cache at once, each builds its own; the first to finish puts its folder in place.
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
from retina.data.preparing.preparation import Source, Task, TaskResult, describe, prepare
from retina.errors import DataError
from retina.machine import files, kept, progress, sealed
from retina.machine.processes import cores, on_all_cores

SCHEMA = "retina-image-cache/1"
PIXELS = "images.u8"
MANIFEST = "manifest.json"

CHUNK = 8
"""Images that a worker prepares at a time: few, so that Ctrl-C need not wait long. It is part of a cache's key."""

FEW_CHUNKS = 4
"""With fewer chunks than this, starting workers takes longer than preparing the images in this process."""


@dataclass(frozen=True)
class ImageCache:
    """Prepared images.

    Attributes:
        images: (n, image_size, image_size, 3) uint8 RGB, in the order of the paths; read from the file when indexed.
        digests: The SHA-256 of every image file, as 64 hexadecimal digits.
        bad: Index of a file that could not be decoded -> why; its pixels are 0.
        folder: The cache's folder.
    """

    images: Pixels
    digests: tuple[str, ...]
    bad: dict[int, str]
    folder: Path


class Recipe(NamedTuple):
    """Everything that the pixels of a cache depend on, apart from the versions of the preparation and of Pillow."""

    sources: tuple[Source, ...]
    image_size: int
    crop: bool

    @property
    def key(self) -> str:
        """The SHA-256 that names the cache, as 64 hexadecimal digits."""
        return files.json_sha256([SCHEMA, CHUNK, fundus.PREPARATION, PIL.__version__, *self])

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

    Every byte of the cache is checked on opening. A damaged cache is named in a warning and built again. A script that
    calls this at its top level needs `if __name__ == "__main__":`, since worker processes are spawned.

    Args:
        paths: The image files, at least one.
        image_size: The side of a prepared image, in pixels.
        crop: Crop to the fundus disc, as `retina.data.preparing.fundus.prepare`.
        folder: The folder of all caches; where it is None, `images` in the user's cache folder.
        quiet: Show no progress.

    Raises:
        DataError: there are no paths, a file cannot be read or changes meanwhile, or a worker died.
        RetinaError: the cache cannot be written, or the disk is full.
    """
    if not paths:
        raise DataError("there are no images to prepare", expected="at least one image file")
    recipe = Recipe(tuple(map(describe, paths)), image_size, crop)
    home = (kept.cache_folder() / "images" if folder is None else folder) / recipe.key[:16]
    cache = kept.read_or_discard(home, lambda: _open(home, recipe))
    if cache is not None:
        return cache
    with files.atomic_folder(home) as temporary:
        _build(temporary, recipe, quiet=quiet)
    # Read back: another process may have been first, and then this is its folder.
    return _open(home, recipe)


def _build(folder: Path, recipe: Recipe, *, quiet: bool) -> None:
    """Write a cache's two files into a folder."""
    pixels = folder / PIXELS
    _allocate(pixels, len(recipe.sources) * recipe.row)
    tasks = [
        Task(recipe.sources[first : first + CHUNK], recipe.image_size, recipe.crop, pixels, first * recipe.row)
        for first in recipe.chunks
    ]
    results, bar = [], progress.bar("Preparing images", len(recipe.sources), quiet=quiet)
    # Closed wherever Ctrl-C falls, which ends the workers before the folder they write to is removed.
    with bar as advance, contextlib.closing(on_all_cores(prepare, tasks, few=FEW_CHUNKS)) as stream:
        for result in stream:
            results.append(result)
            advance(len(result.digests))
    (folder / MANIFEST).write_text(sealed.seal(_content(recipe, results)), encoding="ascii")


def _allocate(path: Path, length: int) -> None:
    """Make a file of zeros, so that a full disk is an error now and not after an hour of decoding (except on macOS)."""
    with path.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, length)
        else:
            stream.truncate(length)


def _content(recipe: Recipe, results: Sequence[TaskResult]) -> dict:
    """The content of the manifest."""
    digests = [digest for result in results for digest in result.digests]
    reasons = [reason for result in results for reason in result.reasons]
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
        "pixels": [result.pixels_digest for result in results],
    }


def _open(home: Path, recipe: Recipe) -> ImageCache:
    """Open a cache after checking every byte of it.

    Raises:
        DataError: the cache is damaged.
    """
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
    """The error for a cache whose bytes are not those that were written."""
    return DataError("the image cache is damaged", found=found, where=home)


def _manifest(home: Path, recipe: Recipe) -> dict:
    """Read a manifest, and make sure that it is undamaged and belongs to the recipe."""
    try:
        content = sealed.read_sealed(home / MANIFEST)
    except ValueError as error:
        raise _damaged(home, found=str(error)) from error
    if content.get("key") != recipe.key:
        raise _damaged(home, found=f"{MANIFEST} of other images")
    return content


def _check_pixels(path: Path, recipe: Recipe, digests: Sequence[str]) -> None:
    """Compare the digest of every chunk of pixels, in threads on all cores (hashing releases Python's lock)."""
    length = len(recipe.sources) * recipe.row
    size = path.stat().st_size
    if size != length:
        raise _damaged(path.parent, found=f"{PIXELS} of {size} bytes, not {length}")
    with path.open("rb") as stream, ThreadPoolExecutor(cores()) as pool:

        def chunk_digest(first: int) -> str:
            # Unlike `read` it does not move the file's position, which all threads share.
            chunk = os.pread(stream.fileno(), CHUNK * recipe.row, first * recipe.row)
            return hashlib.sha256(chunk).hexdigest()

        for first, now, before in zip(recipe.chunks, pool.map(chunk_digest, recipe.chunks), digests, strict=True):
            if now != before:
                raise _damaged(path.parent, found=f"other pixels than were written from image {first} on")
