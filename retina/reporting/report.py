"""A comparison -> a document: every section, in reading order."""

from retina.analysis.comparing.comparison import Comparison
from retina.reporting.document import Document
from retina.reporting.language import Language
from retina.reporting.sections import closing, curves, decisions, material, opening, results

SECTIONS = (
    opening.title,
    opening.summary,
    opening.conclusions,
    material.data,
    material.methods,
    results.results,
    curves.curves,
    decisions.calibration,
    decisions.points,
    decisions.failures,
    closing.limitations,
    closing.reproduce,
    closing.checklist,
)


def compose(comparison: Comparison, language: Language) -> Document:
    """Write the report of a comparison in a language."""
    blocks = tuple(block for section in SECTIONS for block in section(comparison, language))
    return Document(language.say("report.title"), language.name, blocks)
