"""`python cli.py data ...`: audit, fetch or draw a data set."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retina.commands.messages import announce
from retina.commands.options import json_option, quiet_option
from retina.experiments.experiment import SETTINGS
from retina.experiments.target import DISEASE_RISK, binary

if TYPE_CHECKING:
    from retina.data.auditing.audit import Audit


@click.group()
def data() -> None:
    """Audit, fetch or draw a data set."""


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", default=DISEASE_RISK, help=SETTINGS["target"].help)
@quiet_option
@json_option
def audit(folder: Path, *, target: str, quiet: bool, as_json: bool) -> None:
    """Check the labels and every image of a data set; exit 1 when something would corrupt a result.

    Example: python cli.py data audit path/to/RFMiD
    """
    from retina.commands import audit_table
    from retina.workflows import data as workflow

    report = workflow.audit(folder, target=binary(target), quiet=quiet, say=announce)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else audit_table.summary(report))
    _exit_unless_ok(report)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@quiet_option
def fetch(folder: Path, *, quiet: bool) -> None:
    """Download RFMiD (CC BY 4.0) into FOLDER and audit it.

    Example: python cli.py data fetch data/rfmid
    """
    from retina.commands import audit_table
    from retina.workflows import data as workflow

    report = workflow.fetch(folder, quiet=quiet, say=announce)
    click.echo(audit_table.summary(report))
    _exit_unless_ok(report)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, help="random seed")
@quiet_option
def synth(folder: Path, *, seed: int, quiet: bool) -> None:
    """Draw the built-in set, procedural fundus photographs without clinical meaning, into FOLDER, in RFMiD's layout.

    Example: python cli.py data synth data/drawn --seed 1
    """
    from retina.workflows import data as workflow

    workflow.draw(folder, seed=seed, quiet=quiet, say=announce)
    click.echo(folder)


def _exit_unless_ok(report: "Audit") -> None:
    """Exit with 1 where an error was found."""
    if not report.ok:
        raise click.exceptions.Exit(1)
