"""Vessels: they begin at the disc, taper, spare the fovea, and are dark where they are drawn."""

import dataclasses

import numpy as np
import pytest
from drawn_eyes import grey_scene

from retina.data.drawing import vessels
from retina.data.drawing.vessels import FOVEAL_ZONE, Vessel, grow_vessels


@pytest.fixture(scope="module", params=[0, 1])
def grown(request):
    """An eye and all its vessels."""
    eye = grey_scene(request.param).eye
    return eye, grow_vessels(np.random.default_rng(request.param), eye)


def test_there_are_twelve_trunks_arteries_and_veins_above_and_below_that_begin_on_the_disc(grown):
    eye, every = grown
    trunks = [vessel for vessel in every if vessel.trunk]
    assert len(trunks) == 12
    for vein in (True, False):
        assert [sum(trunk.upper == upper and trunk.vein == vein for trunk in trunks) for upper in (True, False)] == [
            3,
            3,
        ]
    for trunk in trunks:
        assert np.hypot(*(trunk.points[0] - eye.disc)) < 1.3 * eye.disc_height * eye.disc_radius
    assert len(every) > len(trunks), "trunks have branches"


def test_vessels_taper_and_branches_are_thinner_than_the_thickest_trunk(grown):
    _, every = grown
    assert all((np.diff(vessel.widths) < 0).all() for vessel in every)
    thickest = max(vessel.widths[0] for vessel in every if vessel.trunk)
    assert all(vessel.widths[0] < thickest for vessel in every if not vessel.trunk)


def test_no_vessel_crosses_the_fovea(grown):
    eye, every = grown
    nearest = min(np.hypot(*(vessel.points[2:] - eye.fovea).T).min(initial=np.inf) for vessel in every)
    assert nearest >= FOVEAL_ZONE * eye.unit


@pytest.mark.parametrize("temporal", [1, -1])
def test_the_eyes_own_frame_and_pixels_are_each_others_inverse(temporal):
    eye = dataclasses.replace(grey_scene().eye, temporal=temporal)
    path = np.array([[0.0, 0.0], [1.0, 0.0], [0.4, -0.7]])
    points = vessels.to_pixels(eye, path)
    assert points[:2] == pytest.approx(np.array([eye.disc, eye.fovea]))
    for place, point in zip(path, points, strict=True):
        assert vessels.to_frame(eye, point) == pytest.approx(place)


def straight(width, *, vein):
    """A vessel along row 50, from column 20 to 120."""
    points = np.array([(float(x), 50.0) for x in range(20, 121, 10)])
    many = len(points)
    return Vessel(points, np.full(many, width), np.zeros(many), vein=vein, upper=True, trunk=True)


def test_a_vessel_is_dense_in_its_width_alone_and_a_wide_one_has_a_reflex():
    wide, thin = (vessels.density([straight(width, vein=True)], reflex=0.4) for width in (9.0, 2.0))
    assert wide[40, 70] == wide[60, 70] == wide[50, 10] == 0
    assert wide[53, 70] > wide[50, 70] == pytest.approx(0.6 * wide[53, 70], abs=0.01)
    assert thin[50, 70] > 0
    assert thin[53, 70] == 0


def test_veins_are_darker_than_arteries():
    shades = []
    for vein in (True, False):
        scene = grey_scene()
        vessels.draw_vessels([straight(4.0, vein=vein)], scene.picture)
        shades.append(scene.picture[:, 51, 70])
        assert scene.picture[:, 40, 70].tolist() == [0.5] * 3
    assert (shades[0] < shades[1]).all()
    assert (shades[1] < 0.5).all()


def test_the_first_true_flag_is_found_and_their_number_where_none_is():
    assert vessels.first_true(np.array([False, True, True])) == 1
    assert vessels.first_true(np.array([False, False])) == 2
