"""A document -> GitHub-flavoured markdown. Every value is escaped; nothing is read back."""

import re
from collections.abc import Callable

from retina.reporting.document import Block, Chart, Code, Document, Heading, Items, Paragraph, Picture, Remarks, Table
from retina.reporting.language import Language

SPECIAL = re.compile(r"[\\`*\[\]<|~]")
EDGE_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
BLOCK_START = re.compile(r"^(?=[#>+=-])")
LIST_START = re.compile(r"^(\d+)(?=[.)](\s|$))")


def render(document: Document) -> str:
    """The whole report; its pictures are files in `figures/` beside it."""
    language = Language(document.language)
    parts = (
        _table(block, language) if isinstance(block, Table) else WRITERS[type(block)](block)
        for block in document.blocks
    )
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Plain text as markdown that shows it: no markup, no HTML, one line, no control character."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    line = SPECIAL.sub(lambda match: "\\" + match[0], line.replace("&", "&amp;"))
    return EDGE_UNDERSCORE.sub(r"\\_", line)


def escape_line(text: str) -> str:
    """Text as `escape` gives it, for the start of a line, where a sign or a number could begin a heading or a list."""
    return LIST_START.sub(r"\1\\", BLOCK_START.sub(r"\\", escape(text)))


def _heading(block: Heading) -> str:
    return f"{'#' * block.level} {escape(block.text)}"


def _paragraph(block: Paragraph) -> str:
    return escape_line(block.text)


def _items(block: Items) -> str:
    marks = [f"{number}." for number in range(1, len(block.texts) + 1)] if block.numbered else ["-"] * len(block.texts)
    return "\n".join(f"{mark} {escape_line(text)}" for mark, text in zip(marks, block.texts, strict=True))


def _remarks(block: Remarks) -> str:
    return "\n".join(f"- **{escape(remark.label)}** {escape(remark.text)}" for remark in block.remarks)


def _table(block: Table, language: Language) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    lines = [f"**{escape(block.title)}**", ""]
    lines.append(line([escape(column.name) for column in block.columns]))
    lines.append(line(["---:" if column.numeric else "---" for column in block.columns]))
    lines += [line([escape(cell.text) for cell in row]) for row in block.rows]
    notes = [
        language.say("report.meaning", name=column.name, meaning=column.meaning)
        for column in block.columns
        if column.meaning
    ]
    notes += block.notes
    return "\n".join(lines) + "".join(f"\n\n{escape_line(note)}" for note in notes)


def _picture(block: Picture) -> str:
    return f"![{escape(block.alternative)}](figures/{block.stem}.png)\n\n*{escape(block.caption)}*"


def _chart(block: Chart) -> str:
    return _picture(block.picture)


def _code(block: Code) -> str:
    fence = "```"
    lines = [" ".join(line.split()) for line in block.lines]
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([f"{fence}console", *lines, fence])


WRITERS: dict[type, Callable[..., str]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Items: _items,
    Remarks: _remarks,
    Picture: _picture,
    Chart: _chart,
    Code: _code,
}
assert {*WRITERS, Table} == set(Block.__args__)  # noqa: S101 - a new kind of block must not be forgotten
