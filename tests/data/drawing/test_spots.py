"""Spots, which lesions are painted with."""

import math

import numpy as np
import pytest
from drawn_eyes import grey_scene
from hypothesis import given
from hypothesis import strategies as st

from retina.data.drawing.anatomy import HEIGHT, WIDTH
from retina.data.drawing.spots import scatter, spot


@given(
    size=st.floats(1, 30),
    stretch=st.floats(1, 3.5),
    angle=st.floats(-4, 4),
    softness=st.floats(0.05, 0.5),
    ragged=st.floats(0, 0.4),
    strength=st.sampled_from((-1.0, 0.8)),
    at=st.tuples(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1)),
)
def test_the_circle_of_a_spot_holds_every_pixel_it_changed(*, size, stretch, angle, softness, ragged, strength, at):
    scene = grey_scene()
    shape = {"softness": softness, "stretch": stretch, "angle": angle, "ragged": ragged}
    lesion = spot(scene, "spot", at, size, (strength, np.array([0.9, 0.8, 0.1])), **shape)
    y, x = np.nonzero((scene.picture != 0.5).any(axis=0))
    assert len(x)
    assert np.hypot(x - lesion.x, y - lesion.y).max() <= lesion.radius


def test_ink_of_a_positive_strength_covers_and_of_a_negative_one_absorbs():
    scene = grey_scene()
    colour = np.array([0.0, 0.5, 1.0])
    spot(scene, "cover", (100, 100), 10, (1.0, colour), ragged=0)
    spot(scene, "absorb", (200, 100), 10, (-2.0, colour), ragged=0)
    assert scene.picture[:, 100, 100] == pytest.approx(colour * (0.72 + 0.4 * scene.eye.pigment[0]), rel=1e-5)
    assert scene.picture[:, 100, 200] == pytest.approx([0.5, 0.5 * math.exp(-1), 0.5 * math.exp(-2)], rel=1e-5)


def test_scattered_points_are_visible_and_off_the_disc_and_the_fovea_where_none_is():
    scene = grey_scene()
    eye = scene.eye
    points = [scatter(scene, eye.disc, 60, 5) for _ in range(200)]
    assert len(set(points)) > 100
    assert all(eye.shows(*point, 5) and math.dist(point, eye.disc) > 1.3 * eye.disc_radius + 5 for point in points)
    assert scatter(scene, eye.disc, 0.0, 5) == eye.fovea
