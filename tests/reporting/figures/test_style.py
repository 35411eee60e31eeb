"""Texts on a sheet keep apart, and series are told apart."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.reporting.figures import style


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_spread_positions_keep_their_order_and_distance(positions):
    placed = style.spread(positions, 0.1, 0.05, 0.95)
    assert all(second - first >= 0.1 - 1e-9 for first, second in itertools.pairwise(sorted(placed)))
    assert min(placed) >= 0.05 - 1e-9
    assert max(placed) <= 0.95 + 1e-9
    for (one, a), (other, b) in itertools.combinations(zip(positions, placed, strict=True), 2):
        assert one == other or (one < other) == (a < b)


def test_positions_far_apart_stay_where_they_are():
    assert style.spread([0.8, 0.2, 0.5], 0.1, 0, 1) == pytest.approx([0.8, 0.2, 0.5])
    assert style.spread([0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.45, 0.55])


def luminance(colour):
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_series_stands_out_from_white_and_has_a_grey_a_dash_and_a_marker_of_its_own():
    """Contrast by WCAG 2.2: 3 to 1 for lines, 4.5 to 1 for text; greys at least 6 steps of CIE lightness apart."""
    colours, dashes, markers = zip(*style.SERIES, strict=True)
    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in colours)
    assert all(
        1.05 / (luminance(colour) + 0.05) >= 4.5
        for colour in (style.INK, style.FAINT, style.NAVY, style.VERMILLION, style.DEEP_TEAL)
    )
    lightness = sorted(116 * luminance(colour) ** (1 / 3) - 16 for colour in colours)
    assert np.diff(lightness).min() >= 6
    assert len(set(dashes)) == len(set(markers)) == len(style.SERIES)
