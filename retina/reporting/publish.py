"""A comparison -> files: tables, findings, figures, report.

Everything is written into a temporary folder first; then each file, and the folder of figures, replaces that of an
earlier comparison, the report last. A process killed in that last moment can leave files of two comparisons.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pandas.api.types import is_numeric_dtype

from retina.analysis.comparing import scores
from retina.analysis.comparing.comparison import Comparison
from retina.analysis.diagnosis import Finding
from retina.errors import RunError
from retina.machine import files
from retina.reporting import pictures, report, wording
from retina.reporting.language import Language
from retina.reporting.writers import html, markdown

if TYPE_CHECKING:
    import pandas as pd

FIGURES = "figures"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection)."""
TABLES: dict[str, Callable[[Comparison], "pd.DataFrame"]] = {
    "comparison.csv": lambda comparison: scores.with_unfinished(comparison.scores, comparison.unfinished),
    "operating_points.csv": lambda comparison: comparison.operating_points,
    "pairwise.csv": lambda comparison: comparison.pairs,
    "mistakes.csv": lambda comparison: comparison.mistakes,
}
WRITTEN = ("findings.json", *TABLES, FIGURES, "report.html", "report.md")
"""The files and folders of a comparison, in the order in which they replace those of an earlier one."""
WHOLE = (
    *("seed", "best_epoch", "epochs_run", "images", "positives", "ece_bins", "seeds"),
    *("tp", "fp", "fn", "tn", "models_wrong", "models"),
    *("positives_only_a", "positives_only_b", "negatives_only_a", "negatives_only_b"),
)
"""Columns of whole numbers: pandas would write them with decimals where a value is missing."""


def publish(
    comparison: Comparison, out: Path, language: Language, pool: Executor | None = None, *, quiet: bool = False
) -> None:
    """Write everything into a temporary folder in `out`, then move it into place; other files in `out` are kept.

    Where something fails before it is moved, `out` is as it was. `pool` draws the figures, see `pictures.drawn`.

    Raises:
        RunError: `out` holds something else, see `refuse_foreign`.
        RetinaError: the folder cannot be written.
    """
    refuse_foreign(out)
    with files.unwritable_is_one_line(out):
        is_new = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        drafts = Path(tempfile.mkdtemp(dir=out, prefix=".comparison."))
        try:
            write(comparison, drafts, language, pool, quiet=quiet)
            for name in WRITTEN:
                replace(drafts / name, out / name)
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
            if is_new and not any(out.iterdir()):
                out.rmdir()


def refuse_foreign(out: Path) -> None:
    """Refuse a folder in which something else would be overwritten.

    Raises:
        RunError: a file, a folder of runs, or a folder that holds files of these names and no earlier comparison.
    """
    obstacle = None
    if out.exists() and not out.is_dir():
        obstacle = "a file"
    elif (out / "record.json").exists() or any(out.glob("*/record.json")):
        obstacle = "a folder of runs"
    elif not is_comparison(out):
        obstacle = next((name for name in WRITTEN if (out / name).exists()), None)
    if obstacle:
        raise RunError(
            "the comparison needs a folder of its own", found=obstacle, where=out, advice="name another with --out DIR"
        )


def is_comparison(folder: Path) -> bool:
    """Whether a folder holds an earlier comparison."""
    try:
        content = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"schema", "runs", "pairs", "damaged"} <= set(content)


def replace(new: Path, old: Path) -> None:
    """Move a file or a folder to the place of another, which is removed."""
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    new.replace(old)


def write(comparison: Comparison, folder: Path, language: Language, pool: Executor | None, *, quiet: bool) -> None:
    """Write every file of a comparison into an empty folder."""
    (folder / FIGURES).mkdir()
    with pictures.drawn(comparison, folder / FIGURES, pool, quiet=quiet):
        for name, of in TABLES.items():
            files.write_text(folder / name, table(of(comparison)))
        files.write_text(folder / "findings.json", json.dumps(findings(comparison, language), indent=2) + "\n")
        document = report.compose(comparison, language)
        files.write_text(folder / "report.md", markdown.render(document))
    files.write_text(folder / "report.html", html.render(document, folder / FIGURES))


def table(frame: "pd.DataFrame") -> str:
    """A table as CSV text; numbers in full precision, missing ones empty."""
    whole = {name: "Int64" for name in WHOLE if name in frame}
    texts = {name: frame[name].map(harmless) for name in frame if not is_numeric_dtype(frame[name])}
    return frame.assign(**texts).astype(whole).to_csv(index=False, lineterminator="\n")


def harmless(value: Any) -> Any:  # noqa: ANN401 - a cell of any kind
    """A text that a spreadsheet would take for a formula, with an apostrophe before it; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def findings(comparison: Comparison, language: Language) -> dict[str, Any]:
    """Every finding as plain JSON values: on runs, on pairs of runs, on the classes; and what is damaged."""

    def plain(findings: Sequence[Finding]) -> list[dict[str, Any]]:
        return [wording.to_dict(finding, language) for finding in findings]

    return {
        "schema": 1,
        "language": language.name,
        "runs": {
            entry.name: {
                "label": entry.label,
                "status": entry.record.status,
                "findings": plain(comparison.findings[entry.name]),
            }
            for entry in comparison.entries
        },
        "pairs": [
            {
                "kind": verdict.kind,
                "runs": [verdict.first.name, verdict.second.name],
                "findings": plain(verdict.findings),
            }
            for verdict in comparison.verdicts
        ],
        "imbalance": {
            group.name: wording.to_dict(comparison.imbalances[group.name], language, comparison.target_of(group))
            for group in comparison.groups
        },
        "damaged": list(comparison.damaged),
    }
