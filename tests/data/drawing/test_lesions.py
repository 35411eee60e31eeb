"""Lesions: every disease has its painter."""

import dataclasses

import numpy as np
import pytest
from drawn_eyes import grey_scene

from retina.data.drawing import lesions
from retina.data.drawing.lesions import ABOVE, BENEATH, CLOUDS, DISC
from retina.data.drawing.photograph import FREQUENCY
from retina.data.sources import rfmid


def test_every_disease_drawn_has_one_painter():
    painters = [*DISC, *BENEATH, *ABOVE, *CLOUDS]
    assert sorted(painters) == sorted(FREQUENCY)
    assert set(FREQUENCY) <= set(rfmid.DISEASES)
    assert sum(FREQUENCY.values()) > 1519


def test_a_disease_of_the_disc_changes_its_own_part_of_it_and_more_where_it_is_severe():
    eye = grey_scene().eye
    mild, severe = (lesions.large_cup(eye, severity) for severity in (0.0, 1.0))
    assert (mild.cup, severe.cup) == pytest.approx((0.76, 0.92))
    assert lesions.pale_disc(eye, 1.0).pallor == 1.5
    assert lesions.pale_disc(dataclasses.replace(eye, cup=0.9), 0.0).cup == 0.4
    swollen = lesions.swollen_disc(eye, 1.0)
    assert (swollen.swelling, swollen.pallor) == pytest.approx((1.2, 0.0))
    whole, larger = (lesions.disc_lesion("a disc", disc) for disc in (eye, swollen))
    assert (whole.x, whole.y) == eye.disc
    assert whole.radius == pytest.approx(1.15 * eye.disc_height * eye.disc_radius)
    assert larger.radius == pytest.approx(2.35 * eye.disc_height * eye.disc_radius)


def test_flames_follow_the_nerve_fibres_away_from_the_disc():
    """Beside the disc they lie, above it they stand."""
    for step, longer in (((60, 0), 1), ((0, 60), 0)):
        scene = grey_scene()
        x, y = scene.eye.fovea[0], scene.eye.disc[1]
        scene = dataclasses.replace(scene, eye=dataclasses.replace(scene.eye, disc=(x - step[0], y - step[1])))
        lesions.flame(scene, (x, y))
        rows, columns = np.nonzero((scene.picture != 0.5).any(axis=0))
        sides = (np.ptp(rows), np.ptp(columns))
        assert sides[longer] > sides[1 - longer]
