"""Every run made so far, or those named, compared: tables, figures, a diagnosis and a report in a folder."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina.experiments.place import RESULTS
from retina.machine import processes, progress
from retina.reporting.language import Language
from retina.runs.folder import list_runs

if TYPE_CHECKING:
    from retina.analysis.comparing.comparison import Comparison

FEW_RUNS = 4
"""Below this many runs, one process draws their figures sooner than several can be started."""


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison and where it is written.

    Args:
        comparison: What the runs say beside one another.
        folder: Where tables, figures and report are.
        language: The language of the report.
    """

    comparison: "Comparison"
    folder: Path
    language: Language

    def to_dict(self) -> dict[str, Any]:
        """The findings and the folder, as plain JSON values."""
        from retina.reporting import publish

        return publish.findings(self.comparison, self.language) | {"out": str(self.folder)}


def compare(
    names: Sequence[str] = (),
    *,
    results: Path = RESULTS,
    out: Path | None = None,
    against: Sequence[str] = (),
    language: str = "en",
    full: bool = False,
    quiet: bool = False,
) -> ComparisonResult:
    """Compare runs, and write tables, figures, a diagnosis of every curve and a report.

    Args:
        names: Names or folders of runs; all below the results folder where there are none.
        results: The results folder.
        out: The folder that is written; `None` takes `comparison` in the results folder.
        against: Published scores of single images, `[SPLIT=]FILE.csv` each.
        language: The language of the report, one of `retina.reporting.language.LANGUAGES`.
        full: Test every pair of models and draw every figure, however many there are.
        quiet: Show no progress.

    Raises:
        RetinaError: there is no such run, none at all, or the folder cannot be written.
    """
    report_language, folder = Language(language), results / "comparison" if out is None else out
    with artists(len(names) or len(list_runs(results))) as pool:
        # Here, and not above: what draws is imported in another process meanwhile.
        from retina.analysis.comparing import comparison as comparing
        from retina.reporting import publish

        runs = comparing.select(results, names, required=not against)
        with progress.bar("scoring", len(runs), quiet=quiet, unit="runs") as advance:
            words = [Path(name).name for name in names]
            comparison = comparing.compare(runs, against, advance, names=words, full=full)
        publish.publish(comparison, folder, report_language, pool, quiet=quiet)
    return ComparisonResult(comparison, folder, report_language)


def artists(runs: int) -> AbstractContextManager[Executor | None]:
    """Processes that draw the figures of that many runs; none for few, or where there is one core."""
    if runs < FEW_RUNS or processes.cores() == 1:
        return contextlib.nullcontext(None)
    return processes.workers(processes.cores(), "retina.reporting.figures")
