"""Spots, which lesions are painted with, and the scene that a painter gets.

A spot is an ellipse with a ragged outline and a soft edge that either covers what is beneath it or absorbs its light.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from retina.data.drawing.anatomy import HEIGHT, WIDTH, Array, Eye, X, Y, absorb, mix
from retina.data.drawing.vessels import Vessel


@dataclass(frozen=True)
class Lesion:
    """One lesion: its kind, and the circle that covers it, in pixels of the photograph."""

    kind: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """What a painter gets.

    Attributes:
        rng: The lesions' own stream of random numbers.
        eye: The eye.
        picture: Reflectance, (3, 342, 512) float32, to be painted on.
        choroid: The choroid's pattern, (342, 512) float32, 0-1.
        vessels: The retinal vessels.
        severity: 0 mild, 1 florid.
    """

    rng: np.random.Generator
    eye: Eye
    picture: Array
    choroid: Array
    vessels: list[Vessel]
    severity: float


Painter = Callable[[Scene], Iterator[Lesion]]
"""Paints one disease onto the scene's picture, and yields its lesions."""


def scatter(scene: Scene, centre: tuple[float, float], spread: float, margin: float) -> tuple[float, float]:
    """A random visible point outside of the disc, normal about `centre` with deviation `spread` pixels.

    Where 40 draws give none, it is the fovea.
    """
    eye = scene.eye
    for _ in range(40):
        x, y = (value + spread * scene.rng.standard_normal() for value in centre)
        if eye.shows(x, y, margin) and math.dist((x, y), eye.disc) > 1.3 * eye.disc_radius + margin:
            return x, y
    return eye.fovea


def anywhere(scene: Scene, margin: float) -> tuple[float, float]:
    """A random visible point outside of the disc, anywhere in the photograph."""
    return scatter(scene, scene.eye.centre, 0.5 * scene.eye.radius, margin)


def spot(
    scene: Scene,
    kind: str,
    at: tuple[float, float],
    size: float,
    ink: tuple[float, Array],
    *,
    softness: float = 0.3,
    stretch: float = 1.0,
    angle: float = 0.0,
    ragged: float = 0.15,
) -> Lesion:
    """Paint one spot.

    Args:
        scene: The scene whose picture is painted on.
        kind: The lesion's name.
        at: Its centre, (x, y).
        size: Half its width, in pixels.
        ink: Strength and colour: a positive strength covers with the colour, a negative one absorbs by it.
        softness: Half the width of its edge, as a share of `size`.
        stretch: Its length over its width.
        angle: Direction of its length, in radians.
        ragged: How far its outline deviates from an ellipse, as a share of `size`.
    """
    x, y = at
    reach = size * stretch * (1.0 + ragged + softness)
    top, left = max(int(y - reach), 0), max(int(x - reach), 0)
    rows, columns = slice(top, min(int(y + reach) + 2, HEIGHT)), slice(left, min(int(x + reach) + 2, WIDTH))
    dx, dy = X[:, columns] - np.float32(x), Y[rows] - np.float32(y)
    along = (dx * np.float32(math.cos(angle)) + dy * np.float32(math.sin(angle))) / np.float32(stretch * size)
    across = (dy * np.float32(math.cos(angle)) - dx * np.float32(math.sin(angle))) / np.float32(size)
    turn, phases = np.arctan2(across, along), scene.rng.uniform(0, 6.3, 2)
    outline = 1.0 + ragged * (0.6 * np.sin(2 * turn + phases[0]) + 0.4 * np.sin(5 * turn + phases[1]))
    inside = np.clip((outline - np.sqrt(along**2 + across**2)) / (2 * softness) + 0.5, 0.0, 1.0)
    # Smoothstep, 3 t^2 - 2 t^3: its slope is 0 at both ends, so that neither shows as an edge.
    shape = inside * inside * (3.0 - 2.0 * inside)
    patch = scene.picture[:, rows, columns]
    strength, colour = ink
    if strength < 0:
        absorb(patch, -strength * shape, colour)
    else:
        mix(patch, strength * shape, colour * (0.72 + 0.4 * scene.eye.pigment[0]))
    return Lesion(kind, x, y, reach)
