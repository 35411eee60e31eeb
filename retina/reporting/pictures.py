"""The figures of a comparison, each under the name that the report refers to, and their drawing on all cores."""

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from retina.analysis.comparing.comparison import Comparison, Verdict
from retina.analysis.diagnosis import Finding
from retina.analysis.gathering.candidates import Candidate, Group
from retina.analysis.gathering.collection import Entry
from retina.machine import progress
from retina.machine.processes import on_all_cores
from retina.numbers import calibration, roc
from retina.numbers.operating_points import SCREENING
from retina.reporting import cells, figures, wording
from retina.reporting.figures import Counts, Drawing, Panel
from retina.reporting.figures.course import Phases
from retina.reporting.figures.forest import numbers
from retina.reporting.figures.panels import MOST_PANELS

FEW = 12
"""Below this many figures, one process draws them sooner than several can be started."""


def draw(comparison: Comparison, folder: Path, *, quiet: bool = False) -> None:
    """Write every figure of a comparison into a folder.

    Raises:
        RetinaError: the folder cannot be written, or a worker process died.
    """
    drawings = list(pictures(comparison, folder))
    with progress.bar("drawing", len(drawings), quiet=quiet, unit="figures") as advance:
        for _ in on_all_cores(Drawing.save, drawings, few=FEW):
            advance(1)


def pictures(comparison: Comparison, folder: Path) -> Iterator[Drawing]:
    """Every figure of a comparison."""
    for place, group in enumerate(comparison.groups):
        yield from of_group(comparison, group, place, folder)
    for verdict in comparison.verdicts:
        histories = {entry.label: entry.history for entry in (verdict.first, verdict.second)}
        if all(map(len, histories.values())):
            pair = figures.params_pair if verdict.kind == "params" else figures.loss_pair
            title = " / ".join(histories)
            yield Drawing(verdict_stem(verdict), pair, (histories,), {"title": title}, folder)
    trained = [entry for entry in comparison.entries if len(entry.history)]
    for entry in trained:
        yield Drawing(curve_stem(entry), figures.training_curves, (entry.history,), marks(comparison, entry), folder)
    if trained:
        yield Drawing("epoch-time", figures.epoch_time, (times(trained),), folder=folder)


def stem(text: str) -> str:
    """A name as part of a file's name, `[a-z0-9-]+`; where it has to be changed, a digest keeps it unique."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".strip("-")


def curve_stem(entry: Entry) -> str:
    """The file of a run's training curves."""
    return f"curve-{stem(entry.name)}"


def verdict_stem(verdict: Verdict) -> str:
    """The file of two runs side by side."""
    return f"{verdict.kind}-{stem(verdict.first.name)}-{stem(verdict.second.name)}"


def marked_epochs(entry: Entry, findings: Sequence[Finding]) -> dict[str, int | None]:
    """The best epoch, the stop (`would_stop` in a run without early stopping) and the onset of overfitting."""
    stop = entry.record.early_stopping
    key = "stop" if stop.used else "would_stop"
    onset = next((finding.epochs[0] for finding in findings if finding.rule == "overfitting" and finding.epochs), None)
    return {"best": entry.record.best_epoch, key: stop.stop_epoch, "onset": onset}


def marks(comparison: Comparison, entry: Entry) -> dict[str, Any]:
    """Title, marked epochs and baseline of a run's curves."""
    epochs = marked_epochs(entry, comparison.findings[entry.name])
    return {
        "title": entry.label,
        "best_epoch": epochs["best"],
        "stop_epoch": epochs.get("stop"),
        "patience_epoch": epochs.get("would_stop"),
        "onset": epochs["onset"],
        "phases": Phases(entry.experiment.frozen_epochs, entry.experiment.warmup_epochs),
        "majority": entry.record.baselines.majority["validation"].accuracy,
    }


def times(entries: Sequence[Entry]) -> pd.DataFrame:
    """Seconds of every epoch of every run."""
    return pd.concat(
        [entry.history[["epoch", "seconds"]].assign(label=entry.label) for entry in entries], ignore_index=True
    )


def of_group(comparison: Comparison, group: Group, place: int, folder: Path) -> Iterator[Drawing]:
    """The figures of a group; grids show the first models in the order of the tables."""
    scored = [candidate for candidate in group.candidates if "test" in candidate.parts]
    rows = {row["model"]: row for row in cells.rows(comparison.scores, data=group.name, split="test")}
    positive, negative = wording.class_names(comparison.target_of(group))
    title = {"title": f"AUROC with 95% interval, {group.name}"}
    yield Drawing(f"forest-{place}", figures.forest, (forest_table(comparison, group),), title, folder)
    cut = f", first {MOST_PANELS} of {len(scored)} by validation AUROC" if len(scored) > MOST_PANELS else ""
    reliability = functools.partial(figures.reliability_grid, positive=positive)
    for kind, name, grid, panel in (
        ("roc", "ROC curves", figures.roc_grid, roc_panel),
        ("precision-recall", "Precision-recall curves", figures.precision_recall_grid, precision_recall_panel),
        *((("reliability", "Reliability", reliability, reliability_panel),) if scored else ()),
    ):
        panels = [panel(candidate, rows[candidate.label]) for candidate in scored[:MOST_PANELS]]
        yield Drawing(f"{kind}-{place}", grid, (panels,), {"title": f"{name} on test{cut}"}, folder)
    if cells.rows(comparison.operating_points, data=group.name, split="test"):
        counts = list(confusions(comparison, group))
        options = {"title": f"Decisions on test{cut}", "classes": (positive, negative)}
        yield Drawing(f"confusion-{place}", figures.confusion_grid, (counts[:MOST_PANELS],), options, folder)
    pairs = cells.rows(comparison.pairs, data=group.name)
    if pairs:
        labels = [candidate.label for candidate in scored]
        title = {"title": "Differences of AUROC on test"}
        yield Drawing(f"pairwise-{place}", figures.pairwise, (labels, *matrices(labels, pairs)), title, folder)


def forest_table(comparison: Comparison, group: Group) -> pd.DataFrame:
    """AUROC of every model on validation and test, in the order of the tables."""
    order = {candidate.label: number for number, candidate in enumerate(group.candidates)}
    rows = sorted(cells.rows(comparison.scores, data=group.name), key=lambda row: order[row["model"]])
    return pd.DataFrame(
        [(row["model"], row["auroc"], row["auroc_low"], row["auroc_high"], row["split"]) for row in rows],
        columns=["label", "auroc", "low", "high", "group"],
    )


def roc_panel(candidate: Candidate, row: dict[str, Any]) -> Panel:
    """A model's ROC curve on test."""
    part = candidate.parts["test"]
    text = f"AUROC {numbers(row['auroc'], row['auroc_low'], row['auroc_high'])}"
    return Panel(candidate.label, roc.roc(part.labels, part.logits), text, row["prevalence"])


def precision_recall_panel(candidate: Candidate, row: dict[str, Any]) -> Panel:
    """A model's precision-recall curve on test."""
    part = candidate.parts["test"]
    text = f"average precision {row['average_precision']:.3f}"
    return Panel(candidate.label, roc.precision_recall(part.labels, part.logits), text, row["prevalence"])


def reliability_panel(candidate: Candidate, row: dict[str, Any]) -> Panel:
    """A model's reliability curve on test."""
    part = candidate.parts["test"]
    band = numbers(row["ece"], row["ece_if_calibrated_low"], row["ece_if_calibrated_high"])
    text = f"ECE {band.replace('(', '(ideal ')}"
    return Panel(candidate.label, calibration.reliability(part.labels, expit(part.logits)), text, row["prevalence"])


def confusions(comparison: Comparison, group: Group) -> Iterator[Counts]:
    """Every model's test images at the screening threshold."""
    for row in cells.rows(comparison.operating_points, data=group.name, split="test", point=SCREENING):
        if cells.known(row["tp"]):
            text = f"sensitivity >= 95% on validation\nthreshold {row['threshold_probability']:.3f}"
            yield Counts(row["model"], *(int(row[key]) for key in ("tp", "fn", "fp", "tn")), text)


def matrices(labels: Sequence[str], pairs: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences (row minus column), adjusted p-values and smallest detectable differences of all pairs."""
    place = {label: number for number, label in enumerate(labels)}
    difference, p_value, detectable = (np.full((len(labels), len(labels)), np.nan) for _ in range(3))
    for row in pairs:
        a, b = place[row["model_a"]], place[row["model_b"]]
        difference[a, b], difference[b, a] = row["difference"], -row["difference"]
        p_value[a, b] = p_value[b, a] = row["p_holm"]
        detectable[a, b] = detectable[b, a] = row["smallest_detectable"]
    return difference, p_value, detectable
