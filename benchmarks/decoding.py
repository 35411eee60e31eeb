"""Decoding on all cores with Pillow or OpenCV, and nothing else: the floor under the time that an image cache takes.

Pictures are decoded, resized and dropped: nothing is cropped, hashed, written or sent back. Neither torch nor retina is
imported here, so that the pool's processes start as lightly as they can.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np
from PIL import Image


def by_pillow(path: Path) -> Image.Image:
    """An image file as an RGB picture."""
    with Image.open(path) as picture:
        return picture.convert("RGB")


def by_opencv(path: Path) -> Image.Image:
    """The same, decoded by OpenCV."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    return Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def resized(picture: Image.Image, side: int) -> Image.Image:
    """A square picture, by the filter and the reducing gap that retina takes: the fastest way to its quality."""
    return picture.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)


def pillow(folder: Path, side: int, times: int = 1) -> Callable[[], float]:
    """Decode a folder's PNGs with Pillow, some times over."""
    return _decoding(by_pillow, _paths(folder) * times, side, _pool())


def opencv(folder: Path, side: int) -> Callable[[], float]:
    """Decode a folder's PNGs with OpenCV, after seeing that both decoders give the same pixels.

    Raises:
        ValueError: they do not.
    """
    pool = _pool()
    paths = _paths(folder)
    for path, alike in zip(paths, pool.imap(_alike, paths), strict=True):
        if not alike:
            raise ValueError(f"OpenCV and Pillow read other pixels from {path}")
    return _decoding(by_opencv, paths, side, pool)


def _decoding(decode: Callable[[Path], Image.Image], paths: list[Path], side: int, pool: Pool) -> Callable[[], float]:
    work = partial(_decode_and_drop, decode, side)

    def turn() -> float:
        began = time.perf_counter()
        for _ in pool.imap(work, paths):
            pass
        return time.perf_counter() - began

    return turn


def _decode_and_drop(decode: Callable[[Path], Image.Image], side: int, path: Path) -> None:
    resized(decode(path), side)


def _alike(path: Path) -> bool:
    """Whether both decoders read the same pixels from a file."""
    return bool(np.array_equal(np.asarray(by_pillow(path)), np.asarray(by_opencv(path))))


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _pool() -> Pool:
    """A process a core, each with one thread; it lives as long as its side."""
    return multiprocessing.get_context("spawn").Pool(os.cpu_count(), initializer=_begin_worker)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent; OpenCV, where it is there, gets one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(1)
