"""Runs -> one comparison: tables, diagnoses, verdicts. Numbers only: `retina.reporting` writes the sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retina.analysis.comparing import mistakes, pairing, scores
from retina.analysis.diagnosis import Curve, Finding, compare_losses, compare_params, diagnose, imbalance
from retina.analysis.gathering import candidates, collection, design, external
from retina.analysis.gathering.candidates import Group
from retina.analysis.gathering.collection import Entry
from retina.errors import RunError
from retina.experiments.target import DEFAULT, Target
from retina.machine import installation
from retina.runs import folder as runs
from retina.runs import searches
from retina.runs.folder import Run
from retina.runs.searches import Tuning

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """The comparison of two runs that differ in their parameter set, or in their loss, alone.

    Args:
        kind: What they differ in, `params` or `loss`.
        first: One run; of a pair of losses, the one with cross-entropy.
        second: The other run.
        findings: How they differ.
    """

    kind: str
    first: Entry
    second: Entry
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Comparison:
    """Tables and findings on the runs that were compared.

    Args:
        entries: Every run that could be read, finished or not, by name.
        damaged: One line for each that could not be read, with the name of the file.
        groups: Finished runs and published models, grouped by the images they were scored on, the best on validation
            first.
        scores: One row a model and split, see `retina.analysis.comparing.scores`.
        operating_points: One row a model, split and operating point.
        pairs: One row a pair of models, see `retina.analysis.comparing.pairing`.
        mistakes: The most confident mistakes on test, see `retina.analysis.comparing.mistakes`.
        findings: Name of a run -> the diagnosis of its curves, the most severe first.
        verdicts: Parameter sets and losses against each other.
        imbalances: Name of a group -> the finding on the balance of its classes.
        tunings: Searches whose winner is among the runs: it was selected on validation.
        full: Whether every pair is tested and every figure drawn, beyond what a reader can read.
        arguments: What `compare` was typed with: the runs it was limited to, `--full`, and `--against` with the files
            of published scores, without their folders.
    """

    entries: tuple[Entry, ...]
    damaged: tuple[str, ...]
    groups: tuple[Group, ...]
    scores: "pd.DataFrame"
    operating_points: "pd.DataFrame"
    pairs: "pd.DataFrame"
    mistakes: "pd.DataFrame"
    findings: dict[str, tuple[Finding, ...]]
    verdicts: tuple[Verdict, ...]
    imbalances: dict[str, Finding]
    tunings: tuple[Tuning, ...] = ()
    full: bool = False
    arguments: tuple[str, ...] = ()

    @property
    def unfinished(self) -> tuple[Entry, ...]:
        """The runs that are not finished, which tables show and do not rank."""
        return tuple(entry for entry in self.entries if not entry.finished)

    @property
    def ordered(self) -> tuple[Entry, ...]:
        """The runs in the order of the tables; last those that are not ranked."""
        ranked = [entry for group in self.groups for entry in group.entries]
        names = {entry.name for entry in ranked}
        return (*ranked, *(entry for entry in self.entries if entry.name not in names))

    def pairs_of(self, group: Group) -> "pd.DataFrame":
        """The rows of `pairs` on a group's models."""
        return self.pairs[self.pairs["data"] == group.name]

    @property
    def target(self) -> Target | None:
        """The one target of all runs and models; `None` where there are several, or one is not known."""
        targets = {*design.targets(self.entries), *map(self.target_of, self.groups)}
        return targets.pop() if len(targets) == 1 else None

    def target_of(self, group: Group) -> Target | None:
        """The target of a group, which its runs share; `None` where it is not known.

        A group of published models alone has no run that says it: its labels are taken for the default target's,
        unless there are runs of another one, whose labels they may as well be.
        """
        if group.entries:
            return group.entries[0].target
        return DEFAULT if design.targets(self.entries) == [DEFAULT] else None


def select(results: Path, names: Sequence[str], *, required: bool = True) -> list[Run]:
    """The runs named, or all below a results folder where none is named.

    Args:
        results: The results folder.
        names: Names of runs, or their folders.
        required: Whether there must be at least one.

    Raises:
        RunError: a name is unknown, or there is no run at all.
    """
    if names:
        # A run that is named twice, by its name and by its folder, is one run.
        return list({run.folder.resolve(): run for run in (runs.find(results, name) for name in names)}.values())
    every = runs.list_runs(results)
    if required and not every:
        raise RunError(
            "there is no run to compare",
            expected="at least one run folder",
            where=runs.runs_folder(results),
            advice=f"make one: {installation.program()} run resnet18 --params p1 --loss focal",
        )
    return every


def compare(
    chosen: Sequence[Run],
    against: Sequence[str | Path] = (),
    finished: Callable[[int], None] = lambda _: None,
    *,
    names: Sequence[str] = (),
    full: bool = False,
) -> Comparison:
    """Compare runs with each other, and with scores that others published.

    Args:
        chosen: The runs. Damaged ones are named in the result and left out.
        against: Files of published scores, see `retina.analysis.gathering.external.read`.
        finished: Is called with 1 for every run, and with 0 for every published model, whose scores are done.
        names: The runs as the user named them; empty where all are compared.
        full: Test every pair, see `retina.analysis.comparing.pairing.table`.

    Raises:
        RunError: a file of published scores cannot be used.
    """
    published = [external.read(path) for path in against]
    entries, damaged = collection.collect(chosen)
    groups, contradictory = candidates.group(entries, published)
    # RESULTS/runs/NAME: searches are beside `runs`, in the results folder of each run.
    folders = sorted({run.folder.resolve().parent.parent for run in chosen})
    range_tests, damaged_tests = searches.range_tests(folders)
    tunings, damaged_tunings = searches.tunings(folders)
    nearest = {entry.name: searches.nearest(range_tests, entry.record) for entry in entries}
    scored, operating_points = scores.tables(groups, finished)
    curves = {entry.name: replace(Curve.of(entry.record, entry.history), name=entry.label) for entry in entries}
    return Comparison(
        entries=tuple(entries),
        damaged=(*damaged, *contradictory, *damaged_tests, *damaged_tunings),
        groups=tuple(groups),
        scores=scored,
        operating_points=operating_points,
        pairs=pairing.table(groups, every=full),
        mistakes=mistakes.table(groups),
        findings={name: tuple(diagnose(curve, others(name, curves), nearest[name])) for name, curve in curves.items()},
        verdicts=tuple(verdicts(entries, curves)),
        imbalances={group.name: balance(group) for group in groups},
        tunings=tuple(item for item in tunings if item.winner in curves),
        full=full,
        arguments=(
            *names,
            *(word for scores in published for word in ("--against", scores.source)),
            *(["--full"] if full else []),
        ),
    )


def others(name: str, curves: dict[str, Curve]) -> list[Curve]:
    """All curves but one."""
    return [curve for other, curve in curves.items() if other != name]


def verdicts(entries: Sequence[Entry], curves: dict[str, Curve]) -> list[Verdict]:
    """Parameter sets of the same backbone and loss, and losses of the same backbone and parameter set."""
    pairs = [
        Verdict("params", first, second, (compare_params(curves[first.name], curves[second.name]),))
        for first, second in design.parameter_pairs(entries)
    ]
    return pairs + [
        Verdict("loss", plain, focal, tuple(compare_losses(curves[plain.name], curves[focal.name])))
        for plain, focal in design.loss_pairs(entries)
    ]


def balance(group: Group) -> Finding:
    """The balance of a group's classes: over all splits where it has a run, else on one split."""
    if group.entries:
        parts = group.entries[0].record.data.splits.values()
        return imbalance(sum(part.images for part in parts), sum(part.positives for part in parts))
    part = next(iter(group.candidates[0].parts.values()))
    return imbalance(len(part.labels), int(part.labels.sum()))
