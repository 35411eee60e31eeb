"""`python cli.py compare`: every run made so far -> tables, figures, diagnosis and report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retina.commands.options import json_option, quiet_option, results_option
from retina.reporting.language import LANGUAGES

if TYPE_CHECKING:
    from retina.analysis.comparing.comparison import Comparison
    from retina.reporting.language import Language


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@results_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="folder of the comparison  [default: RESULTS/comparison]",
)
@click.option(
    "--against",
    multiple=True,
    metavar="[SPLIT=]FILE.csv",
    help="published scores of single images: id, label, one column per model; may be given again",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="language of the report")
@quiet_option
@json_option
def compare(
    runs: tuple[str, ...],
    results: Path,
    out: Path | None,
    against: tuple[str, ...],
    lang: str,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compare all runs, or those named, and write tables, figures, a diagnosis of every curve and a report.

    Exit code 1 when a run is damaged; the others are compared all the same.

    Example: python cli.py compare --lang zh-TW
    """
    from retina.reporting.language import Language

    language, folder = Language(lang), out or results / "comparison"
    comparison = compare_runs(results, runs, folder, language, against=against, quiet=quiet)
    found = json.dumps(to_json(comparison, folder, language), indent=2) if as_json else None
    click.echo(found or render(comparison, folder, language))
    end(comparison.damaged)


def compare_runs(
    results: Path,
    names: Sequence[str],
    folder: Path,
    language: "Language",
    *,
    against: Sequence[str] = (),
    quiet: bool = False,
) -> "Comparison":
    """Compare the runs named, or all, and write what is found into a folder."""
    from retina.analysis.comparing import comparison as comparing
    from retina.machine import progress
    from retina.reporting import publish

    found = comparing.select(results, names, required=not against)
    with progress.bar("scoring", len(found), quiet=quiet, unit="runs") as advance:
        comparison = comparing.compare(found, against, advance, named=[Path(name).name for name in names])
    publish.publish(comparison, folder, language, quiet=quiet)
    return comparison


def to_json(comparison: "Comparison", folder: Path, language: "Language") -> dict[str, Any]:
    """The findings of a comparison and its folder, as plain JSON values."""
    from retina.reporting import publish

    return publish.findings(comparison, language) | {"out": str(folder)}


def render(comparison: "Comparison", folder: Path, language: "Language") -> str:
    """A comparison as plain text, and where its report lies."""
    from retina.reporting.terminal import comparison as terminal

    return f"{terminal.render(comparison, language)}\n\n{folder / 'report.md'}\n{folder / 'report.html'}"


def end(damaged: Sequence[str]) -> None:
    """Name the runs that are damaged; exit 1 where there are any."""
    for line in damaged:
        click.echo(f"Error: {line}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)
