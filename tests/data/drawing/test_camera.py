"""The camera: what it does to every photograph, whatever its label."""

import dataclasses

import numpy as np
import pytest
from drawn_eyes import grey_scene, pixels
from PIL import Image

from retina.data.drawing import camera
from retina.data.drawing.anatomy import CAMERA_RADII, HEIGHT, WIDTH


def eye(number):
    """An eye in the middle of the picture, before a camera."""
    centre = (WIDTH / 2, HEIGHT / 2)
    return dataclasses.replace(grey_scene().eye, camera=number, radius=CAMERA_RADII[number], centre=centre)


def test_the_tone_curve_rises_from_black_and_softens_highlights():
    levels = camera.develop(np.linspace(0, 1, 11))
    assert levels[0] == 0
    assert levels[-1] == pytest.approx(1 - np.exp(-1.75))
    assert (np.diff(levels) > 0).all()
    assert levels[-1] - levels[-2] < levels[5] - levels[4]


def test_blur_spreads_a_point_over_its_neighbours():
    point = np.zeros((1, 5, 5), np.float32)
    point[0, 2, 2] = 1.0
    soft = camera.soften(point, 0.25)[0]
    expected = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25])
    assert soft[1:4, 1:4] == pytest.approx(expected)
    assert soft.sum() == pytest.approx(1)


@pytest.mark.parametrize("number", range(len(CAMERA_RADII)))
def test_the_border_is_open_in_the_circle_and_closed_outside_and_one_camera_has_a_notch(number):
    looked_at = eye(number)
    inside = camera.border(looked_at)
    assert inside[HEIGHT // 2, WIDTH // 2] == 1
    assert inside[0, 0] == inside[-1, -1] == 0
    beyond = int(looked_at.centre[0] + looked_at.radius) + 3
    assert (inside[HEIGHT // 2, beyond] > 0) is np.bool_(number == 1)


def test_the_balance_leaves_red_alone_and_the_light_falls_off_to_the_edge():
    rng = np.random.default_rng(0)
    gains = np.array([camera.balance(rng) for _ in range(50)])
    assert set(gains[:, 0]) == {1.0}
    assert gains[:, 1:].std(axis=0).min() > 0.05
    light = camera.light(rng, eye(2))
    assert light.shape == (HEIGHT, WIDTH)
    assert light[[0, 0, -1, -1], [0, -1, 0, -1]].max() < light[HEIGHT // 2, WIDTH // 2]


def test_twins_before_one_camera_differ_in_nothing_but_what_was_drawn():
    scene = grey_scene()
    shots = [camera.photograph(np.random.default_rng(4), scene.eye, scene.picture.copy()) for _ in range(2)]
    assert np.array_equal(*map(pixels, shots))
    assert shots[0].size == (WIDTH, HEIGHT)
    other = camera.photograph(np.random.default_rng(5), scene.eye, scene.picture.copy())
    assert not np.array_equal(pixels(other), pixels(shots[0]))


def test_compression_leaves_traces():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    rough, fine = (np.abs(pixels(camera.compress(noise, quality)) - pixels(noise)).mean() for quality in (30, 95))
    assert rough > fine > 0
