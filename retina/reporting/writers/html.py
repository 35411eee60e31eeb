"""A report as one HTML file that needs nothing beside it: no network, no folder of pictures, no library.

Every value is plain text and is escaped where it is written. The content policy lets the browser run the one script and
apply the one style sheet of the file, which it recognises by their digests, and fetch nothing. A hostile run name can
therefore neither become markup nor, if it did, run.
"""

import base64
import hashlib
import math
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from retina import PACKAGE
from retina.errors import RetinaError
from retina.reporting.document import SEVERITIES, Block, Cell, Chart, Column, Document, Heading, Picture, Remarks, Table
from retina.reporting.language import Language

TEMPLATES = PACKAGE / "reporting" / "writers" / "templates"
STEM = re.compile(r"[a-z0-9-]+")
MOST_STILLS = 40
"""With more charts, a reader without the script gets tables of values alone: their pictures would be tens of MB."""
NO_VALUE = "\N{EN DASH}"
WORDS = (
    "contents",
    "skip",
    "sort",
    "meanings",
    "each_epoch",
    "epoch",
    "marks",
    "losses",
    "log_scale",
    "fractions",
    "walk",
    "enlarge",
)

# Controls, lone surrogates, bidirectional overrides: invisible, they can make one name look like another
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff]"
)


def render(document: Document, figures: Path) -> str:
    """Write a report as one self-contained HTML page.

    Args:
        document: The report.
        figures: The folder with `<stem>.svg` of every picture and chart.

    Returns:
        The page; the same document and figures give the same text.

    Raises:
        RetinaError: the language is unknown, or a figure is missing, cannot be read or has another name than
            `[a-z0-9-]+`.
        ValueError: see `_check`.
    """
    language = Language(document.language)
    words = {name: language.say(f"html.{name}") for name in WORDS}
    for block in document.blocks:
        _check(block)
    style, script = _asset("style.css"), _asset("scales.js") + _asset("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            document=document,
            words=words,
            pieces=[(type(block).__name__, number, block) for number, block in enumerate(document.blocks, start=1)],
            sections=_sections(document.blocks),
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of this package, not a value
            script=Markup(script),  # noqa: S704 - the same
            stills=sum(isinstance(block, Chart) for block in document.blocks) <= MOST_STILLS,
            embedded=lambda picture: _embedded(picture, figures),
            numbers=lambda chart: _numbers(chart, words),
            values=lambda chart: _values(chart, words),
            sortable=lambda cell: cell.value is not None and math.isfinite(cell.value),
        )
    )


def visible(text: str) -> str:
    """Plain text in which every invisible character is replaced by its code point, such as ⟨U+202E⟩.

    Args:
        text: Any text, lone surrogates of an undecodable file name included.

    Returns:
        Text that UTF-8 can encode and that reads in the order in which it is written.
    """
    return INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def _environment() -> Environment:
    """Templates that escape every value and refuse an unknown name."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )


def _finalize(value: object) -> object:
    """Plain text with invisible characters made visible; numbers and markup as they are."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _check(block: Block) -> None:
    """Check what the template relies on.

    Raises:
        ValueError: an anchor of another form than `[a-z0-9-]+`, an unknown severity, a row of another length than the
            columns, or a curve of another length than the epochs.
    """
    if isinstance(block, Heading) and not STEM.fullmatch(block.anchor):
        raise ValueError(f"the anchor {block.anchor!r} is not of the form [a-z0-9-]+")
    if isinstance(block, Remarks) and {remark.severity for remark in block.remarks} - set(SEVERITIES):
        raise ValueError(f"a severity is none of {SEVERITIES}")
    if isinstance(block, Table) and {len(row) for row in block.rows} - {len(block.columns)}:
        raise ValueError(f"a row of the table {block.title!r} has not {len(block.columns)} cells")
    if isinstance(block, Chart) and {len(curve) for curve in block.series.values()} - {len(block.epochs)}:
        raise ValueError(f"a curve of the chart {block.picture.stem!r} has not {len(block.epochs)} values")


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The content policy: nothing but the embedded style and script, by digest, and pictures within the page."""
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _sections(blocks: tuple[Block, ...]) -> list[tuple[Heading, list[Heading]]]:
    """The headings below the title, each section with its parts, in reading order."""
    sections: list[tuple[Heading, list[Heading]]] = []
    for block in blocks:
        if isinstance(block, Heading) and block.level > 1:
            if block.level > 2 and sections:  # noqa: PLR2004 - a part belongs to the section before it
                sections[-1][1].append(block)
            else:
                sections.append((block, []))
    return sections


def _embedded(picture: Picture, figures: Path) -> str:
    """The SVG of a picture as a `data:` address. Inside `<img>` a browser neither runs nor fetches what it names.

    Raises:
        RetinaError: the picture's name is no `[a-z0-9-]+`, or its file cannot be read.
    """
    if not STEM.fullmatch(picture.stem):
        raise RetinaError("a figure has a name that is not allowed", expected="[a-z0-9-]+", found=repr(picture.stem))
    path = figures / f"{picture.stem}.svg"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RetinaError(
            "a figure of the report cannot be read", found=error.strerror, where=path, advice="run compare again"
        ) from error
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode("ascii")


def _panels(chart: Chart, words: dict[str, str]) -> list[dict[str, object]]:
    """The chart's curves in panels of one scale each: losses, then shares between 0 and 1; no panel without a curve."""
    curves = [
        {
            "name": visible(name),
            "values": [_finite(value) for value in curve],
            "texts": [_decimals(value) for value in curve],
        }
        for name, curve in chart.series.items()
    ]
    panels = [
        {"title": words["losses"], "fractions": False, "series": curves[: chart.losses]},
        {"title": words["fractions"], "fractions": True, "series": curves[chart.losses :]},
    ]
    return [panel for panel in panels if panel["series"]]


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _decimals(value: float | None) -> str:
    """A value to four decimals; a dash where it is not finite."""
    return NO_VALUE if _finite(value) is None else f"{value:.4f}"


def _numbers(chart: Chart, words: dict[str, str]) -> dict[str, object]:
    """The data of the script: every number, with the text that the table of values shows for it."""
    return {
        "alternative": visible(chart.picture.alternative),
        "epochs": [int(epoch) for epoch in chart.epochs],
        "epoch": words["epoch"],
        "marks": [{"label": visible(label), "epoch": int(epoch)} for label, epoch in chart.marks.items()],
        "panels": _panels(chart, words),
        "walk": words["walk"],
    }


def _values(chart: Chart, words: dict[str, str]) -> Table:
    """The chart as a table, for a reader without the script, and for one who wants the numbers."""
    names = [Column(words["epoch"], numeric=True), *(Column(name, numeric=True) for name in chart.series)]
    rows = []
    for index, epoch in enumerate(chart.epochs):
        names_of_marks = ", ".join(label for label, marks in chart.marks.items() if marks == epoch)
        cells = [Cell(_decimals(curve[index]), _finite(curve[index])) for curve in chart.series.values()]
        rows.append((Cell(str(epoch), epoch), *cells, Cell(names_of_marks)))
    return Table(chart.picture.alternative, (*names, Column(words["marks"])), tuple(rows))
