"""Where the fundus disc lies: the camera's round aperture, a bright circle on a black border, often cut by the picture.

The picture is reduced, a level between border and fundus is chosen, and the circle is sought that most crossings of
that level lie on. Text in a corner, a bright optic disc or a dark sector are crossings too, but not on one circle.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

SMALL = 256
"""The longer side of the reduced picture is at most this, in pixels."""

TOLERANCE = 1.5
"""How far from a circle a crossing may lie and still count, in pixels of the reduced picture."""

TRIPLES = 400
"""Circles tried. Where only a quarter of the crossings are the disc's, all miss it with probability 0.002."""

SCORED = 300
"""Crossings that the tried circles are scored on; the chosen circle is fitted to all."""

FEWEST = 30
"""With fewer crossings than this there is no circle to be seen."""

CONTRAST = 0.25
"""The level lies this far up from the border to the fundus: low, because the fundus is darker towards its rim."""

BORDER = 0.5
"""A border is darker than this part of the fundus; a shadow in a picture without a border is not."""

SECTORS = 72
"""The arcs of 5 degrees over which the crossings must be spread."""


class Box(NamedTuple):
    """A square in an image, in pixels; it may reach beyond the image."""

    top: int
    left: int
    size: int


class Circle(NamedTuple):
    """A circle in pixels; the centre of the top left pixel lies at (0.5, 0.5)."""

    x: float
    y: float
    radius: float


def find_disc(image: np.ndarray) -> Box:
    """Find the square around the fundus disc.

    Where the picture cuts the disc, the square keeps the disc's centre, so it may reach beyond the picture; it is never
    larger than the visible part of the disc needs. Where no disc is found (no black border, an even or a noisy
    picture), it is `whole`: nothing is cut away. The same pixels always give the same square.

    Args:
        image: (height, width, 3) uint8, RGB.

    Returns:
        The square, in pixels of `image`.
    """
    return find_disc_in(Image.fromarray(image))


def find_disc_in(picture: Image.Image) -> Box:
    """Do as `find_disc`, for an RGB picture of Pillow's."""
    step = max(1, math.ceil(max(picture.size) / SMALL))
    red, green, blue = picture.reduce(step).split()
    light = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    circle = _find_circle(smooth(np.asarray(light)))
    if circle is None:
        return whole(picture.size)
    return _square_around(Circle(*(step * length for length in circle)), picture.size)


def whole(size: tuple[int, int]) -> Box:
    """The smallest centred square around a picture of (width, height)."""
    width, height = size
    side = max(width, height)
    return Box(top=(height - side) // 2, left=(width - side) // 2, size=side)


def _square_around(circle: Circle, size: tuple[int, int]) -> Box:
    """The square around the part of a circle that lies in a picture of (width, height), centred where that allows."""
    centre = (circle.x, circle.y)
    spans = [
        (max(0.0, middle - circle.radius), min(float(length), middle + circle.radius))
        for middle, length in zip(centre, size, strict=True)
    ]
    side = max(high - low for low, high in spans)
    left, top = (
        min(max(middle - side / 2, high - side), low) for middle, (low, high) in zip(centre, spans, strict=True)
    )
    return Box(top=round(top), left=round(left), size=round(side))


def smooth(light: np.ndarray) -> np.ndarray:
    """The median of each pixel's 3 x 3 neighbours, (height, width) uint8; beyond an edge its pixels go on.

    The median of nine is that of three: the largest of the columns' smallest, the median of their medians, and the
    smallest of their largest (Smith 1996, "Implementing median filters in XC4000E FPGAs"). Over ten times as fast as
    Pillow's filter, which sorts.
    """
    padded = np.pad(light, 1, mode="edge")
    low, middle, high = _sorted(padded[:-2], padded[1:-1], padded[2:])
    lowest, middling, highest = (_sorted(part[:, :-2], part[:, 1:-1], part[:, 2:]) for part in (low, middle, high))
    return _sorted(lowest[2], middling[1], highest[0])[1]


def _sorted(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three arrays, pixel by pixel from the smallest to the largest."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.minimum(low, third), np.maximum(low, np.minimum(high, third)), np.maximum(high, third)


def _find_circle(levels: np.ndarray) -> Circle | None:
    """The circle that most crossings lie on, of (height, width) uint8, by RANSAC (Fischler and Bolles 1981)."""
    level, light = _level(np.bincount(levels.ravel(), minlength=256)), levels.astype(np.float32)
    crossings = np.empty((0, 2)) if level is None else _crossings(light, level)
    if len(crossings) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    circles = _through(crossings[rng.integers(len(crossings), size=(TRIPLES, 3))], light.shape)
    if not len(circles):
        return None
    scored = crossings[rng.permutation(len(crossings))[:SCORED]]
    best = circles[np.argmax(_on(circles, scored).sum(axis=1))]
    for _ in range(3):
        near = crossings[_on(best[None], crossings)[0]]
        if len(near) < FEWEST:
            return None
        best = _fit(near)
    found = _is_seen(best, crossings, light.shape) and _parts(best, light > level)
    return Circle(*map(float, best)) if found else None


def _level(counts: np.ndarray) -> float | None:
    """The level that parts a dark border from the fundus, above the border's noise; None where nothing is parted.

    Both sides are described by their medians, which neither text nor the optic disc moves, and parted again until
    settled (after Ridler and Calvard 1978). The start lies low, so that black corners of 1 % are a side of their own.

    Args:
        counts: (256,) how many pixels have each level.
    """
    levels = np.arange(len(counts))
    level = float(np.average(levels, weights=counts) + quantile(levels, counts, 0.01)) / 2
    for _ in range(4):
        dark, bright = np.where(levels <= level, counts, 0), np.where(levels > level, counts, 0)
        if not (dark.any() and bright.any()):
            return None
        border, fundus = quantile(levels, dark, 0.5), quantile(levels, bright, 0.5)
        noise = 1.4826 * quantile(np.abs(levels - border), dark, 0.5)
        level = border + max(CONTRAST * (fundus - border), 3 * noise)
        if level >= fundus:
            return None
    return level if border < BORDER * fundus else None


def quantile(values: np.ndarray, counts: np.ndarray, share: float) -> float:
    """The quantile of numbers that come so many times each, interpolated between neighbours as numpy does."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(counts[order])
    place = share * (upto[-1] - 1)
    low, high = values[order[np.searchsorted(upto, (math.floor(place), math.ceil(place)), side="right")]]
    return float(low + (high - low) * (place - math.floor(place)))


def _crossings(light: np.ndarray, level: float) -> np.ndarray:
    """Where rows and columns of (height, width) light cross the level: (n, 2) of x and y, interpolated."""
    found = []
    for axis, field in ((0, light), (1, light.T)):
        above = field > level
        row, column = np.nonzero(above[:, 1:] != above[:, :-1])
        before, after = field[row, column], field[row, column + 1]
        crossing = np.empty((len(row), 2))
        crossing[:, axis] = column + 0.5 + (level - before) / (after - before)
        crossing[:, 1 - axis] = row + 0.5
        found.append(crossing)
    return np.concatenate(found)


def _through(triples: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The circles through triples (k, 3, 2) of points that could be a fundus in a picture of (height, width).

    Returns:
        (m, 3): x and y of the centre, which lies in the picture, and the radius. m may be less than k.
    """
    first, second, third = (triples[:, corner] for corner in range(3))
    u, v = second - first, third - first
    cross = 2 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    straight = cross == 0
    cross = np.where(straight, 1.0, cross)
    u2, v2 = (u**2).sum(axis=1), (v**2).sum(axis=1)
    x = (v[:, 1] * u2 - u[:, 1] * v2) / cross
    y = (u[:, 0] * v2 - v[:, 0] * u2) / cross
    centre, radius = first + np.stack([x, y], axis=1), np.hypot(x, y)
    height, width = shape
    fits = (radius > 0.25 * min(shape)) & (radius < 0.75 * math.hypot(*shape))
    fits &= ((centre > 0) & (centre < (width, height))).all(axis=1) & ~straight
    return np.concatenate([centre, radius[:, None]], axis=1)[fits]


def _on(circles: np.ndarray, crossings: np.ndarray) -> np.ndarray:
    """Which crossings lie on which circles: (circles, crossings) bool."""
    dx = circles[:, 0, None] - crossings[:, 0]
    dy = circles[:, 1, None] - crossings[:, 1]
    return np.abs(np.sqrt(dx * dx + dy * dy) - circles[:, 2, None]) < TOLERANCE  # three times as fast as hypot


def _fit(points: np.ndarray) -> np.ndarray:
    """The circle (x, y, radius) nearest to points (n, 2) in algebraic least squares (Kasa 1976)."""
    middle = points.mean(axis=0)
    offsets = points - middle
    design = np.column_stack([offsets, np.ones(len(offsets))])
    solution = np.linalg.lstsq(design, (offsets**2).sum(axis=1), rcond=None)[0]
    centre = solution[:2] / 2
    return np.array([*(middle + centre), math.sqrt(solution[2] + centre @ centre)])


def _is_seen(circle: np.ndarray, crossings: np.ndarray, shape: tuple[int, int]) -> bool:
    """Whether crossings lie along at least half of the circle's part in the picture, and that part is 30 degrees."""
    x, y, radius = circle
    angles = (np.arange(SECTORS) + 0.5) * (2 * math.pi / SECTORS)
    column, row = x + radius * np.cos(angles), y + radius * np.sin(angles)
    inside = (column > 1) & (column < shape[1] - 1) & (row > 1) & (row < shape[0] - 1)
    near = crossings[_on(circle[None], crossings)[0]]
    angle = np.arctan2(near[:, 1] - y, near[:, 0] - x)
    sector = np.floor(angle * (SECTORS / (2 * math.pi))).astype(int) % SECTORS
    hit = np.bincount(sector, minlength=SECTORS) > 0
    return bool(inside.sum() * 12 >= SECTORS and (hit & inside).sum() * 2 >= inside.sum())


def _parts(circle: np.ndarray, above: np.ndarray) -> bool:
    """Whether a circle holds mostly bright pixels of `above` (height, width) and leaves mostly dark ones outside."""
    x, y, radius = circle
    rows, columns = np.ogrid[: above.shape[0], : above.shape[1]]
    inside = np.hypot(columns + 0.5 - x, rows + 0.5 - y) < radius
    lit, spilt = np.count_nonzero(above & inside), np.count_nonzero(above & ~inside)
    return bool(lit > 0.5 * np.count_nonzero(inside) and spilt < 0.25 * np.count_nonzero(~inside))
