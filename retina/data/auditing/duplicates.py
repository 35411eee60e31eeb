"""Find photographs that are copies of one another though their bytes differ: a perceptual hash, and a search for pairs.

Fundus photographs resemble one another: a bright nerve head left or right, a dark macula, two vessel arcades. A plain
DCT or difference hash mostly encodes what they share, and the illumination. This one takes the fundus disc, divides out
illumination and contrast locally, and keeps the middle frequencies, which encode the vessels of the single eye.

Measured on 450 photographs of 225 people, both eyes of each (640 x 428 JPEG, 101,025 pairs), in bits of 256 that
differ:

- Different eyes: median 116; the nearest pairs 67, 68 and 69; about 10 pairs in 100,000 within 72, 110 within 80.
- 1,500 copies of 75 of them, scaled to 0.25-2 times, re-encoded as JPEG of quality 30-75, brightness times 0.6-1.5,
  contrast times 0.7-1.4, gamma 0.7-1.4, in grey, padded with black, or several at once: 99 % within 24, the worst 36.
  Rotated by 2 degrees: at most 37.
- One eye photographed on two occasions, two cases: 44 and 63.

`NEAR` is between copies and different eyes, and far enough below the latter for RFMiD's three million pairs across
splits. A second photograph of an eye is found only where the camera hardly moved; a copy that is mirrored, rotated
further, or cropped into the disc is not found.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDE = 64
"""The side, in pixels, of the square that is hashed."""

FREQUENCIES = slice(4, 20)
"""The rows and columns of the discrete cosine transform that are kept, in half periods a square."""

BITS = (FREQUENCIES.stop - FREQUENCIES.start) ** 2
"""Bits of a hash."""
COPY = 36
"""Photographs whose hashes differ in at most this many bits are copies: the worst of the 1,500 copies above."""
NEAR = 48
"""Photographs whose hashes differ in at most this many bits are near duplicates."""

_SPREAD = 3.0  # standard deviation of the local window, in pixels
_FLOOR = 0.02  # added to the local standard deviation of log brightness, so that camera noise is not amplified
_RIM = 0.95  # of the disc's radius: leaves out the edge of the disc
_TILE = 1024  # hashes on each side of one matrix product: 4 MiB of float32


def perceptual_hash(square: np.ndarray) -> np.ndarray:
    """The perceptual hash of a photograph cropped to its fundus disc.

    Within the disc, log brightness less its local mean is divided by its local standard deviation; the bits are the
    signs of its two-dimensional discrete cosine transform at `FREQUENCIES`. A brighter lamp adds a constant to log
    brightness, which the mean takes away again.

    Args:
        square: (S, S, 3) uint8, RGB, as `fundus.prepare` gives it.

    Returns:
        (BITS / 8,) uint8, the bits packed.
    """
    grey = Image.fromarray(square).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    light = np.log1p(np.asarray(grey, dtype=np.float32))
    detail = (light - _local_mean(light)) * _DISC
    contrast = np.sqrt(_local_mean(detail**2)) + _FLOOR
    spectrum = _COSINES @ (detail / contrast) @ _COSINES.T
    return np.packbits(spectrum.ravel() > 0)


def near_pairs(hashes: np.ndarray, most: int = NEAR) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find all pairs of hashes that differ in few bits. Memory does not grow with the number of pairs compared.

    Args:
        hashes: (N, BITS / 8) uint8, packed.
        most: The Hamming distance up to which two are near.

    Yields:
        `pairs` (M, 2) int64, first < second, and their `distances` (M,) int64, tile by tile.
    """
    signs = 2 * np.unpackbits(hashes, axis=1).astype(np.float32) - 1
    for top in range(0, len(signs), _TILE):
        for left in range(top, len(signs), _TILE):
            # The inner product of two vectors of signs is bits - 2 * distance: small whole numbers, exact in float32.
            product = signs[top : top + _TILE] @ signs[left : left + _TILE].T
            rows, columns = np.nonzero(product >= signs.shape[1] - 2 * most)
            distances = ((signs.shape[1] - product[rows, columns]) / 2).astype(np.int64)
            pairs = np.stack([rows + top, columns + left], axis=1)
            upper = pairs[:, 0] < pairs[:, 1]
            yield pairs[upper], distances[upper]


def near_groups(hashes: np.ndarray, most: int = NEAR) -> list[tuple[list[int], int]]:
    """Group hashes that are near one another, directly or through others.

    Args:
        hashes: (N, BITS / 8) uint8, packed.
        most: The Hamming distance up to which two are near.

    Returns:
        Groups of two and more rows, each sorted, with the largest distance between two near members; ordered by first
        row.
    """
    # Equal hashes are joined beforehand: a thousand black pictures would make half a million pairs.
    unique, places = np.unique(hashes, axis=0, return_inverse=True)
    parent, widest = list(range(len(unique))), [0] * len(unique)

    def root(member: int) -> int:
        """The first hash of a member's group: union-find, with the paths halved on the way."""
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for pairs, distances in near_pairs(unique, most):
        for (first, second), distance in zip(pairs.tolist(), distances.tolist(), strict=True):
            low, high = sorted((root(first), root(second)))
            parent[high] = low
            widest[low] = max(widest[low], widest[high], distance)
    groups: dict[int, list[int]] = {}
    for row, place in enumerate(places.tolist()):
        groups.setdefault(root(place), []).append(row)
    return [(rows, widest[place]) for place, rows in groups.items() if len(rows) > 1]


def _disc() -> np.ndarray:
    """(SIDE, SIDE) float32: 1 within the disc, 0 outside it."""
    offset = np.arange(SIDE) - (SIDE - 1) / 2
    return (np.hypot(offset[:, None], offset) < _RIM * SIDE / 2).astype(np.float32)


def _window() -> np.ndarray:
    """(SIDE, SIDE) float32: a Gaussian window as a matrix, not normalised."""
    offset = np.arange(SIDE, dtype=np.float32)
    return np.exp(-(((offset[:, None] - offset) / _SPREAD) ** 2) / 2)


def _cosines() -> np.ndarray:
    """The rows `FREQUENCIES` of the orthonormal type-II discrete cosine transform (Ahmed et al. 1974)."""
    frequency = np.arange(SIDE)[FREQUENCIES, None]
    position = 2 * np.arange(SIDE) + 1
    return (np.cos(np.pi * frequency * position / (2 * SIDE)) * np.sqrt(2 / SIDE)).astype(np.float32)


_DISC, _WINDOW, _COSINES = _disc(), _window(), _cosines()
# A little more than 0, since far from the disc the window reaches none of it.
_WEIGHT = _WINDOW @ _DISC @ _WINDOW.T + np.float32(1e-6)


def _local_mean(values: np.ndarray) -> np.ndarray:
    """The Gaussian-weighted mean around each pixel, over the pixels of the disc alone."""
    return (_WINDOW @ (values * _DISC) @ _WINDOW.T) / _WEIGHT
