"""A figure -> a PNG and an SVG, each whole or not written, with the same bytes for the same figure.

A `Drawing` is sent to worker processes, which import this package and none of the statistics behind it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from retina.machine import files
from retina.reporting.figures import ticks
from retina.reporting.figures.style import styled

DOTS_PER_INCH = 150
COMPRESSION = 3  # of a PNG: 6 % larger than at 6, the usual, in a seventh less time
# Neither a date nor the version of matplotlib: the same runs give the same bytes.
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None, "Format": None, "Type": None}}


@styled
def save(figure: Figure, folder: Path, stem: str) -> tuple[Path, Path]:
    """Write `<stem>.png` and `<stem>.svg`. The figure is finished then, see `ticks.simplify`.

    Letters in the SVG are outlines. As text they would be drawn in a font of the reader's, wider or narrower than the
    room for them; texts that a reader may want to search are in the report's tables.

    Args:
        figure: A figure of this package.
        folder: Is made where it is missing.
        stem: The files' name without its ending.

    Returns:
        The paths of PNG and SVG.

    Raises:
        RetinaError: the folder cannot be written, or the disk is full.
    """
    ticks.simplify(figure)
    paths = folder / f"{stem}.png", folder / f"{stem}.svg"
    for path, (kind, metadata) in zip(paths, METADATA.items(), strict=True):
        with files.atomic_file(path) as temporary:
            options = {"pil_kwargs": {"compress_level": COMPRESSION}} if kind == "png" else {}
            figure.savefig(temporary, format=kind, dpi=DOTS_PER_INCH, metadata=metadata, **options)
    return paths


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn.

    Args:
        stem: Its name.
        draw: The function of this package that draws it.
        arguments: Its arguments by position.
        options: Its arguments by name.
        folder: The folder to write to.
    """

    stem: str
    draw: Callable[..., Figure]
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    def save(self) -> None:
        """Draw it and write `<stem>.png` and `<stem>.svg`."""
        save(self.draw(*self.arguments, **self.options), self.folder, self.stem)
