"""The command line: parse, call one function, print. Data go to stdout, everything else to stderr.

Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage. What is heavy is imported inside the commands, so
that help appears at once.
"""

import json
from pathlib import Path
from typing import Any

import click

from retina import __version__
from retina.commands import announcing
from retina.commands.backbones import backbones
from retina.commands.compare import compare
from retina.commands.data import data
from retina.commands.lr_find import lr_find
from retina.commands.options import experiment_command, json_option, results_option, settings_of, track_option
from retina.commands.study import study
from retina.commands.tune import tune
from retina.errors import RetinaError
from retina.machine import installation
from retina.machine.signals import ending_softly

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


class OneLineErrors(click.Group):
    """A group whose commands report what a user can mend as one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; turn retina's errors into click's."""
        try:
            with ending_softly():
                return super().invoke(ctx)
        except RetinaError as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:
            message = f"the package {error.name} is not installed | Next: {installation.command()}"
            raise click.ClickException(message) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.strerror} | Where: {str(error.filename)[:200]}") from error


@click.group(cls=OneLineErrors, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="retina")
def main() -> None:
    """Train classifiers on retinal photographs, and learn how far to trust them.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """


@main.command()
@experiment_command()
@click.option("--force", is_flag=True, help="train again although a finished run stands")
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

    Options left out keep the value of the parameter set. Typed again, a finished run is reused, an interrupted one goes
    on.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """
    from retina.experiments import experiment

    chosen, overrides = experiment.load(backbone, params, **settings_of(options))
    from retina.analysis.comparing import summary
    from retina.reporting.terminal import runs as terminal_runs
    from retina.training import execution, plan
    from retina.training.tracking import follow

    prepared = plan.plan(chosen, overrides, data=data, results=results, skip_bad=skip_bad, quiet=quiet)
    if not quiet:
        announcing.run(prepared.record())
    if dry_run:
        click.echo(json.dumps(prepared.record().to_dict(), indent=2))
        return
    reached = 0 if force else execution.epochs_reached(prepared, results=results)
    if reached and not quiet:
        click.echo(f"This run was interrupted before and goes on after epoch {reached}.", err=True)
    try:
        with follow.tracked(track, prepared, results) as watchers:
            finished, reused = execution.execute(prepared, results=results, force=force, quiet=quiet, watchers=watchers)
    except KeyboardInterrupt:
        raise click.ClickException("interrupted: type the same command again to go on after the last epoch") from None
    if reused:
        click.echo("This run was finished before and is reused; --force trains it again.", err=True)
    report = summary.summarize(finished)
    plain = report.to_dict() | {"reused": reused}
    click.echo(json.dumps(plain, indent=2) if as_json else terminal_runs.render(report))


@main.command()
@results_option
@click.option("--verify", is_flag=True, help="check every file of every finished run against its SHA-256")
@json_option
def runs(results: Path, *, verify: bool, as_json: bool) -> None:
    """List every run made so far.

    Example: python cli.py runs --verify
    """
    if verify:
        verify_all(results, as_json=as_json)
        return
    from retina.analysis.comparing import summary
    from retina.reporting.terminal import runs as terminal_runs

    found, damaged = summary.summarize_all(results)
    if as_json:
        click.echo(json.dumps([item.to_dict() for item in found], indent=2))
    elif found or not damaged:
        click.echo(terminal_runs.render_all(found) if found else f"No runs yet in {results}.")
    for line in damaged:
        click.echo(f"Error: {line}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)


def verify_all(results: Path, *, as_json: bool) -> None:
    """Say whether every finished run is as it was written."""
    from retina.runs import status

    whole, damaged = status.verify(results)
    if as_json:
        click.echo(json.dumps({"verified": whole, "damaged": damaged}, indent=2))
    else:
        click.echo(f"Finished runs as they were written: {whole}. Damaged: {len(damaged)}.")
    for line in damaged:
        click.echo(f"Error: {line}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)


main.add_command(backbones)
main.add_command(compare)
main.add_command(data)
main.add_command(lr_find)
main.add_command(study)
main.add_command(tune)
