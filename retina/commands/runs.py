"""`python cli.py runs`: every run made so far, or whether each is as it was written."""

import json
from pathlib import Path

import click

from retina.commands.messages import exit_if_damaged
from retina.commands.options import json_option, results_option


@click.command()
@results_option
@click.option("--verify", is_flag=True, help="check every file of every finished run against its SHA-256")
@json_option
def runs(results: Path, *, verify: bool, as_json: bool) -> None:
    """List every run made so far.

    Example: python cli.py runs --verify
    """
    exit_if_damaged(verify_all(results, as_json=as_json) if verify else list_all(results, as_json=as_json))


def list_all(results: Path, *, as_json: bool) -> list[str]:
    """Print a line for every run; return one for each that is damaged."""
    from retina.reporting.terminal import runs as terminal
    from retina.workflows import runs as workflow

    listing = workflow.list_runs(results)
    if as_json:
        click.echo(json.dumps([terminal.to_dict(summary) for summary in listing.summaries], indent=2))
    elif listing.summaries:
        click.echo(terminal.render_all(listing.summaries))
    elif not listing.damaged:
        click.echo(f"No runs yet in {results}.")
    return listing.damaged


def verify_all(results: Path, *, as_json: bool) -> list[str]:
    """Print how many finished runs are as they were written; return a line for each that is not."""
    from retina.workflows import runs as workflow

    check = workflow.verify_runs(results)
    if as_json:
        click.echo(json.dumps({"verified": check.verified, "damaged": check.damaged}, indent=2))
    else:
        click.echo(f"Finished runs as they were written: {check.verified}. Damaged: {len(check.damaged)}.")
    return check.damaged
