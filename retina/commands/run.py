"""`python cli.py run`: one backbone, trained once."""

import json
from pathlib import Path
from typing import Any

import click

from retina.commands.messages import announcer, resumable
from retina.commands.options import experiment_command, settings_of, track_option
from retina.experiments.place import Place


@click.command()
@experiment_command()
@click.option("--force", is_flag=True, help="train again even where there is a finished run")
@click.option("--dry-run", is_flag=True, help="prepare everything, print the record, train nothing")
@track_option
def run(
    backbone: str,
    params: str,
    data: Path | None,
    results: Path,
    track: str | None,
    *,
    skip_bad: bool,
    force: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Train BACKBONE (vgg16, resnet18, resnet50, or one that `backbones` lists) once and write a run folder.

    Options left out keep the value of the parameter set. Typed again, the command reuses a
    finished run and resumes an interrupted one.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """
    from retina.reporting.terminal import runs as terminal
    from retina.workflows import run as workflow

    place, say = Place(results, data, skip_bad=skip_bad, quiet=quiet), announcer(quiet=quiet)
    if dry_run:
        plan = workflow.plan_run(backbone, params, place=place, say=say, **settings_of(options))
        click.echo(json.dumps(plan.record().to_dict(), indent=2))
        return
    with resumable("to resume after the last epoch"):
        result = workflow.run(backbone, params, place=place, force=force, track=track, say=say, **settings_of(options))
    if result.reused:
        click.echo("This run was finished before and is reused; --force trains it again.", err=True)
    report = terminal.to_dict(result.summary) | {"reused": result.reused}
    click.echo(json.dumps(report, indent=2) if as_json else terminal.render(result.summary))
