"""`python cli.py compare`: every run made so far -> tables, figures, diagnosis and report."""

import json
from pathlib import Path

import click

from retina.commands.options import json_option, quiet_option, results_option
from retina.language import LANGUAGES


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
    from retina import progress
    from retina.analysis import comparison as comparing
    from retina.language import Language
    from retina.reporting import publish, terminal

    language, folder = Language(lang), out or results / "comparison"
    found = comparing.select(results, runs, required=not against)
    with progress.bar("scoring", len(found), quiet=quiet, unit="runs") as advance:
        comparison = comparing.compare(found, against, advance, named=[Path(name).name for name in runs])
    publish.publish(comparison, folder, language, quiet=quiet)
    if as_json:
        click.echo(json.dumps(publish.findings(comparison, language) | {"out": str(folder)}, indent=2))
    else:
        click.echo(terminal.render(comparison, language))
        click.echo(f"\n{folder / 'report.md'}\n{folder / 'report.html'}")
    for line in comparison.damaged:
        click.echo(f"Error: {line}", err=True)
    if comparison.damaged:
        raise click.exceptions.Exit(1)
