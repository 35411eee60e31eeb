"""`python cli.py data ...`: audit, fetch or draw a data set."""

import json
from pathlib import Path

import click

from retina.commands.options import json_option, quiet_option
from retina.errors import RetinaError
from retina.experiments.experiment import SETTINGS
from retina.experiments.target import DISEASE_RISK, binary


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
    from retina.data.auditing import audit as audits
    from retina.data.drawing import synthetic
    from retina.data.sources import labels

    report = audits.check(labels.read(folder, binary(target)), thorough=True, quiet=quiet)
    if synthetic.is_drawn(folder):
        click.echo(synthetic.NOTICE, err=True)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else audit_table.summary(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@quiet_option
def fetch(folder: Path, *, quiet: bool) -> None:
    """Download RFMiD (CC BY 4.0) into FOLDER and audit it.

    Example: python cli.py data fetch data/rfmid
    """
    from retina.commands import audit_table
    from retina.data.auditing import audit as audits
    from retina.data.sources import fetch as fetching
    from retina.data.sources import labels

    try:
        rfmid = fetching.fetch(folder, quiet=quiet)
    except RetinaError:
        click.echo(fetching.BY_HAND, err=True)
        raise
    report = audits.check(labels.read(rfmid), thorough=True, quiet=quiet)
    click.echo(audit_table.summary(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, help="random seed")
@quiet_option
def synth(folder: Path, *, seed: int, quiet: bool) -> None:
    """Draw the built-in set, procedural fundus photographs without clinical meaning, into FOLDER, in RFMiD's layout.

    Example: python cli.py data synth data/drawn --seed 1
    """
    from retina.data.drawing import synthetic

    synthetic.synthesize(folder, seed=seed, quiet=quiet)
    click.echo(synthetic.NOTICE, err=True)
    click.echo(folder)
