"""Images in a file, read by rows into new arrays; the file is never mapped into memory.

The pages of a memory map count as memory of the process once they are touched, so that ten times the images would take
ten times the memory; and where a mapped file is truncated, the process is killed without a message.
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
        path: The file. It is opened once, and can be read even after it is removed.
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
        # Many readers share one `Pixels`, and none of them closes it: the file is closed with the last reference.
        weakref.finalize(self, os.close, self._descriptor)

    def __len__(self) -> int:
        """Images in the file."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:  # noqa: ANN401 - as numpy's arrays
        """Read one image (H, W, C) by a whole number, or (N, H, W, C) by whole numbers, a mask or a slice.

        Raises:
            IndexError: there is no such row.
            DataError: the file was truncated after it was opened.
        """
        numbers = np.arange(len(self))[rows]  # numpy's own indexing: negative rows, masks, slices, errors
        images = np.empty((numbers.size, *self.shape[1:]), np.uint8)
        for image, row in zip(images, numbers.flat, strict=True):
            # Straight into the array, without a copy, and without moving a position that threads would share.
            if os.preadv(self._descriptor, [image], operator.index(row) * self._row) != self._row:
                raise DataError("an image cannot be read", expected=f"{len(self)} images", where=self.path)
        return images[0] if numbers.ndim == 0 else images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401 - numpy's
        """All images at once, for numpy."""
        del copy  # what is read is always a copy
        return self[:].astype(dtype or np.uint8, copy=False)
