"""The camera, drawn: uneven light, reflexes, dust, the black border, blur, sensor noise and JPEG's traces."""

import io
import math

import numpy as np
from PIL import Image

from retina.data.drawing.anatomy import Array, Eye, X, Y, distance, mix, noise, sigmoid

STREAKS, CRESCENTS, FOVEAL_REFLEXES = 0.4, 0.22, 0.35
"""How often a photograph has each harmless artefact, whatever its label."""

REFLEX = np.array([0.86, 0.84, 0.8], np.float32)


def photograph(rng: np.random.Generator, eye: Eye, picture: Array) -> Image.Image:
    """Photograph a drawn fundus.

    Args:
        rng: A stream of random numbers for the camera alone: twins that share it differ only in their lesions.
        eye: The eye, and its camera.
        picture: Reflectance, (3, 342, 512) float32, about 0-1; changed in place.

    Returns:
        An RGB image of 512 x 342 pixels.
    """
    add_reflexes(rng, eye, picture)
    picture *= balance(rng)[:, None, None]
    picture *= light(rng, eye) * border(eye)
    blur, quality = rng.uniform(0.08, 0.24), int(rng.integers(82, 95))
    # The grain is grey: JPEG stores colour at half the resolution and would smooth coloured grain.
    grain = rng.standard_normal(picture.shape[1:], dtype=np.float32) * np.float32(rng.uniform(0.006, 0.014))
    brightness = soften(develop(picture), blur)
    brightness += grain * (0.25 + brightness)
    pixels = (255 * np.clip(brightness, 0.0, 1.0)).astype(np.uint8)
    return compress(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))), quality)


def develop(picture: Array) -> Array:
    """The tone curve: reflectance to brightness, 0-1, with darker shadows and soft highlights; any shape."""
    deepened = picture * (0.8 + 0.2 * picture)
    deepened *= -1.75
    return 1.0 - np.exp(deepened, out=deepened)


def soften(picture: Array, share: float) -> Array:
    """Blur (3, h, w) slightly: each pixel gives `share` of itself to each neighbour, along rows, then columns."""
    along_rows = (1 - 2 * share) * picture
    along_rows[:, :, 1:] += share * picture[:, :, :-1]
    along_rows[:, :, :-1] += share * picture[:, :, 1:]
    along_both = (1 - 2 * share) * along_rows
    along_both[:, 1:] += share * along_rows[:, :-1]
    along_both[:, :-1] += share * along_rows[:, 1:]
    return along_both


def compress(image: Image.Image, quality: int) -> Image.Image:
    """Compress and decompress an image with JPEG, for its artefacts."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def light(rng: np.random.Generator, eye: Eye) -> Array:
    """Uneven illumination with vignetting: (342, 512) float32, about 0.4-1.3."""
    angle, offset = rng.uniform(0, 2 * math.pi), rng.uniform(0.0, 0.45) * eye.radius
    x, y = eye.centre[0] + offset * math.cos(angle), eye.centre[1] + offset * math.sin(angle)
    away = distance(x, y) / eye.radius
    return rng.uniform(0.75, 1.25) * (1.0 - rng.uniform(0.12, 0.42) * np.minimum(away, 1.5) ** 2)


def balance(rng: np.random.Generator) -> Array:
    """The camera's white balance: a gain for red, green and blue, (3,) float32."""
    return np.array([1.0, rng.uniform(0.88, 1.12), rng.uniform(0.75, 1.2)], np.float32)


def border(eye: Eye) -> Array:
    """1 inside the photographed circle, 0 outside, with a soft edge: (342, 512) float32. One camera has a notch."""
    inside = eye.radius - distance(*eye.centre)
    if eye.camera == 1:
        inside = np.maximum(inside, 6.0 - distance(eye.centre[0] + eye.radius, eye.centre[1]))
    return np.clip(inside / 1.5, 0.0, 1.0)


def add_reflexes(rng: np.random.Generator, eye: Eye, picture: Array) -> None:
    """Add harmless artefacts that any photograph may have, in place: reflexes, a bright crescent at the edge, dust."""
    if rng.random() < STREAKS:
        add_streak(rng, eye, picture)
    if rng.random() < CRESCENTS:
        add_crescent(rng, eye, picture)
    if rng.random() < FOVEAL_REFLEXES:
        add_foveal_reflex(rng, eye, picture)
    for _ in range(rng.integers(0, 3)):
        angle, reach = rng.uniform(0, 2 * math.pi), eye.radius * math.sqrt(rng.random()) * 0.9
        spot = distance(eye.centre[0] + reach * math.cos(angle), eye.centre[1] + reach * math.sin(angle))
        mix(picture, rng.uniform(0.08, 0.2) * np.exp(-((spot / rng.uniform(3, 7)) ** 2)), 0.5 * REFLEX)


def add_streak(rng: np.random.Generator, eye: Eye, picture: Array) -> None:
    """Add a reflex of the lens or the vitreous: a pale, soft, oblong smear between disc and fovea."""
    x, y = eye.place(rng.uniform(0.2, 0.9), rng.uniform(-0.35, 0.35))
    angle = rng.uniform(0, math.pi)
    along = (X - x) * math.cos(angle) + (Y - y) * math.sin(angle)
    across = (Y - y) * math.cos(angle) - (X - x) * math.sin(angle)
    length, width = rng.uniform(14, 34), rng.uniform(4, 9)
    mix(picture, rng.uniform(0.08, 0.3) * np.exp(-((along / length) ** 2) - (across / width) ** 2), REFLEX)


def add_crescent(rng: np.random.Generator, eye: Eye, picture: Array) -> None:
    """Add the bright crescent a camera held off the pupil's axis leaves at one edge."""
    angle, shift = rng.uniform(0, 2 * math.pi), rng.uniform(0.12, 0.3) * eye.radius
    x, y = eye.centre[0] + shift * math.cos(angle), eye.centre[1] + shift * math.sin(angle)
    beyond = distance(x, y) - eye.radius * 0.98
    colour = REFLEX * np.array([1.0, rng.uniform(0.6, 0.9), rng.uniform(0.3, 0.8)], np.float32)
    mix(picture, rng.uniform(0.2, 0.55) * sigmoid(beyond / 9.0) * (1.0 + 0.15 * noise(rng, 40.0)).clip(0, 1.2), colour)


def add_foveal_reflex(rng: np.random.Generator, eye: Eye, picture: Array) -> None:
    """Add the tiny bright foveal reflex of a young eye."""
    away = distance(*eye.fovea)
    mix(picture, rng.uniform(0.15, 0.45) * np.exp(-((away / rng.uniform(1.5, 3.0)) ** 2)), REFLEX)
