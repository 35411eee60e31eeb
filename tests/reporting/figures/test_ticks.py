"""Simplified ticks: the same figure, drawn by fewer artists."""

import numpy as np
import pytest
from drawn_figures import NAMES, counts, history, intervals, precision, reliability, roc, training
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure

from retina.reporting import figures
from retina.reporting.figures import ticks
from retina.reporting.figures.style import styled

STEEP = history([3000.0, 40.0, 2.0, 0.7])
EXAMPLES = {
    "curves": lambda: training(history([0.7, 0.5, 0.4, 0.45]), best_epoch=3),
    "curves, log": lambda: training(STEEP, onset=2),
    "no epoch": lambda: training(history([])),
    "pair": lambda: figures.params_pair({"p1": history([0.7, 0.5]), "p2": history([0.6, 0.4, 0.3])}, title="two"),
    "roc": lambda: figures.roc_grid([roc(name) for name in NAMES[:5]]),
    "precision": lambda: figures.precision_recall_grid([precision()]),
    "reliability": lambda: figures.reliability_grid([reliability(name) for name in NAMES[:4]]),
    "confusion": lambda: figures.confusion_grid([counts(name) for name in NAMES[:4]]),
    "forest": lambda: figures.forest(intervals(NAMES[:6]), title="AUROC"),
}


@styled
def drawn(figure: Figure) -> np.ndarray:
    """The pixels of a figure, (H, W) float, 0 black to 1 white."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2) / 255


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_simplified_figure_looks_as_it_did(name):
    before, figure = drawn(EXAMPLES[name]()), EXAMPLES[name]()
    styled(ticks.simplify)(figure)
    after = drawn(figure)
    assert after.shape == before.shape
    # Ink may move by a pixel: what counts is how much there is in each square of 8 by 8.
    height, width = (side // 8 * 8 for side in before.shape)
    blocks = [
        (1 - image[:height, :width]).reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3))
        for image in (before, after)
    ]
    assert blocks[1].sum() == pytest.approx(blocks[0].sum(), rel=0.02)
    assert np.abs(blocks[1] - blocks[0]).mean() < 0.02 * blocks[0].mean() + 0.002


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_simplified_figure_says_what_it_said_where_it_said_it(name, monkeypatch):
    said = []
    draw_text = RendererAgg.draw_text

    def draw_and_note(renderer, gc, x, y, text, *rest, **more):
        said.append((text, x, y))
        draw_text(renderer, gc, x, y, text, *rest, **more)

    monkeypatch.setattr(RendererAgg, "draw_text", draw_and_note)
    figure = EXAMPLES[name]()
    drawn(figure)
    before = sorted(said)
    said.clear()
    styled(ticks.simplify)(figure)
    drawn(figure)
    assert [text for text, *_ in sorted(said)] == [text for text, *_ in before]
    for (_, *place), (_, *place_before) in zip(sorted(said), before, strict=True):
        assert place == pytest.approx(place_before, abs=3)  # pixels, a fiftieth of an inch


def marked(axes: Axes) -> bool:
    """Whether matplotlib draws the ticks of the horizontal axis itself."""
    return axes.xaxis.get_visible()


@pytest.mark.parametrize(
    "use",
    [
        lambda axes: axes.xaxis.set_minor_locator(axes.xaxis.get_major_locator()),
        lambda axes: axes.xaxis.tick_top(),
        lambda axes: axes.set_xlim(1e9, 1e9 + 1),
    ],
    ids=["minor ticks", "ticks above", "a common offset"],
)
def test_an_axis_of_another_kind_is_left_to_matplotlib(use):
    figure = Figure()
    axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
    use(axes)
    ticks.simplify(figure)
    assert marked(axes)
    assert not axes.yaxis.get_visible()
