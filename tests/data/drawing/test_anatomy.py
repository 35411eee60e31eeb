"""A healthy eye: its own frame of disc and fovea, and the primitives with which everything is drawn."""

import dataclasses
import math

import numpy as np
import pytest
from drawn_eyes import grey_scene

from retina.data.drawing import anatomy
from retina.data.drawing.anatomy import HEIGHT, WIDTH, sample_eye


def level(**changes):
    """An eye whose fovea lies 100 pixels to the right of its disc, at the same height."""
    eye = sample_eye(np.random.default_rng(0))
    whole = {"disc": (150.0, 170.0), "unit": 100.0, "temporal": 1, "tilt": 0.0, "centre": (256.0, 171.0)}
    return dataclasses.replace(eye, **(whole | {"radius": 165.0} | changes))


def test_places_are_counted_from_the_disc_towards_the_fovea():
    assert level().fovea == (250.0, 170.0)
    assert level(temporal=-1).fovea == (50.0, 170.0)
    assert level().place(0.5, 0.2) == pytest.approx((200.0, 190.0))
    assert level(tilt=math.pi / 2).place(1.0, 0.25) == pytest.approx((125.0, 270.0))


def test_a_point_is_shown_inside_circle_and_picture():
    eye = level()
    assert eye.shows(256, 171)
    assert eye.shows(256 + 165, 171)
    assert not eye.shows(256 + 165, 171, margin=1)
    assert not level(radius=400.0).shows(256, -1)
    assert not level(radius=400.0).shows(256, HEIGHT - 1, margin=1)


@pytest.mark.parametrize("seed", range(20))
def test_every_eye_shows_its_disc_and_its_fovea(seed):
    eye = sample_eye(np.random.default_rng(seed))
    assert eye.shows(*eye.disc, margin=eye.disc_radius)
    assert eye.shows(*eye.fovea)
    assert math.dist(eye.disc, eye.fovea) == pytest.approx(eye.unit)
    assert 4 < eye.unit / eye.disc_radius < 6, "the fovea lies 2.5 disc diameters from the disc, about"


def test_a_picture_is_covered_and_absorbed_in_its_share():
    covered, darkened = (np.full((3, 1, 2), 0.5, np.float32) for _ in range(2))
    anatomy.mix(covered, np.array([[0.0, 0.5]], np.float32), np.array([1.0, 0.5, 0.0]))
    assert covered[:, 0].tolist() == [[0.5, 0.75], [0.5, 0.5], [0.5, 0.25]]
    anatomy.absorb(darkened, np.array([[0.0, 1.0]], np.float32), np.array([1.0, 0.0, 2.0]))
    assert darkened[:, 0, 0].tolist() == [0.5] * 3
    assert darkened[:, 0, 1] == pytest.approx([0.5 * math.exp(-1), 0.5, 0.5 * math.exp(-2)])


def test_distance_is_in_pixels_and_shorter_along_what_is_taller():
    away = anatomy.distance(10.0, 20.0)
    assert away.shape == (HEIGHT, WIDTH)
    assert away[20, 10] == 0
    assert away[24, 13] == pytest.approx(5)
    assert anatomy.disc_distance(level(disc_radius=10.0, disc_height=2.0))[170, 160] == pytest.approx(1)
    assert anatomy.disc_distance(level(disc_radius=10.0, disc_height=2.0))[190, 150] == pytest.approx(1)


def test_a_disc_is_paler_than_the_fundus_and_a_cup_paler_than_its_rim():
    scene = grey_scene()
    eye = dataclasses.replace(level(), disc_radius=20.0, disc_height=1.0, cup=0.4, pallor=0.0, swelling=0.0)
    anatomy.draw_disc(np.random.default_rng(0), eye, scene.picture)
    blue = scene.picture[2]
    assert blue[170, 152] > blue[170 + 15, 150]
    assert scene.picture[0, 170 + 15, 150] > scene.picture[0, 20, 400] == 0.5
