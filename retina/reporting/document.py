"""A report as blocks in reading order, plain text throughout, the same for every output format.

A writer (markdown, HTML) turns blocks into text and escapes every value; no block carries markup, and nothing is ever
read back from a written report.
"""

from dataclasses import dataclass, field

SEVERITIES = ("info", "warning", "critical")


@dataclass(frozen=True)
class Heading:
    """A heading.

    Args:
        text: What it says.
        level: 1 the report's title, 2 a section, 3 a part of one.
        anchor: A name to link to, `[a-z0-9-]+`, unique in a document.
    """

    text: str
    level: int
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list; numbered where the order matters."""

    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Remark:
    """One finding: its severity (one of `SEVERITIES`), that severity in the report's language, and its sentence."""

    severity: str
    label: str
    text: str


@dataclass(frozen=True)
class Remarks:
    """Findings, the most severe first."""

    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name: Its heading.
        numeric: Its cells are numbers, set to the right.
        meaning: What it means, for a reader who asks; may be empty.
    """

    name: str
    numeric: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Args:
        text: What it shows.
        value: The number that it is sorted by, or `None` to sort by its text.
    """

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """A table; every row has one cell a column.

    Args:
        title: What it holds, one line.
        columns: Its columns.
        rows: Its cells.
        notes: Sentences below it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A figure, which is written as PNG and SVG into the folder `figures/` beside the report.

    Args:
        stem: The file's name without its ending, `[a-z0-9-]+`.
        alternative: A text for readers who cannot see it.
        caption: One or two sentences below it.
    """

    stem: str
    alternative: str
    caption: str


@dataclass(frozen=True)
class Chart:
    """The curves of one run: markdown shows the picture, HTML draws curves that can be hovered.

    Args:
        picture: The drawn figure.
        series: Name of a curve in the report's language -> its value at each epoch, `None` where it is not finite.
        losses: How many of the series, from the first, are losses; the others are between 0 and 1.
        epochs: Epochs, from 1.
        marks: Label in the report's language -> the epoch that it marks.
    """

    picture: Picture
    series: dict[str, tuple[float | None, ...]]
    losses: int
    epochs: tuple[int, ...]
    marks: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Code:
    """Lines to type."""

    lines: tuple[str, ...]


Block = Heading | Paragraph | Items | Remarks | Table | Picture | Chart | Code


@dataclass(frozen=True)
class Document:
    """A whole report.

    Args:
        title: Its title.
        language: `en` or `zh-TW`.
        blocks: Its blocks in reading order; the first is the level-1 heading.
    """

    title: str
    language: str
    blocks: tuple[Block, ...]
