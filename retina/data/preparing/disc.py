"""Find the fundus disc: the camera's round aperture, a bright circle on a black border, often cut off by the picture.

The picture is reduced, a level of brightness between border and fundus is chosen, and the crossings of that level along
rows and columns are computed. The disc is the circle that most crossings lie on. Text in a corner, a bright optic disc
or a dark sector give crossings too, but not on one circle.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

SMALL = 256
"""The longer side of the reduced picture at most, in pixels."""

TOLERANCE = 1.5
"""A crossing at most this far from a circle lies on it, in pixels of the reduced picture."""

TRIPLES = 400
"""Circles that are tried. Where only a quarter of the crossings are on the disc, all miss it with probability 0.002."""

SCORED = 300
"""Crossings that score the circles; the best circle is fitted to all crossings."""

FEWEST = 30
"""With fewer crossings than this, no disc is found."""

CONTRAST = 0.25
"""The level as a share of the way from border to fundus: low, because the fundus is darker towards its rim."""

BORDER = 0.5
"""The border is darker than this share of the fundus; a shadow in a picture without a border is not."""

SECTORS = 72
"""Arcs of 5 degrees, of which enough must have a crossing, see `_is_visible`."""


class Box(NamedTuple):
    """A square in an image, in pixels; it may reach beyond the image."""

    top: int
    left: int
    size: int


class Circle(NamedTuple):
    """A circle in pixels; the centre of the top left pixel is (0.5, 0.5)."""

    x: float
    y: float
    radius: float


def find_disc(image: np.ndarray) -> Box:
    """Find the square around the fundus disc.

    Where the picture cuts off the disc, the square keeps the disc's centre, so it may reach beyond the picture; it is
    never larger than the visible part of the disc needs. Where there is no disc (no black border, an even or a noisy
    picture), it is the `enclosing_square`: nothing is cropped. The same pixels always give the same square.

    Args:
        image: (height, width, 3) uint8, RGB.

    Returns:
        The square, in pixels of `image`.
    """
    return find_disc_in(Image.fromarray(image))


def find_disc_in(picture: Image.Image) -> Box:
    """`find_disc` for an RGB picture of Pillow's."""
    step = max(1, math.ceil(max(picture.size) / SMALL))
    red, green, blue = picture.reduce(step).split()
    light = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    circle = _find_circle(median_filter(np.asarray(light)))
    if circle is None:
        return enclosing_square(picture.size)
    return _square_around(Circle(*(step * length for length in circle)), picture.size)


def enclosing_square(size: tuple[int, int]) -> Box:
    """The smallest centred square around a picture of (width, height)."""
    width, height = size
    side = max(width, height)
    return Box(top=(height - side) // 2, left=(width - side) // 2, size=side)


def _square_around(circle: Circle, size: tuple[int, int]) -> Box:
    """The square around the part of a circle in a picture of (width, height), centred on the circle where it can be."""
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


def median_filter(light: np.ndarray) -> np.ndarray:
    """The median of each pixel's 3 x 3 neighbours, (height, width) uint8; pixels at an edge are repeated beyond it.

    The median of nine is that of three: the largest of the columns' smallest, the median of their medians, and the
    smallest of their largest (Smith 1996, "Implementing median filters in XC4000E FPGAs"). This is over ten times as
    fast as Pillow's filter, which sorts.
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
    """The circle that most crossings in (height, width) uint8 lie on, by RANSAC (Fischler and Bolles 1981)."""
    level, light = _level(np.bincount(levels.ravel(), minlength=256)), levels.astype(np.float32)
    crossings = np.empty((0, 2)) if level is None else _crossings(light, level)
    if len(crossings) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    circles = _circles_through(crossings[rng.integers(len(crossings), size=(TRIPLES, 3))], light.shape)
    if not len(circles):
        return None
    scored = crossings[rng.permutation(len(crossings))[:SCORED]]
    best = circles[np.argmax(_inliers(circles, scored).sum(axis=1))]
    for _ in range(3):
        inliers = crossings[_inliers(best[None], crossings)[0]]
        if len(inliers) < FEWEST:
            return None
        best = _fit(inliers)
    is_disc = _is_visible(best, crossings, light.shape) and _separates(best, light > level)
    return Circle(*map(float, best)) if is_disc else None


def _level(counts: np.ndarray) -> float | None:
    """The level that separates a dark border from the fundus, above the border's noise; None where there is no border.

    Both sides are described by their medians, on which text and the optic disc have little influence, and separated
    again until the level settles (after Ridler and Calvard 1978). The first level is low, so that black corners of only
    1 % are a side of their own.

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
        # The median absolute deviation times 1.4826 estimates the standard deviation of normal noise.
        noise = 1.4826 * quantile(np.abs(levels - border), dark, 0.5)
        level = border + max(CONTRAST * (fundus - border), 3 * noise)
        if level >= fundus:
            return None
    return level if border < BORDER * fundus else None


def quantile(values: np.ndarray, counts: np.ndarray, share: float) -> float:
    """The quantile `share` (0-1) of values (n,) that each occur counts (n,) times, interpolated as by numpy."""
    order = np.argsort(values, kind="stable")
    totals = np.cumsum(counts[order])
    place = share * (totals[-1] - 1)
    low, high = values[order[np.searchsorted(totals, (math.floor(place), math.ceil(place)), side="right")]]
    return float(low + (high - low) * (place - math.floor(place)))


def _crossings(light: np.ndarray, level: float) -> np.ndarray:
    """Where rows and columns of (height, width) light cross the level: (n, 2) of x and y, interpolated."""
    crossings = []
    for axis, field in ((0, light), (1, light.T)):
        above = field > level
        row, column = np.nonzero(above[:, 1:] != above[:, :-1])
        before, after = field[row, column], field[row, column + 1]
        crossing = np.empty((len(row), 2))
        crossing[:, axis] = column + 0.5 + (level - before) / (after - before)
        crossing[:, 1 - axis] = row + 0.5
        crossings.append(crossing)
    return np.concatenate(crossings)


def _circles_through(triples: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The circles through triples (k, 3, 2) of points, of a fundus' size and place in a picture of (height, width).

    Returns:
        (m, 3): x and y of the centre, which is in the picture, and the radius. m may be less than k.
    """
    first, second, third = (triples[:, corner] for corner in range(3))
    u, v = second - first, third - first
    # The centre (x, y) is as far from the first corner as from the other two: 2 u.c = u.u and 2 v.c = v.v, by Cramer's
    # rule.
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


def _inliers(circles: np.ndarray, crossings: np.ndarray) -> np.ndarray:
    """Which crossings lie on which circles: (circles, crossings) bool."""
    dx = circles[:, 0, None] - crossings[:, 0]
    dy = circles[:, 1, None] - crossings[:, 1]
    return np.abs(np.sqrt(dx * dx + dy * dy) - circles[:, 2, None]) < TOLERANCE  # sqrt is three times as fast as hypot


def _fit(points: np.ndarray) -> np.ndarray:
    """The circle (x, y, radius) nearest to points (n, 2) in algebraic least squares (Kasa 1976)."""
    middle = points.mean(axis=0)
    offsets = points - middle
    design = np.column_stack([offsets, np.ones(len(offsets))])
    solution = np.linalg.lstsq(design, (offsets**2).sum(axis=1), rcond=None)[0]
    centre = solution[:2] / 2
    return np.array([*(middle + centre), math.sqrt(solution[2] + centre @ centre)])


def _is_visible(circle: np.ndarray, crossings: np.ndarray, shape: tuple[int, int]) -> bool:
    """Whether at least 30 degrees of a circle are in the picture, and half of those have crossings."""
    x, y, radius = circle
    angles = (np.arange(SECTORS) + 0.5) * (2 * math.pi / SECTORS)
    column, row = x + radius * np.cos(angles), y + radius * np.sin(angles)
    inside = (column > 1) & (column < shape[1] - 1) & (row > 1) & (row < shape[0] - 1)
    inliers = crossings[_inliers(circle[None], crossings)[0]]
    angle = np.arctan2(inliers[:, 1] - y, inliers[:, 0] - x)
    sector = np.floor(angle * (SECTORS / (2 * math.pi))).astype(int) % SECTORS
    hit = np.bincount(sector, minlength=SECTORS) > 0
    return bool(inside.sum() * 12 >= SECTORS and (hit & inside).sum() * 2 >= inside.sum())


def _separates(circle: np.ndarray, above: np.ndarray) -> bool:
    """Whether most pixels in a circle are bright, of `above` (height, width) bool, and most outside of it are dark."""
    x, y, radius = circle
    rows, columns = np.ogrid[: above.shape[0], : above.shape[1]]
    inside = np.hypot(columns + 0.5 - x, rows + 0.5 - y) < radius
    bright_inside, bright_outside = np.count_nonzero(above & inside), np.count_nonzero(above & ~inside)
    return bool(bright_inside > 0.5 * np.count_nonzero(inside) and bright_outside < 0.25 * np.count_nonzero(~inside))
