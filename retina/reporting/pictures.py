"""The figures of a comparison, each under the name that the report refers to, and their drawing on all cores."""

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from retina.analysis.comparing import pairing
from retina.analysis.comparing.comparison import Comparison, Verdict
from retina.analysis.diagnosis import Finding
from retina.analysis.gathering.candidates import Candidate, Group
from retina.analysis.gathering.collection import Entry
from retina.machine import progress
from retina.numbers import calibration, roc
from retina.numbers.operating_points import SCREENING
from retina.reporting import cells, figures, wording
from retina.reporting.figures import Counts, Drawing, Panel
from retina.reporting.figures.epochs import Phases
from retina.reporting.figures.forest import numbers
from retina.reporting.figures.panels import MOST_PANELS

MOST_RUNS = 40
"""Runs whose curves are drawn, unless the comparison is a full one: all of the original study over five seeds."""
MOST_PAIRS = 20
"""Pairs of parameter sets, and pairs of losses, that are drawn, unless it is."""


@contextlib.contextmanager
def drawn(comparison: Comparison, folder: Path, pool: Executor | None = None, *, quiet: bool = False) -> Iterator[None]:
    """Write every figure of a comparison into a folder: all are there when the block has ended.

    Args:
        comparison: The comparison.
        folder: The folder.
        pool: Processes that draw while the block runs; `None` draws in this one after it.
        quiet: Show no progress.

    Raises:
        RetinaError: the folder cannot be written, or a worker process died.
    """
    steps: list[Callable[[], object]] = []
    futures: list[Future[None]] = []
    try:
        for drawing in pictures(comparison, folder):
            if pool is not None:
                futures.append(pool.submit(drawing.save))
            steps.append(futures[-1].result if futures else drawing.save)
        yield
        with progress.bar("drawing", len(steps), quiet=quiet, unit="figures") as advance:
            for step in steps:
                step()
                advance(1)
    finally:
        # Where the block fails its caller removes the folder, which a figure that is still drawn would make anew.
        for future in futures:
            future.cancel()
        wait(futures)


def pictures(comparison: Comparison, folder: Path) -> Iterator[Drawing]:
    """Every figure of a comparison; last those whose curves take long to compute, while others are drawn."""
    for kind, pair in (("params", figures.params_pair), ("loss", figures.loss_pair)):
        for verdict in drawn_verdicts(comparison, kind):
            histories = {entry.label: entry.history for entry in (verdict.first, verdict.second)}
            title = " / ".join(histories)
            yield Drawing(verdict_stem(verdict), pair, (histories,), {"title": title}, folder)
    for entry in drawn_runs(comparison):
        yield Drawing(curve_stem(entry), figures.training_curves, (entry.history,), marks(comparison, entry), folder)
    trained = [entry for entry in comparison.entries if has_curve(entry)]
    if trained:
        yield Drawing("epoch-time", figures.epoch_time, (times(trained),), folder=folder)
    for place, group in enumerate(comparison.groups):
        yield from of_group(comparison, group, place, folder)


def has_curve(entry: Entry) -> bool:
    """Whether a run has finished an epoch."""
    return len(entry.history) > 0


def have_curves(verdict: Verdict) -> bool:
    """Whether both runs of a pair have finished an epoch."""
    return has_curve(verdict.first) and has_curve(verdict.second)


def drawn_runs(comparison: Comparison) -> list[Entry]:
    """The runs whose curves are drawn: those that have any; of many the first in the order of the tables."""
    trained = list(filter(has_curve, comparison.ordered))
    return trained if comparison.full else trained[:MOST_RUNS]


def drawn_verdicts(comparison: Comparison, kind: str) -> list[Verdict]:
    """The pairs of a kind that are drawn: both have curves; of many those whose better run ranks first."""
    trained = [verdict for verdict in comparison.verdicts if verdict.kind == kind and have_curves(verdict)]
    if comparison.full or len(trained) <= MOST_PAIRS:
        return trained
    rank = {entry.name: place for place, entry in enumerate(comparison.ordered)}
    return sorted(trained, key=lambda verdict: min(rank[verdict.first.name], rank[verdict.second.name]))[:MOST_PAIRS]


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
    pairs = comparison.pairs_of(group)
    if len(pairs) and pairing.is_complete(group, pairs):
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


def matrices(labels: Sequence[str], pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences (row minus column), adjusted p-values and smallest detectable differences of all pairs."""
    place = {label: number for number, label in enumerate(labels)}
    a, b = pairs["model_a"].map(place).to_numpy(), pairs["model_b"].map(place).to_numpy()
    difference, p_value, detectable = (np.full((len(labels), len(labels)), np.nan) for _ in range(3))
    difference[a, b], difference[b, a] = pairs["difference"], -pairs["difference"]
    p_value[a, b] = p_value[b, a] = pairs["p_holm"]
    detectable[a, b] = detectable[b, a] = pairs["smallest_detectable"]
    return difference, p_value, detectable
