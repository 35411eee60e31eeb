"""A healthy eye, drawn: where disc and fovea lie, pigment, choroid and optic disc, before vessels, lesions and camera.

Proportions follow the textbook fundus in a 45 degree photograph: the fovea lies about 2.5 disc diameters temporal of
the disc and a little below it, and the disc is taller than wide. Nothing here means anything clinically.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

WIDTH, HEIGHT = 512, 342
"""Size of every photograph in pixels: 3:2, as RFMiD's 2144 x 1424. Always the same, it cannot reveal a label."""

Array = np.ndarray
Point = tuple[float, float]
Y, X = np.arange(HEIGHT, dtype=np.float32)[:, None], np.arange(WIDTH, dtype=np.float32)[None, :]

# Radius of the photographed circle in pixels for three cameras: cut off at top and bottom, barely cut off, whole.
CAMERA_RADII = (198.0, 180.0, 165.0)
# How strongly each changes red, green and blue light: the pattern of choroidal vessels, and the macula's pigment
# xanthophyll, which absorbs mostly blue.
CHOROID_SHOWS = np.array([0.42, 0.5, 0.35], np.float32)
MACULA_ABSORBS = np.array([0.45, 0.75, 0.95], np.float32)


@dataclass(frozen=True)
class Eye:
    """One eye before one camera. Lengths and positions are pixels of the photograph unless said otherwise.

    Attributes:
        centre: Centre of the photographed circle, (x, y).
        radius: Its radius.
        camera: Which of the cameras in `CAMERA_RADII`.
        disc: Centre of the optic disc, (x, y).
        unit: Distance from disc to fovea.
        temporal: 1 where the temple lies to the right of the picture, -1 where it lies to the left.
        tilt: Angle of the line from disc to fovea below the horizontal, radians.
        disc_radius: Horizontal radius of the disc.
        disc_height: Vertical radius of the disc over the horizontal one.
        cup: Cup-to-disc ratio, 0-1.
        pallor: 0 pink rim, 1 a rim as pale as the cup, 1.5 chalk-white.
        swelling: 0 crisp disc, 1 and above swollen, without cup or edge.
        pigment: Reflectance of the fundus in red, green and blue, 0-1.
        fovea_depth: Darkness of the fovea, optical density in green.
        choroid: Visibility of the choroidal vessels, 0-1.
    """

    centre: Point
    radius: float
    camera: int
    disc: Point
    unit: float
    temporal: int
    tilt: float
    disc_radius: float
    disc_height: float
    cup: float
    pallor: float
    swelling: float
    pigment: tuple[float, float, float]
    fovea_depth: float
    choroid: float

    @property
    def fovea(self) -> Point:
        """Centre of the fovea, (x, y)."""
        return self.place(1.0, 0.0)

    def place(self, along: float, below: float) -> Point:
        """A point given in disc-to-fovea distances from the disc: `along` to the fovea, `below` at right angles."""
        cosine, sine = math.cos(self.tilt), math.sin(self.tilt)
        x = self.disc[0] + self.temporal * self.unit * (along * cosine - below * sine)
        return x, self.disc[1] + self.unit * (along * sine + below * cosine)

    def shows(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a point lies inside the photographed circle and the picture, `margin` pixels from either edge."""
        inside = math.hypot(x - self.centre[0], y - self.centre[1]) <= self.radius - margin
        return inside and margin <= x <= WIDTH - 1 - margin and margin <= y <= HEIGHT - 1 - margin


def sample_eye(rng: np.random.Generator) -> Eye:
    """Draw one healthy eye: geometry, camera and pigment, all within the healthy range."""
    camera = int(rng.integers(len(CAMERA_RADII)))
    radius = CAMERA_RADII[camera] * rng.uniform(0.98, 1.02)
    centre = (WIDTH / 2 + rng.uniform(-10, 10), HEIGHT / 2 + rng.uniform(-3, 3))
    temporal, tilt = int(rng.choice((-1, 1))), rng.uniform(-0.02, 0.2)
    unit = radius * rng.uniform(0.74, 0.84)
    # From centred on the macula to centred between disc and macula.
    along = rng.uniform(-0.92, -0.5)
    disc = (centre[0] + temporal * unit * along, centre[1] + unit * (rng.uniform(-0.1, 0.06) - tilt / 2))
    return Eye(
        centre=centre,
        radius=radius,
        camera=camera,
        disc=disc,
        unit=unit,
        temporal=temporal,
        tilt=tilt,
        disc_radius=unit * rng.uniform(0.175, 0.205),
        disc_height=rng.uniform(1.05, 1.2),
        cup=rng.uniform(0.2, 0.42),
        pallor=rng.uniform(0.0, 0.12),
        swelling=0.0,
        pigment=sample_pigment(rng),
        fovea_depth=rng.uniform(0.3, 0.65),
        choroid=rng.beta(1.2, 3.0) * 0.33,
    )


def sample_pigment(rng: np.random.Generator) -> tuple[float, float, float]:
    """Reflectance of a fundus in red, green and blue, 0-1: from pale yellow through orange to brick and dark brown."""
    red = rng.uniform(0.45, 0.82)
    green = red * rng.uniform(0.36, 0.62)
    blue = green * rng.uniform(0.28, 0.62)
    return red, green, blue


def noise(rng: np.random.Generator, cell: float) -> Array:
    """Smooth Gaussian noise with cells `cell` pixels wide: (342, 512) float32, mean about 0, deviation below 1."""
    coarse = rng.standard_normal((int(HEIGHT / cell) + 2, int(WIDTH / cell) + 2), dtype=np.float32)
    return enlarge(coarse)


def enlarge(field: Array, *, smooth: bool = True) -> Array:
    """Resize a float32 field of any size to the photograph's (342, 512)."""
    kind = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(field, "F").resize((WIDTH, HEIGHT), kind))


def distance(x: float, y: float, stretch: float = 1.0) -> Array:
    """Distance of every pixel from a point, vertical distances divided by `stretch`: (342, 512) float32, pixels."""
    # A float64 of numpy's beside a float32 field would make the whole field float64.
    return np.sqrt((X - np.float32(x)) ** 2 + ((Y - np.float32(y)) / np.float32(stretch)) ** 2)


def sigmoid(field: Array) -> Array:
    """The logistic function, for soft edges: any shape, values 0-1."""
    return 0.5 + 0.5 * np.tanh(0.5 * field)


def mix(picture: Array, alpha: Array, colour: Array) -> None:
    """Cover a (3, h, w) picture, in place, with a colour of shape (3,) where `alpha` (h, w), 0-1, says so."""
    for channel, shade in enumerate(colour):
        picture[channel] += alpha * (np.float32(shade) - picture[channel])


def absorb(picture: Array, density: Array, absorbs: Array) -> None:
    """Darken a (3, h, w) picture in place by Beer and Lambert's law: optical density (h, w) times `absorbs` (3,)."""
    for channel, share in enumerate(absorbs):
        picture[channel] *= np.exp(-np.float32(share) * density)


def draw_choroid(rng: np.random.Generator, eye: Eye) -> Array:
    """The choroidal vessels, a dense net fanning out around the disc: (342, 512) float32, 0 between them, 1 on them."""
    many, steps, length = 190, 16, 0.06 * eye.unit
    spread = rng.uniform(-1.15, 1.15, (2, many)).astype(np.float32) * np.float32(eye.radius)
    place = spread + np.array(eye.centre, np.float32)[:, None]
    radial = np.arctan2(place[1] - eye.disc[1], place[0] - eye.disc[0])
    turns = np.cumsum(rng.normal(0.0, 0.16, (steps, many)), axis=0)
    heading = radial + rng.normal(0.0, 0.35, many) + turns
    paths = place + length * np.cumsum(np.stack([np.cos(heading), np.sin(heading)], axis=1), axis=0)
    sheet = Image.new("L", (WIDTH // 2, HEIGHT // 2))
    pen = ImageDraw.Draw(sheet)
    for path, width in zip(paths.transpose(2, 0, 1) / 2, rng.integers(2, 4, many), strict=True):
        pen.line(path.ravel().tolist(), fill=255, width=int(width))
    net = ndimage.gaussian_filter(np.asarray(sheet, np.float32) / 255, 0.9)
    return enlarge(net, smooth=False)


def draw_background(rng: np.random.Generator, eye: Eye) -> tuple[Array, Array]:
    """The fundus without disc and vessels.

    Returns:
        Reflectance, (3, 342, 512) float32, 0-1, and the choroid's pattern, (342, 512) float32, 0-1.
    """
    grain = 0.07 * noise(rng, 90.0) + 0.035 * noise(rng, 22.0) + 0.02 * noise(rng, 6.0) + 0.015 * noise(rng, 2.5)
    picture = np.asarray(eye.pigment, np.float32)[:, None, None] * (1.0 + grain)
    choroid = draw_choroid(rng, eye)
    show_choroid(picture, choroid, np.float32(eye.choroid))
    away = distance(*eye.fovea) / eye.unit
    dark = eye.fovea_depth * (np.exp(-((away / 0.1) ** 2)) + 0.55 * np.exp(-((away / 0.34) ** 2)))
    absorb(picture, dark, MACULA_ABSORBS)
    return picture, choroid


def show_choroid(picture: Array, choroid: Array, strength: Array | np.float32) -> None:
    """Let the choroidal vessels show through, in place: bright orange vessels, dark pigment between them.

    Args:
        picture: Reflectance, (3, 342, 512) float32.
        choroid: The pattern `draw_choroid` drew.
        strength: 0 hidden, 1 a fully tessellated fundus; a number or a field of (342, 512).
    """
    contrast = strength * (choroid - 0.45)
    for channel, share in enumerate(CHOROID_SHOWS):
        picture[channel] *= 1.0 + share * contrast


def disc_distance(eye: Eye) -> Array:
    """Distance from the disc's centre over the disc's radius in that direction: (342, 512) float32, 1 on its edge."""
    return distance(*eye.disc, eye.disc_height) / eye.disc_radius


def draw_disc(rng: np.random.Generator, eye: Eye, picture: Array) -> None:
    """Draw the optic disc with its cup onto reflectance (3, 342, 512), in place."""
    wobble = 1.0 + 0.05 * noise(rng, 30.0)
    away = disc_distance(eye) * wobble / (1.0 + 0.4 * eye.swelling)
    light = 0.8 + 0.25 * max(eye.pigment)
    rim = light * np.array([1.0, 0.6, 0.28], np.float32)
    pale = light * np.array([1.05, 0.97, 0.76], np.float32)
    mix(picture, 0.16 * np.exp(-np.maximum(disc_distance(eye) - 0.9, 0.0) / 0.35), rim)
    rim += (pale - rim) * eye.pallor
    mix(picture, 0.92 * sigmoid((1.0 - away) / (0.035 + 0.13 * eye.swelling)), rim)
    shift = 0.1 * eye.disc_radius * eye.temporal * (1.0 - eye.cup)
    cup = distance(eye.disc[0] + shift, eye.disc[1], eye.disc_height) / eye.disc_radius * wobble
    mix(picture, max(1.0 - eye.swelling, 0.0) * 0.9 * sigmoid((eye.cup - cup) / 0.04), pale)
