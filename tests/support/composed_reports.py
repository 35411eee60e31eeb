"""A report as blocks, and what is in it."""

from retina.reporting import report
from retina.reporting.document import Table
from retina.reporting.language import Language
from retina.reporting.writers import markdown


def compose(compared, name="en"):
    """The report on a comparison in a language."""
    return report.compose(compared, Language(name))


def tables(document, title):
    """The tables of a report with some words in their title."""
    return [block for block in document.blocks if isinstance(block, Table) and title in block.title]


def everything_said(document):
    """A report as markdown."""
    return markdown.render(document)
