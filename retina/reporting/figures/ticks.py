"""The ticks of a finished figure as few artists: half of the time of a figure went into matplotlib's own.

A tick of matplotlib is five artists, each made, measured and drawn by itself. Here the marks of an axis are one line,
its grid is one path, and of labels only those that are seen are made. All look is taken from the axis' own first tick,
and each piece is where that tick would have it, to within three pixels.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from retina.reporting.figures import labels

NEAR = 1e-10
"""Of the axis: a tick this far outside is at its end, as for matplotlib."""


def simplify(figure: Figure) -> None:
    """Draw the ticks, grids and names of all axes by artists of this module, and hide matplotlib's.

    The figure is finished after it: what is then changed on an axis is not seen. An axis with minor ticks, with ticks
    on its far side, or with a common factor beside it is left as it is.
    """
    for axes in filter(lambda axes: axes.axison, figure.axes):
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_visible() and isinstance(axis.get_minor_locator(), NullLocator):
                _simplify(axes, axis)


def _simplify(axes: Axes, axis: Axis) -> None:
    """One axis."""
    (tick,) = axis.get_major_ticks(1)
    places = axis.get_majorticklocs()
    texts = axis.get_major_formatter().format_ticks(places)
    if axis.get_major_formatter().get_offset() or tick.tick2line.get_visible() or tick.label2.get_visible():
        return
    seen = _seen(axis, places)
    places, texts = places[seen], [text for text, is_seen in zip(texts, seen, strict=True) if is_seen]
    if tick.gridline.get_visible() and len(places):
        axes.add_artist(_grid(axis, tick, places))
    if tick.tick1line.get_visible() and tick.tick1line.get_markersize() > 0:
        axes.add_artist(_marks(axis, tick, places))
    depth = 0.0
    if tick.label1.get_visible() and any(texts):
        depth = tick.get_pad() + tick.get_tick_padding() + _depth(axis, tick, texts)
        for place, text in zip(places, texts, strict=True):
            axes.add_artist(_like(tick.label1, *_point(axis, place, 0.0), text, axis))
    if axis.label.get_text():
        axes.add_artist(_name(axes, axis, depth + axis.labelpad))
    axis.set_visible(False)


def _seen(axis: Axis, places: np.ndarray) -> np.ndarray:
    """Which ticks lie within the limits of the axis, (N,) bool."""
    scale = axis.get_transform()
    low, high = np.sort(scale.transform(np.asarray(axis.get_view_interval())))
    at, near = scale.transform(places), NEAR * (high - low)
    return (at >= low - near) & (at <= high + near)


def _point(axis: Axis, along: float, across: float) -> tuple[float, float]:
    """A place along the axis and one across it -> x and y."""
    return (along, across) if axis.axis_name == "x" else (across, along)


def _grid(axis: Axis, tick: Tick, places: np.ndarray) -> PathPatch:
    """All grid lines as one path. With codes for its pieces, it is put on whole pixels like a single line."""
    ends = [_point(axis, place, end) for place in places for end in (0.0, 1.0)]
    line = tick.gridline
    return PathPatch(
        Path(ends, [Path.MOVETO, Path.LINETO] * len(places)),
        fill=False,
        edgecolor=line.get_color(),
        linewidth=line.get_linewidth(),
        transform=line.get_transform(),
        zorder=axis.get_zorder(),
    )


def _marks(axis: Axis, tick: Tick, places: np.ndarray) -> Line2D:
    """All tick marks as the markers of one line."""
    mark = tick.tick1line
    return Line2D(
        *_point(axis, places, np.zeros(len(places))),
        linestyle="none",
        marker=mark.get_marker(),
        markersize=mark.get_markersize(),
        markeredgewidth=mark.get_markeredgewidth(),
        color=mark.get_color(),
        transform=mark.get_transform(),
        clip_on=False,
        zorder=axis.get_zorder(),
    )


def _like(model: Text, x: float, y: float, text: str, axis: Axis) -> Text:
    """A text that looks like another, whose transform it has too."""
    written = Text(x, y, text)
    written.update_from(model)
    written.set(rotation_mode=model.get_rotation_mode(), clip_on=False, zorder=axis.get_zorder())
    return written


def _depth(axis: Axis, tick: Tick, texts: list[str]) -> float:
    """How far the labels of the ticks reach away from the axis, points: one line, or the widest of them."""
    size = tick.label1.get_fontsize()
    across = axis.axis_name == "x" or tick.label1.get_rotation() != 0
    return size if across else max(labels.width(text, size) for text in texts) * labels.POINTS_PER_INCH


def _name(axes: Axes, axis: Axis, distance: float) -> Text:
    """The name of the axis, that many points away from the frame."""
    along = axis.label.get_position()[0 if axis.axis_name == "x" else 1]
    name = _like(axis.label, *_point(axis, along, 0.0), axis.label.get_text(), axis)
    away = ScaledTranslation(*_point(axis, 0.0, -distance / labels.POINTS_PER_INCH), axes.figure.dpi_scale_trans)
    name.set_transform(axes.transAxes + away)
    return name
