"""From ranking to deciding: calibration, operating points and the most confident mistakes."""

from typing import Any

from retina.analysis.comparing import mistakes
from retina.analysis.comparing.comparison import Comparison
from retina.analysis.gathering.candidates import Group
from retina.reporting import cells, wording
from retina.reporting.document import Block, Cell, Heading, Items, Paragraph, Picture, Table
from retina.reporting.language import Language

CALIBRATION = ("results.model", "ece", "band", "temperature", "after_temperature", "platt", "after_platt")
POINTS = (
    *("results.model", "point", "threshold", "sensitivity", "specificity", "ppv", "npv", "ppv_screening", "counts"),
)
MODELS = 20
"""Models of a group that a table shows; the CSV files have all."""
MISTAKES = ("results.model", "kind", "image", "probability", "shared")


def calibration(comparison: Comparison, language: Language) -> list[Block]:
    """Whether probabilities are what they say, before and after recalibration."""
    blocks: list[Block] = [Heading(language.say("report.calibration.heading"), 2, "calibration")]
    for place, group in enumerate(comparison.groups):
        rows = first(group, cells.rows(comparison.scores, data=group.name, split="test"))
        if not rows:
            continue
        words = wording.classes(comparison.target_of(group), language)
        caption = language.say("report.calibration.figure", **words)
        reference = {"brier": rows[0]["brier_of_prevalence"], "log_loss": rows[0]["log_loss_of_prevalence"]}
        reversed_models = ", ".join(
            row["model"] for row in rows if cells.known(row["platt_slope"]) and row["platt_slope"] < 0
        )
        notes = (
            language.say("report.calibration.reference", **reference),
            *((language.say("report.calibration.turned", labels=reversed_models, **words),) if reversed_models else ()),
            *cut(group, "comparison.csv", language),
        )
        title = language.say("report.calibration.title", data=group.name)
        columns = cells.columns(language, "calibration", CALIBRATION, ("results.model",))
        blocks.append(Items(tuple(verdict(row, language) for row in rows if cells.known(row["ece"]))))
        blocks.append(Table(title, columns, tuple(calibration_row(row, language) for row in rows), notes))
        blocks.append(Picture(f"reliability-{place}", caption, caption))
    return blocks


def first(group: Group, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the first `MODELS` models of a group."""
    labels = {candidate.label for candidate in group.candidates[:MODELS]}
    return [row for row in rows if row["model"] in labels]


def cut(group: Group, file: str, language: Language) -> tuple[str, ...]:
    """A note on where the other models are; empty where the table shows all of them."""
    if len(group.candidates) <= MODELS:
        return ()
    return (language.say("report.cut", shown=MODELS, models=len(group.candidates), file=file),)


def verdict(row: dict[str, Any], language: Language) -> str:
    """The sentence on whether a model's calibration error is one that perfect calibration would show."""
    low, high = row["ece_if_calibrated_low"], row["ece_if_calibrated_high"]
    key = "outside" if row["ece"] > high else "below" if row["ece"] < low else "inside"
    return language.say(f"report.calibration.{key}", label=row["model"], ece=row["ece"], low=low, high=high)


def calibration_row(row: dict[str, Any], language: Language) -> tuple[Cell, ...]:
    """One model."""
    return (
        cells.text(row["model"]),
        cells.number(language, row["ece"]),
        cells.span(language, row["ece_if_calibrated_low"], row["ece_if_calibrated_high"]),
        cells.number(language, row.get("temperature"), ".2f"),
        couple(language, row.get("ece_after_temperature"), row.get("brier_after_temperature")),
        couple(language, row.get("platt_slope"), row.get("platt_intercept"), ".2f"),
        couple(language, row.get("ece_after_platt"), row.get("brier_after_platt")),
    )


def couple(language: Language, first: float | None, second: float | None, form: str = ".3f") -> Cell:
    """Two numbers in one cell, sorted by the first."""
    if not (cells.known(first) and cells.known(second)):
        return cells.number(language, None)
    return Cell(f"{first:{form}}, {second:{form}}", float(first))


def points(comparison: Comparison, language: Language) -> list[Block]:
    """What each model decides on test at thresholds chosen on validation."""
    blocks: list[Block] = [Heading(language.say("report.points.heading"), 2, "points")]
    for place, group in enumerate(comparison.groups):
        rows = first(group, cells.rows(comparison.operating_points, data=group.name, split="test"))
        if not rows:
            continue
        caption = language.say("report.results.confusion")
        blocks.append(points_table(comparison, group, rows, language))
        blocks.append(Picture(f"confusion-{place}", caption, caption))
    return blocks


def points_table(comparison: Comparison, group: Group, rows: list[dict[str, Any]], language: Language) -> Table:
    """All operating points of a group."""
    scores = cells.rows(comparison.scores, data=group.name)
    images = next(row["images"] for row in scores if row["split"] == "validation")
    prevalence = next(row["prevalence"] for row in scores if row["split"] == "test")
    notes = (
        language.say("report.points.provenance", images=images),
        language.say("report.points.prevalence_note", prevalence=prevalence),
        *cut(group, "operating_points.csv", language),
    )
    columns = cells.columns(language, "points", POINTS, ("results.model", "point", "counts"))
    title = language.say("report.points.title", data=group.name)
    return Table(title, columns, tuple(point_row(row, language) for row in rows), notes)


def point_row(row: dict[str, Any], language: Language) -> tuple[Cell, ...]:
    """One model at one operating point."""
    counts = [row[key] for key in ("tp", "fp", "fn", "tn")]
    text = " / ".join(str(int(value)) for value in counts) if all(map(cells.known, counts)) else "-"
    return (
        cells.text(row["model"]),
        cells.text(language.say(f"report.points.{row['point']}")),
        cells.number(language, row["threshold_probability"]),
        cells.interval(language, row["sensitivity"], row["sensitivity_low"], row["sensitivity_high"]),
        cells.interval(language, row["specificity"], row["specificity_low"], row["specificity_high"]),
        *(cells.number(language, row[key]) for key in ("ppv", "npv", "ppv_at_10_percent_prevalence")),
        cells.text(text),
    )


def failures(comparison: Comparison, language: Language) -> list[Block]:
    """The most confident mistakes, by id."""
    blocks: list[Block] = [Heading(language.say("report.mistakes.heading"), 2, "mistakes")]
    for group in comparison.groups:
        rows = first(group, cells.rows(comparison.mistakes, data=group.name))
        if not rows:
            blocks.append(Paragraph(language.say("report.mistakes.none")))
            continue
        title = language.say("report.mistakes.title", data=group.name)
        words = wording.classes(comparison.target_of(group), language)
        columns = cells.columns(language, "mistakes", MISTAKES, ("results.model", "kind", "image"), words)
        notes = (language.say("report.mistakes.note", most=mistakes.MOST), *cut(group, "mistakes.csv", language))
        blocks.append(Table(title, columns, tuple(mistake_row(row, words, language) for row in rows), notes))
    return blocks


def mistake_row(row: dict[str, Any], words: dict[str, str], language: Language) -> tuple[Cell, ...]:
    """One image that a model got wrong."""
    shared = language.say("report.mistakes.shared_value", wrong=row["models_wrong"], models=row["models"])
    return (
        cells.text(row["model"]),
        cells.text(words[row["kind"]]),
        cells.text(row["id"]),
        cells.number(language, row["probability"]),
        Cell(shared, float(row["models_wrong"])),
    )
