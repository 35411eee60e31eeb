"""Images in a file, read by rows: what was read is the reader's own, and the file is never mapped into memory.

The pages of a memory map count as the process' memory once they are touched, so that training on ten times the images
would take ten times that memory; and a file cut short under a map ends the process without a word.
"""

import operator
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from retina.errors import DataError


class Pixels:
    """Images of one shape, uint8, one after the other in a file. Indexing reads; nothing can be written.

    Args:
        path: The file. It is opened once, and stays readable where it is removed later.
        shape: (n, H, W, C).

    Raises:
        OSError: the file cannot be opened.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self.path = path
        self.shape = shape
        self._row = int(np.prod(shape[1:]))
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._descriptor)

    def __len__(self) -> int:
        """Images in the file."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:  # noqa: ANN401 - as numpy's arrays
        """One image (H, W, C) for a whole number, else (N, H, W, C) for whole numbers, a mask or a slice.

        Raises:
            IndexError: there is no such row.
            DataError: the file was cut short since it was opened.
        """
        chosen = np.arange(len(self))[rows]
        images = np.empty((chosen.size, *self.shape[1:]), np.uint8)
        for image, row in zip(images, chosen.flat, strict=True):
            if os.preadv(self._descriptor, [image], operator.index(row) * self._row) != self._row:
                raise DataError("an image cannot be read", expected=f"{len(self)} images", where=self.path)
        return images[0] if chosen.ndim == 0 else images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401 - numpy's
        """All images at once, for numpy."""
        del copy  # what is read is always a copy
        return self[:].astype(dtype or np.uint8, copy=False)
