"""One photograph of the built-in set: which diseases it carries, and the picture with its lesions.

Photograph i of a split is a function of (seed, split, i) alone. The healthy eye is drawn from one stream of random
numbers, its lesions from a second, the camera from a third, so that the same photograph without lesions, its healthy
twin, can be drawn too.
"""

import math
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from retina.data.drawing.anatomy import draw_background, draw_disc, sample_eye
from retina.data.drawing.camera import photograph
from retina.data.drawing.lesions import ABOVE, BENEATH, CLOUDS, DISC, disc_lesion
from retina.data.drawing.spots import Lesion, Painter, Scene
from retina.data.drawing.vessels import draw_vessels, grow_vessels

PREVALENCE = 1519 / 1920
"""Share of diseased photographs in RFMiD's training table."""
FREQUENCY = {
    "DR": 376, "MH": 317, "ODC": 282, "TSLN": 186, "DN": 138, "MYA": 101, "ARMD": 100, "BRVO": 73, "ODP": 65, "ODE": 58,
    "LS": 47, "CSR": 37, "CRVO": 28,
}  # fmt: skip
"""Disease -> how many photographs of RFMiD's training table have it; all that are drawn here."""
SECOND_DISEASE = 0.25
"""Share of the diseased photographs with two diseases."""

Lesions = list[tuple[str, Lesion]]
"""Each lesion of a photograph with its disease."""


def is_diseased(index: int) -> bool:
    """Whether photograph `index` (from 1) is diseased: of the first n of a split, for every n, the rounded share is."""
    return math.floor(PREVALENCE * index + 0.5) > math.floor(PREVALENCE * (index - 1) + 0.5)


def stream(seed: int, split: str, index: int, purpose: str) -> np.random.Generator:
    """The random numbers of one photograph for one purpose, independent of all others.

    CRC-32 turns words into numbers in the same way in every process, as Python's `hash` does not.
    """
    return np.random.default_rng([seed, zlib.crc32(split.encode()), index, zlib.crc32(purpose.encode())])


def choose_diseases(seed: int, split: str, index: int) -> tuple[str, ...]:
    """The diseases of one photograph, none to two, drawn with RFMiD's frequencies; only one may change the disc."""
    if not is_diseased(index):
        return ()
    rng = stream(seed, split, index, "diseases")
    first = pick(rng, FREQUENCY)
    if rng.random() >= SECOND_DISEASE:
        return (first,)
    others = {name: count for name, count in FREQUENCY.items() if name != first and not {name, first} <= set(DISC)}
    return first, pick(rng, others)


def pick(rng: np.random.Generator, weights: dict[str, int]) -> str:
    """Draw one name in proportion to its weight."""
    shares = np.array(list(weights.values())) / sum(weights.values())
    return str(rng.choice(list(weights), p=shares))


def draw(seed: int, split: str, index: int, *, healthy_twin: bool = False) -> tuple[Image.Image, Lesions]:
    """Draw one photograph.

    Args:
        seed: The set's seed, 0 or more.
        split: `train`, `validation` or `test`.
        index: The photograph's ID in its split, from 1.
        healthy_twin: Leave the lesions out: the same eye before the same camera.

    Returns:
        An RGB image of 512 x 342 pixels, and (disease, lesion) for each lesion in it.
    """
    diseases = () if healthy_twin else choose_diseases(seed, split, index)
    rng, lesion_rng = stream(seed, split, index, "eye"), stream(seed, split, index, "lesions")
    eye = sample_eye(rng)
    picture, choroid = draw_background(rng, eye)
    vessels = grow_vessels(rng, eye)
    severity = {disease: float(lesion_rng.random()) for disease in diseases}
    scenes = {disease: Scene(lesion_rng, eye, picture, choroid, vessels, severity[disease]) for disease in diseases}
    lesions = list(paint(BENEATH, scenes))
    eye_with_disc = eye
    for disease in diseases:
        if disease in DISC:
            kind, change = DISC[disease]
            eye_with_disc = change(eye, severity[disease])
            lesions.append((disease, disc_lesion(kind, eye_with_disc)))
    draw_disc(rng, eye_with_disc, picture)
    draw_vessels(vessels, picture)
    lesions += [*paint(ABOVE, scenes), *paint(CLOUDS, scenes)]
    return photograph(stream(seed, split, index, "camera"), eye, picture), lesions


def paint(painters: dict[str, Painter], scenes: dict[str, Scene]) -> Iterator[tuple[str, Lesion]]:
    """Paint the diseases of one stage, and yield each lesion with its disease."""
    for disease, scene in scenes.items():
        if disease in painters:
            for lesion in painters[disease](scene):
                yield disease, lesion
