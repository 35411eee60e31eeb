"""`python cli.py compare`: every run made so far -> tables, figures, diagnosis and report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retina.commands.messages import exit_if_damaged
from retina.commands.options import json_option, quiet_option, results_option
from retina.reporting.language import LANGUAGES

if TYPE_CHECKING:
    from retina.workflows.compare import ComparisonResult


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
@click.option(
    "--full",
    is_flag=True,
    help="test every pair of models and draw every run's curves, however many there are",
)
@quiet_option
@json_option
def compare(
    runs: tuple[str, ...],
    results: Path,
    out: Path | None,
    against: tuple[str, ...],
    lang: str,
    *,
    full: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compare all runs, or those named, and write tables, figures, a diagnosis of every curve and a report.

    Exit code 1 when a run is damaged; the others are compared all the same.

    Example: python cli.py compare --lang zh-TW
    """
    from retina.workflows import compare as workflow

    result = workflow.compare(runs, results=results, out=out, against=against, language=lang, full=full, quiet=quiet)
    click.echo(json.dumps(result.to_dict(), indent=2) if as_json else render(result))
    exit_if_damaged(result.comparison.damaged)


def render(result: "ComparisonResult") -> str:
    """A comparison as plain text, and where its report is."""
    from retina.reporting.terminal import comparison as terminal

    text = terminal.render(result.comparison, result.language)
    return f"{text}\n\n{result.folder / 'report.md'}\n{result.folder / 'report.html'}"
