"""Grids of runs, the forest and the pairwise grid: the right numbers in the right places, and edge cases said."""

import numpy as np
import pandas as pd
import pytest
from drawn_figures import NAMES, counts, intervals, precision, reliability, roc, texts, written
from matplotlib.patches import Polygon, Rectangle

from retina.reporting import figures
from retina.reporting.figures.labels import ELLIPSIS

GRIDS = {
    "roc": (figures.roc_grid, roc),
    "precision-recall": (figures.precision_recall_grid, precision),
    "reliability": (figures.reliability_grid, reliability),
    "confusion": (figures.confusion_grid, counts),
}
grids = pytest.mark.parametrize(("draw", "panel"), GRIDS.values(), ids=GRIDS)
NAN = float("nan")


@grids
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 12, 13, 40])
def test_there_is_a_panel_a_run_up_to_twelve(draw, panel, count):
    figure = draw([panel(name) for name in NAMES[:count]])
    assert len(figure.axes) == min(count, 12)
    assert any(text == f"12 of {count} shown" for text in written(figure)) == (count > 12)


@grids
def test_only_the_outermost_panels_name_their_axes(draw, panel):
    figure = draw([panel(name) for name in NAMES[:7]])
    assert [bool(axes.get_ylabel()) for axes in figure.axes] == [True, False, False, True, False, False, True]
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, False, False, False, True, True, True]


@grids
def test_each_panel_carries_its_name_and_its_numbers(draw, panel):
    given = panel("vgg16-p2")
    found = written(draw([given]))
    assert "vgg16-p2" in found
    assert given.text in " ".join(found)


@grids
@pytest.mark.parametrize("count", [1, 2, 3, 13])
def test_the_key_to_what_is_drawn_is_never_cut(draw, panel, count):
    """However narrow the figure: what does not fit on one line goes on below."""
    assert not any(ELLIPSIS in text for text in written(draw([panel("a run")] * count)))


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (figures.roc_grid, ["false_positive_rate", "sensitivity", "low", "high"]),
        (figures.precision_recall_grid, ["sensitivity", "precision", "low", "high"]),
        (figures.reliability_grid, ["mean_probability", "observed", "low", "high", "images"]),
    ],
)
def test_a_run_without_a_curve_has_a_panel_that_says_so(draw, columns, tmp_path):
    for curve in (pd.DataFrame(columns=columns, dtype=np.float64), pd.DataFrame({name: [NAN] for name in columns})):
        figure = draw([figures.Panel("a run", curve, "")])
        assert "no curve" in written(figure)
        figures.save(figure, tmp_path, "empty")


@pytest.mark.parametrize("kind", [kind for kind in GRIDS if kind != "confusion"])
def test_the_order_of_a_curves_points_does_not_matter(kind, tmp_path):
    draw, panel = GRIDS[kind]
    given = panel()
    assert len(given.curve) > 1
    figures.save(draw([given]), tmp_path, "a")
    figures.save(draw([figures.Panel(given.label, given.curve[::-1], given.text, given.prevalence)]), tmp_path, "b")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_roc_panel_has_the_curve_its_band_and_the_line_of_chance():
    panel = roc()
    axes = figures.roc_grid([panel]).axes[0]
    chance, curve = axes.lines
    assert list(chance.get_xdata()) == list(chance.get_ydata()) == [0, 1]
    assert list(curve.get_ydata()) == list(panel.curve["sensitivity"])
    band = axes.collections[0].get_paths()[0].vertices
    assert {(0.5, 0.5**0.4), (0.5, 0.5**0.2)} <= {(x, y) for x, y in band}


def test_a_curve_of_many_points_is_thinned_but_not_moved():
    x = np.linspace(0, 1, 5000)
    curve = pd.DataFrame({"false_positive_rate": x, "sensitivity": x**0.3, "low": x**0.4, "high": x**0.2})
    drawn = figures.roc_grid([figures.Panel("a run", curve, "")]).axes[0].lines[1]
    assert len(drawn.get_xdata()) < 300
    assert np.interp(x**0.3, drawn.get_ydata(), drawn.get_xdata()) == pytest.approx(x, abs=1 / 120)
    assert (drawn.get_xdata()[0], drawn.get_xdata()[-1]) == (0, 1)


def test_precision_is_a_staircase_over_the_prevalence():
    chance, curve = figures.precision_recall_grid([precision(prevalence=0.3)]).axes[0].lines
    assert list(chance.get_ydata()) == [0.3, 0.3]
    assert curve.get_drawstyle() == "steps-pre"


def test_precision_begins_at_a_half_only_where_most_images_of_all_runs_are_diseased():
    def lowest(*shares):
        figure = figures.precision_recall_grid([precision(prevalence=share) for share in shares])
        said = any("precision from 0.5" in text for text in written(figure))
        return round(figure.axes[0].get_ylim()[0], 1), said

    assert lowest(0.79, 0.8) == (0.5, True)
    assert lowest(0.79, 0.53) == (0.0, False)
    assert lowest(float("nan")) == (0.0, False)


def test_a_reliability_panel_has_points_intervals_and_the_images_of_each_bin():
    panel = reliability()
    axes = figures.reliability_grid([panel]).axes[0]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    assert list(points.get_xdata()) == [0.1, 0.5, 0.9]
    bars, images = axes.collections
    assert [tuple(segment[:, 1]) for segment in bars.get_segments()] == list(
        zip(panel.curve["low"], panel.curve["high"], strict=True)
    )
    heights = [segment[1, 1] - segment[0, 1] for segment in images.get_segments()]
    assert np.array(heights) / heights[-1] == pytest.approx([5 / 40, 10 / 40, 1])
    assert max(segment[1, 1] for segment in images.get_segments()) < 0


def test_a_confusion_panel_has_the_counts_and_their_share_of_the_row_in_their_places():
    figure = figures.confusion_grid([counts()], classes=("diseased", "healthy"))
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert cells == {
        (0.25, 0.75): "480\n94.9%",
        (0.75, 0.75): "26\n5.1%",
        (0.25, 0.25): "40\n29.9%",
        (0.75, 0.25): "94\n70.1%",
    }
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["diseased", "healthy"]
    assert dict(zip(axes.get_yticks(), [label.get_text() for label in axes.get_yticklabels()], strict=True)) == {
        0.75: "diseased",
        0.25: "healthy",
    }


def test_a_row_without_images_has_no_share():
    figure = figures.confusion_grid([figures.Counts("a run", 3, 1, 0, 0, "")])
    assert [text.get_text() for text in figure.axes[0].texts].count("none") == 2


def test_a_forest_row_is_a_point_an_interval_and_the_same_in_numbers():
    table = pd.DataFrame([("a", 0.91, 0.88, 0.94, "test")], columns=["label", "auroc", "low", "high", "group"])
    figure = figures.forest(table, title="")
    lines = [(list(line.get_xdata()), line.get_marker()) for line in figure.axes[0].lines]
    assert ([0.88, 0.94], "None") in lines
    assert ([0.91], "s") in lines
    assert ([0.5, 0.5], "None") in lines
    assert "0.910 (0.880\N{EN DASH}0.940)" in written(figure)


def test_a_row_without_an_interval_is_a_hollow_point_and_said():
    rows = [("a", 0.91, NAN, NAN, "test"), ("b", NAN, NAN, NAN, "test")]
    figure = figures.forest(pd.DataFrame(rows, columns=["label", "auroc", "low", "high", "group"]), title="")
    assert {"0.910 (no interval)", "not estimable", "1 without a confidence interval: a bare, hollow point"} <= set(
        written(figure)
    )
    hollow = [
        line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white" and 0.91 in line.get_xdata()
    ]
    assert len(hollow) == 1


def test_a_run_is_named_once_for_its_groups_and_each_group_has_a_marker():
    figure = figures.forest(intervals(["a run"]), title="")
    assert written(figure).count("a run") == 1
    assert {"validation", "test"} <= set(written(figure))
    points = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [0.9]]
    assert {line.get_marker() for line in points} == {"s", "o"}


@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_a_forest_has_at_most_forty_rows(count):
    figure = figures.forest(intervals(NAMES[:count]), title="")
    assert sum("(0.850" in text for text in written(figure)) == min(2 * count, 40)
    assert ("40 of 42 rows shown" in written(figure)) == (count == 21)


def grid(count, *, p=None, unpaired=()):
    level = np.linspace(0.95, 0.80, count)
    differences, detectable = level[:, None] - level, np.full((count, count), 0.021)
    for number in unpaired:
        for table in (differences, detectable):
            table[number] = table[:, number] = NAN
    p = np.full((count, count), 0.4) if p is None else p
    return figures.pairwise(NAMES[:count], differences, p, detectable)


def cells(figure):
    """What stands in each cell: (row, column) from 0 -> text."""
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
