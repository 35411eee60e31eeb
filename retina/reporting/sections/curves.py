"""The diagnosis: parameter sets and losses compared, then every run with its curves and findings."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from retina.analysis.comparing.comparison import Comparison, Verdict
from retina.analysis.diagnosis import Finding
from retina.analysis.gathering.collection import Entry
from retina.reporting import wording
from retina.reporting.document import Block, Chart, Heading, Paragraph, Picture, Remark, Remarks
from retina.reporting.language import Language
from retina.reporting.pictures import (
    curve_stem,
    drawn_runs,
    drawn_verdicts,
    has_curve,
    have_curves,
    marked_epochs,
    verdict_stem,
)

LOSSES = ("val_loss", "train_loss")
SERIES = (*LOSSES, "val_accuracy", "train_accuracy", "val_auroc")


def curves(comparison: Comparison, language: Language) -> list[Block]:
    """The findings on the training curves."""
    blocks: list[Block] = [Heading(say(language, "heading"), 2, "curves")]
    for kind in ("params", "loss"):
        blocks += verdicts(comparison, kind, language)
    blocks.append(Heading(say(language, "time"), 3, "time"))
    if any(len(entry.history) for entry in comparison.entries):
        caption = say(language, "time_figure")
        blocks.append(Picture("epoch-time", caption, caption))
    for entry in comparison.entries:
        seconds = entry.record.timings.feature_seconds
        if seconds is not None:
            blocks.append(Paragraph(say(language, "time_features", label=entry.label, seconds=seconds)))
    blocks.append(Heading(say(language, "runs"), 2, "runs"))
    drawn = {entry.name for entry in drawn_runs(comparison)}
    trained = sum(map(has_curve, comparison.entries))
    if len(drawn) < trained:
        command = wording.compare_command(comparison, language, "--full")
        blocks.append(Paragraph(say(language, "few_drawn", drawn=len(drawn), runs=trained, command=command)))
    for place, entry in enumerate(comparison.ordered):
        findings = comparison.findings[entry.name]
        blocks += run_blocks(entry, findings, place, language, drawn=entry.name in drawn)
    return blocks


def say(language: Language, key: str, **fields: object) -> str:
    """A sentence of this section."""
    return language.say(f"report.curves.{key}", **fields)


def verdicts(comparison: Comparison, kind: str, language: Language) -> list[Block]:
    """The verdicts of one kind, each with its figure."""
    heading, words = ("params", "params_word") if kind == "params" else ("losses", "loss_word")
    blocks: list[Block] = [Heading(say(language, heading), 3, heading)]
    of_kind = [verdict for verdict in comparison.verdicts if verdict.kind == kind]
    if not of_kind:
        blocks.append(Paragraph(say(language, "pair_missing", what=say(language, words))))
    drawn = set(map(verdict_stem, drawn_verdicts(comparison, kind)))
    trained = sum(have_curves(verdict) for verdict in of_kind)
    if len(drawn) < trained:
        command = wording.compare_command(comparison, language, "--full")
        blocks.append(Paragraph(say(language, "few_pairs_drawn", drawn=len(drawn), pairs=trained, command=command)))
    for verdict in of_kind:
        blocks += verdict_blocks(verdict, language, drawn=verdict_stem(verdict) in drawn)
    return blocks


def verdict_blocks(verdict: Verdict, language: Language, *, drawn: bool) -> list[Block]:
    """One verdict: its sentences, and its figure where that is drawn."""
    names = {"first": verdict.first.label, "second": verdict.second.label}
    key = "params_figure" if verdict.kind == "params" else "losses_figure"
    caption = say(language, key, **names)
    blocks: list[Block] = [Paragraph(say(language, "params_title", **names)), remarks(verdict.findings, language)]
    if drawn:
        blocks.append(Picture(verdict_stem(verdict), caption, caption))
    return blocks


def remarks(findings: Sequence[Finding], language: Language) -> Remarks:
    """Findings in words."""
    return Remarks(
        tuple(
            Remark(
                finding.severity,
                language.say(f"report.severity.{finding.severity}"),
                wording.sentence(finding, language),
            )
            for finding in findings
        )
    )


def run_blocks(
    entry: Entry, findings: Sequence[Finding], place: int, language: Language, *, drawn: bool
) -> list[Block]:
    """One run: its curves, where they are drawn, and the findings on them."""
    blocks: list[Block] = [Heading(entry.label, 3, f"run-{place}")]
    if not has_curve(entry):
        blocks.append(Paragraph(say(language, "no_curve")))
    elif drawn:
        blocks.append(chart(entry, findings, language))
    return [*blocks, remarks(findings, language)] if findings else blocks


def chart(entry: Entry, findings: Sequence[Finding], language: Language) -> Chart:
    """The curves of a run, drawn and as numbers."""
    history = entry.history
    caption = say(language, "figure", label=entry.label)
    alternative = say(language, "alternative", label=entry.label, epochs=len(history))
    marks: dict[str, Any] = {}
    for key, epoch in marked_epochs(entry, findings).items():
        if epoch is not None:
            marks[say(language, key)] = int(epoch)
    series = {say(language, name): finite(history[name].tolist()) for name in SERIES}
    picture = Picture(curve_stem(entry), alternative, caption)
    return Chart(picture, series, len(LOSSES), tuple(history["epoch"].tolist()), marks)


def finite(values: Sequence[float]) -> tuple[float | None, ...]:
    """Values with `None` in place of those that are not finite."""
    return tuple(value if isfinite(value) else None for value in values)
