"""Figures say what their data say, whatever the names; nothing overlaps, and the same input gives the same bytes."""

import itertools
import xml.dom.minidom

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawn_figures import NAMES, counts, history, intervals, precision, reliability, roc, texts, training, written

from retina.reporting import figures
from retina.reporting.figures import labels, style

HOSTILE = [
    "$x_{1}$ \\frac{1}{2} ^_%&#",
    "</svg><script>alert(1)</script>",
    "line\nbreak\tand\x00bell\x07",
    "眼底 \ud800 \u202eright to left \U0001f441 \u0301\u0301\u0301",
    "W" * 500,
    "",
]


def pairs(names, p=0.4):
    count = len(names)
    level = np.linspace(0.8, 0.95, count)
    return figures.pairwise(names, level[:, None] - level, np.full((count, count), p), np.full((count, count), 0.021))


def seconds(names):
    return pd.concat([history(np.ones(4)).assign(label=name) for name in names])[["label", "epoch", "seconds"]]


EVERY = {
    "training": lambda names: training(history([0.7, 0.5, 0.6]), names[0], best_epoch=2, onset=3, stop_epoch=3),
    "params": lambda names: figures.params_pair({name: history([0.7, 0.5]) for name in names}, title=names[0]),
    "losses": lambda names: figures.loss_pair({name: history([0.7, 0.5]) for name in names}, title=names[0]),
    "roc": lambda names: figures.roc_grid([roc(name, name) for name in names]),
    "precision-recall": lambda names: figures.precision_recall_grid([precision(name) for name in names]),
    "reliability": lambda names: figures.reliability_grid([reliability(name) for name in names]),
    "confusion": lambda names: figures.confusion_grid([counts(name) for name in names]),
    "forest": lambda names: figures.forest(intervals(names), title=names[0]),
    "pairwise": pairs,
    "time": lambda names: figures.epoch_time(seconds(names)),
}
every = pytest.mark.parametrize("draw", EVERY.values(), ids=EVERY)


@style.styled
def boxes(figure):
    """Where the texts stand, as drawn at 150 dots an inch, pixels."""
    figure.set_dpi(150)
    figure.draw_without_rendering()
    shown = [text for text in texts(figure) if text.axes is None or text.axes.axison]
    return {text: text.get_window_extent() for text in shown if on_axis(text)}


def on_axis(text):
    """Whether a tick's label is among those drawn."""
    for axes in text.figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels_of_ticks = [tick.label1 for tick in axis.get_major_ticks() + axis.get_minor_ticks()]
            if text in labels_of_ticks:
                return text in [tick.label1 for tick in axis._update_ticks()]
    return True


@every
def test_names_can_be_anything(draw, tmp_path):
    _, svg = figures.save(draw(HOSTILE), tmp_path, "figure")
    assert xml.dom.minidom.parse(str(svg))  # noqa: S318 - retina's own file


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_a_title_can_be_anything_and_is_taken_literally(title, tmp_path):
    figure = training(history([0.7, 0.5]), title=title)
    assert not figure.texts[0].get_parse_math()
    assert figure.texts[0].get_text().startswith(labels.literal(title)[:4])
    _, svg = figures.save(figure, tmp_path, "figure")
    assert not xml.dom.minidom.parse(str(svg)).getElementsByTagName("script")  # noqa: S318 - the same


@every
def test_the_same_input_gives_the_same_bytes_whatever_the_callers_settings_which_stay(draw, tmp_path):
    plain = figures.save(draw(NAMES[:2]), tmp_path, "plain")
    with mpl.rc_context({"font.size": 30, "text.parse_math": True, "axes.facecolor": "red", "lines.linewidth": 9}):
        before = dict(mpl.rcParams)
        odd = figures.save(draw(NAMES[:2]), tmp_path, "odd")
        assert dict(mpl.rcParams) == before
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in odd]
    assert not any(b"atplotlib" in path.read_bytes() for path in plain if path.suffix == ".png")


@every
@pytest.mark.parametrize("count", [1, 2, 12])
def test_no_text_overlaps_another_or_leaves_the_figure(draw, count):
    figure = draw(NAMES[:count])
    found = boxes(figure)
    for (one, box), (other, second) in itertools.combinations(found.items(), 2):
        wide = min(box.x1, second.x1) - max(box.x0, second.x0)
        high = min(box.y1, second.y1) - max(box.y0, second.y0)
        assert wide <= 2 or high <= 4, (one.get_text(), other.get_text())
    for text, box in found.items():
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


@every
def test_text_is_never_smaller_than_seven_points_on_a_printed_page(draw):
    figure = draw(NAMES[:20])
    printed = min(1.0, 6.5 / figure.get_figwidth())
    assert min(text.get_fontsize() for text in texts(figure)) * printed >= 7


@every
def test_forty_five_runs_are_cut_and_the_figure_says_so(draw):
    figure = draw(NAMES)
    if figure.axes[0].get_ylabel() != "loss":
        assert any(" of 45 " in text or " of 90 " in text for text in written(figure))
    assert figure.get_figheight() < 13
