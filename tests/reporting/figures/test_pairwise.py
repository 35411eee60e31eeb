"""The grid of all pairs: differences, what could be detected, and which are significant."""

import numpy as np
import pytest
from drawn_figures import NAMES, texts, written
from matplotlib.patches import Polygon, Rectangle

from retina.reporting import figures

NAN = float("nan")


def grid(count, *, p=None, unpaired=()):
    level = np.linspace(0.95, 0.80, count)
    differences, detectable = level[:, None] - level, np.full((count, count), 0.021)
    for number in unpaired:
        for table in (differences, detectable):
            table[number] = table[:, number] = NAN
    p = np.full((count, count), 0.4) if p is None else p
    return figures.pairwise(NAMES[:count], differences, p, detectable)


def cells(figure):
    """What is in each cell: (row, column) from 0 -> text."""
    places = [(text.get_position(), text.get_text()) for text in texts(figure) if text.axes is not None]
    return {(int(y), int(x)): text for (x, y), text in places}


def test_the_cell_of_a_pair_is_row_minus_column_and_its_mirror_what_could_be_detected():
    found = cells(grid(4))
    assert found[2, 0] == "\N{MINUS SIGN}.100"
    assert found[3, 2] == "\N{MINUS SIGN}.050"
    assert found[0, 2] == found[2, 3] == ".021"
    assert [found[number, number] for number in range(4)] == ["1", "2", "3", "4"]


def test_a_positive_difference_carries_its_sign_and_a_large_one_its_whole_number():
    differences = np.array([[0.0, -0.0421], [0.0421, 0.0]])
    ones = np.ones((2, 2))
    assert cells(figures.pairwise(["a", "b"], differences, ones, 0.02 * ones))[1, 0] == "+.042"
    assert cells(figures.pairwise(["a", "b"], differences / 0.0421, ones, ones))[1, 0] == "+1.000"


def test_a_significant_pair_has_a_black_corner_and_no_other_has():
    p = np.full((4, 4), 0.05)
    p[3, 1] = p[1, 3] = 0.049
    corners = [patch for patch in grid(4, p=p).axes[0].patches if isinstance(patch, Polygon)]
    assert len(corners) == 1
    assert {(int(x - 0.01), int(y)) for x, y in corners[0].get_xy()} == {(1, 3)}


def test_pairs_on_different_images_are_hatched_and_empty():
    figure = grid(4, unpaired=[1])
    hatched = {
        (int(patch.get_y()), int(patch.get_x()))
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_hatch()
    }
    assert hatched == {(1, 0), (2, 1), (3, 1), (0, 1), (1, 2), (1, 3)}
    assert not hatched & cells(figure).keys()


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 20, 21])
def test_a_pairwise_grid_can_have_any_size_and_is_cut_at_twenty(count, tmp_path):
    figure = grid(count)
    found = written(figure)
    assert len(cells(figure)) == min(count, 20) ** 2
    assert any("thousandths" in text for text in found) == (count > 12)
    assert ("20 of 21 runs shown" in found) == (count == 21)
    figures.save(figure, tmp_path, "pairs")


def test_colours_of_a_difference_are_pale_enough_for_its_number():
    figure = grid(2)
    cell = next(
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and (patch.get_y(), patch.get_x()) == (1, 0)
    )
    assert min(cell.get_facecolor()[:3]) > 0.35
    assert max(cell.get_facecolor()[:3]) > 0.85
