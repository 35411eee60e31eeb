"""What the tests of the drawing share: an eye, a scene before it, and the pixels of a picture."""

import numpy as np
from PIL import Image

from retina.data.drawing.anatomy import HEIGHT, WIDTH, sample_eye
from retina.data.drawing.spots import Scene


def pixels(image: Image.Image) -> np.ndarray:
    """The pixels of a picture, (h, w, 3) int16."""
    return np.asarray(image, np.int16)


def grey_scene(seed: int = 0) -> Scene:
    """A fundus of one grey, 0.5, without vessels."""
    rng = np.random.default_rng(seed)
    picture = np.full((3, HEIGHT, WIDTH), 0.5, np.float32)
    return Scene(rng, sample_eye(rng), picture, picture[0], [], 0.5)
