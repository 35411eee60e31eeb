"""The retinal vessels, drawn: arteries and veins leave the disc in pairs, branch, taper and spare the fovea.

A vessel is a ribbon around a path whose heading follows a few key angles plus a smooth random deviation. Arteries are
thinner and lighter than veins and carry a bright reflex along their middle.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from retina.data.drawing.anatomy import HEIGHT, WIDTH, Array, Eye, absorb

SUPERSAMPLING = 3  # pixels of the sheet on which vessels are drawn, for each of the photograph, along each side
STEP = 0.025  # of the disc-to-fovea distance
THINNEST = 0.8  # pixels
WITH_REFLEX = 2.5  # pixels; thinner vessels show no reflex
FOVEAL_ZONE = 0.17  # radius without vessels, of the disc-to-fovea distance

VEIN_ABSORBS = np.array([0.42, 0.95, 0.75], np.float32)
ARTERY_ABSORBS = np.array([0.16, 0.72, 0.62], np.float32)

# Distances along the path, in disc-to-fovea distances, and the heading there, in degrees: 0 towards the fovea, 90 away
# from the horizontal.
TEMPORAL = ((0.0, 0.3, 0.8, 1.4, 2.4), (92.0, 72.0, 28.0, -4.0, -24.0))
NASAL = ((0.0, 0.4, 1.0, 1.6, 2.4), (100.0, 132.0, 146.0, 150.0, 152.0))
MACULAR = ((0.0, 0.3, 0.6, 1.0, 1.4), (40.0, 18.0, 4.0, -6.0, -10.0))


@dataclass(frozen=True)
class Vessel:
    """One vessel from its root to its tip.

    Attributes:
        points: The path in pixels of the photograph, (n, 2) float64.
        widths: Its width in pixels at each point, (n,) float64.
        headings: Its direction at each point in radians, in the eye's own frame, (n,) float64.
        vein: Whether it is a vein rather than an artery.
        upper: Whether it belongs to the upper half.
        trunk: Whether it leaves the disc rather than another vessel.
    """

    points: Array
    widths: Array
    headings: Array
    vein: bool
    upper: bool
    trunk: bool


def grow_vessels(rng: np.random.Generator, eye: Eye) -> list[Vessel]:
    """Grow all vessels of an eye: trunks first, each followed by its branches."""
    vessels: list[Vessel] = []
    for side in (-1, 1):
        for keys, thickness, generations in ((TEMPORAL, 1.0, 2), (NASAL, 0.78, 2), (MACULAR, 0.36, 1)):
            spread, reach = rng.uniform(-10, 10), rng.uniform(0.85, 1.2)
            for vein in (True, False):
                angles = np.radians(
                    np.asarray(keys[1]) + spread + rng.normal(0, 5, 5) + (0 if vein else rng.choice((-13, 13)))
                )
                width = eye.unit * thickness * rng.uniform(0.92, 1.1) * (0.031 if vein else 0.023)
                root = eye.disc_radius * np.array([rng.uniform(-0.3, 0.05), side * rng.uniform(0.0, 0.2)]) / eye.unit
                trunk = grow(rng, eye, root, (reach * np.asarray(keys[0]), side * angles), width, vein=vein, side=side)
                vessels += [trunk, *branch(rng, eye, trunk, side, generations)]
    return vessels


def grow(
    rng: np.random.Generator,
    eye: Eye,
    root: Array,
    keys: tuple[Array, Array],
    width: float,
    *,
    vein: bool,
    side: int,
    trunk: bool = True,
) -> Vessel:
    """Grow one vessel from `root` (2,), in disc-to-fovea distances, along key headings (distances, radians)."""
    distances = np.arange(0.0, keys[0][-1], STEP)
    headings = np.interp(distances, *keys) + wander(rng, distances)
    steps = STEP * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    path = root + np.cumsum(steps, axis=0)
    stop = first_true(np.hypot(path[:, 0] - 1.0, path[:, 1]) < FOVEAL_ZONE)
    points = to_pixels(eye, path)
    outside = np.hypot(points[:, 0] - eye.centre[0], points[:, 1] - eye.centre[1]) > eye.radius + 6
    stop = max(min(stop, first_true(outside)), 2)
    taper = 1.0 - 0.72 * distances / distances[-1]
    return Vessel(points[:stop], width * taper[:stop], headings[:stop], vein, side < 0, trunk)


def wander(rng: np.random.Generator, distances: Array) -> Array:
    """A smooth random deviation of the heading, in radians, at distances (n,) along the path: three sine waves."""
    lengths = np.array([0.9, 0.34, 0.15])
    phases = rng.uniform(0, 2 * np.pi, 3)
    swings = rng.uniform(0.4, 1.0, 3) * np.array([0.14, 0.17, 0.19])
    return (swings * np.sin(2 * np.pi * distances[:, None] / lengths + phases)).sum(axis=1)


def first_true(flags: Array) -> int:
    """Index of the first true flag, or their number where none is true."""
    return int(flags.argmax()) if flags.any() else len(flags)


def to_pixels(eye: Eye, path: Array) -> Array:
    """Turn (n, 2) positions in the eye's own frame into pixels of the photograph."""
    cosine, sine = math.cos(eye.tilt), math.sin(eye.tilt)
    x = eye.disc[0] + eye.temporal * eye.unit * (path[:, 0] * cosine - path[:, 1] * sine)
    return np.stack([x, eye.disc[1] + eye.unit * (path[:, 0] * sine + path[:, 1] * cosine)], axis=1)


def to_frame(eye: Eye, point: Array) -> Array:
    """Turn a pixel of the photograph into a position in the eye's own frame; the inverse of `to_pixels`."""
    cosine, sine = math.cos(eye.tilt), math.sin(eye.tilt)
    x, y = (point[0] - eye.disc[0]) * eye.temporal / eye.unit, (point[1] - eye.disc[1]) / eye.unit
    return np.array([x * cosine + y * sine, y * cosine - x * sine])


def branch(rng: np.random.Generator, eye: Eye, parent: Vessel, side: int, depth: int) -> list[Vessel]:
    """Grow the branches of a vessel on alternating sides, down to `depth` generations."""
    branches: list[Vessel] = []
    turn = rng.choice((-1, 1))
    position = int(rng.uniform(0.25, 0.5) / STEP)
    while position < len(parent.points) - 4:
        width = parent.widths[position] * rng.uniform(0.5, 0.75)
        if width >= THINNEST:
            length = rng.uniform(0.3, 0.75) * (1.0 if depth > 1 else 0.6)
            fan = parent.headings[position] + turn * np.radians([rng.uniform(35, 65), 38, 22, rng.uniform(-5, 35)])
            keys = (np.array([0.0, 0.3, 0.6, 1.0]) * length, fan)
            root = to_frame(eye, parent.points[position])
            child = grow(rng, eye, root, keys, width, vein=parent.vein, side=side, trunk=False)
            branches.append(child)
            if depth > 1:
                branches += branch(rng, eye, child, side, depth - 1)
        turn = -turn
        position += int(rng.uniform(0.14, 0.32) / STEP)
    return branches


def draw_vessels(vessels: list[Vessel], picture: Array) -> None:
    """Draw the vessels onto reflectance (3, 342, 512), in place."""
    ordered = sorted(vessels, key=lambda vessel: vessel.widths[0])
    veins = density([vessel for vessel in ordered if vessel.vein], reflex=0.12)
    arteries = density([vessel for vessel in ordered if not vessel.vein], reflex=0.4)
    absorb(picture, veins, VEIN_ABSORBS)
    absorb(picture, arteries * (1.0 - 0.6 * veins), ARTERY_ABSORBS)


def density(vessels: list[Vessel], reflex: float) -> Array:
    """Optical density of vessels, (342, 512) float32, 0-1; `reflex` is the share by which their middle is fainter."""
    sheet = Image.new("L", (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING))
    pen = ImageDraw.Draw(sheet)
    for vessel in vessels:
        strength = 255 * min(1.0, 0.42 + vessel.widths[0] / 7.0)
        pen.polygon(ribbon(vessel, 1.0), fill=int(strength))
        if vessel.widths[0] > WITH_REFLEX:
            pen.polygon(ribbon(vessel, 0.34), fill=int(strength * (1.0 - reflex)))
    return np.asarray(sheet.reduce(SUPERSAMPLING), np.float32) / 255


def ribbon(vessel: Vessel, share: float) -> list[float]:
    """The outline of `share` of a vessel's width, as x, y, x, y, ... on the supersampled sheet."""
    along = np.diff(vessel.points, axis=0, append=2 * vessel.points[-1:] - vessel.points[-2:-1])
    across = along[:, ::-1] * (-1.0, 1.0) / np.sqrt((along**2).sum(axis=1, keepdims=True))
    half = across * np.maximum(vessel.widths * share, 0.5 * share)[:, None] / 2
    outline = np.concatenate([vessel.points + half, (vessel.points - half)[::-1]])
    return ((outline + 0.5) * SUPERSAMPLING).ravel().tolist()
