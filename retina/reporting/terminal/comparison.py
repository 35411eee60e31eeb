"""The first page of a report as plain text for a terminal."""

from rich.cells import cell_len

from retina.analysis.comparing.comparison import Comparison
from retina.analysis.gathering.candidates import Group
from retina.reporting import cells
from retina.reporting.language import Language
from retina.reporting.sections.opening import sentences
from retina.reporting.writers.html import visible

MOST = 20


def render(comparison: Comparison, language: Language) -> str:
    """The models of every group by validation AUROC, a few sentences on them, and the runs that are not ranked."""
    parts = [part(comparison, group, language) for group in comparison.groups]
    if not parts:
        parts.append(language.say("report.summary.nothing"))
    if comparison.unfinished:
        parts.append("\n".join(unranked(comparison, language)))
    return visible("\n\n".join(parts))


def part(comparison: Comparison, group: Group, language: Language) -> str:
    """One group: its table and its sentences."""
    lines = [language.say("report.results.ranked", data=group.name), ""]
    heads = [language.say(f"report.results.{key}") for key in ("model", "validation_auroc", "test_auroc")]
    rows = [heads, *(row(comparison, group, candidate.label, language) for candidate in group.candidates[:MOST])]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for cells_of_row in rows:
        padded = (text + " " * (width - cell_len(text)) for text, width in zip(cells_of_row, widths, strict=True))
        lines.append("  ".join(padded).rstrip())
    if len(group.candidates) > MOST:
        lines.append(f"... {len(group.candidates) - MOST}")
    return "\n".join([*lines, "", *sentences(comparison, group, language)])


def row(comparison: Comparison, group: Group, label: str, language: Language) -> list[str]:
    """A model's cells: name, AUROC on validation, AUROC on test with its interval."""
    scores = {item["split"]: item for item in cells.rows(comparison.scores, data=group.name, model=label)}
    validation, test = scores.get("validation", {}), scores.get("test", {})
    area = cells.interval(language, *(test.get(key) for key in ("auroc", "auroc_low", "auroc_high")))
    return [label, cells.number(language, validation.get("auroc")).text, area.text]


def unranked(comparison: Comparison, language: Language) -> list[str]:
    """The runs that are not ranked, and why."""
    lines = [language.say("report.results.unranked")]
    for entry in comparison.unfinished:
        epochs = {"epochs": len(entry.history), "budget": entry.experiment.epochs}
        status = language.say(f"report.status.{entry.record.status}")
        lines.append(f"{entry.label}: {status}, {language.say('report.results.unranked_reason', **epochs)}")
    return lines
