"""`python cli.py study FILE.toml`: many runs in one command, then their comparison."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retina.commands.compare import render
from retina.commands.messages import announcer, exit_if_damaged, resumable
from retina.commands.options import (
    data_option,
    experiment_options,
    json_option,
    quiet_option,
    results_option,
    settings_of,
    skip_bad_option,
    track_option,
)
from retina.experiments.place import Place
from retina.reporting.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retina.training.studies.agenda import Step


@click.command()
@click.argument("name", metavar="STUDY")
@data_option
@experiment_options
@results_option
@skip_bad_option
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="who trains: this machine, or Ray")
@click.option(
    "--address", metavar="ADDR", help="Ray: the cluster's address  [default: a cluster of this machine alone]"
)
@click.option("--cpus", type=click.IntRange(1), help="Ray: CPUs of one run  [default: those of the smallest node]")
@click.option("--gpus", type=click.IntRange(0), help="Ray: GPUs of one run  [default: 1 where every node has one]")
@click.option("--jobs", type=click.IntRange(1), default=1, help="local: runs at a time, one a GPU")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="folder of the comparison  [default: RESULTS/studies/<name of STUDY>]",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="language of the report")
@track_option
@click.option("--dry-run", is_flag=True, help="print what would be trained, train nothing")
@quiet_option
@json_option
def study(
    name: str,
    *,
    data: Path | None,
    results: Path,
    engine: str,
    address: str | None,
    cpus: int | None,
    gpus: int | None,
    jobs: int,
    out: Path | None,
    lang: str,
    track: str | None,
    skip_bad: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Train every run that STUDY names, then compare them.

    STUDY is a TOML file, or the name of one in experiments/studies: original, original-seeds, pretraining.

    Finished runs are reused, interrupted ones resume, failed ones are tried once more; no run ends the others. Typed
    again, the command trains what is left. Settings given as options replace those of STUDY in all runs, but a table of
    runs with random weights keeps them. Exit code 1 when a run has no results.

    Example: python cli.py study original
    """
    from retina.workflows import study as workflow

    refuse_mixture(engine, address=address, cpus=cpus, gpus=gpus, jobs=jobs)
    place, say = Place(results, data, skip_bad=skip_bad, quiet=quiet), announcer(quiet=quiet)
    settings = settings_of(options)
    trainer = workflow.Ray(address, cpus, gpus) if engine == "ray" else workflow.Local(jobs)
    if dry_run:
        steps = workflow.plan_study(name, place=place, engine=trainer, track=track, say=say, **settings)
        plain = [item.to_dict() for item in steps]
        click.echo(json.dumps(plain, indent=2) if as_json else table(steps))
        return
    with resumable("to train what is left"):
        result = workflow.study(
            name, place=place, engine=trainer, out=out, language=lang, track=track, say=say, **settings
        )
    if as_json:
        comparison = result.comparison and result.comparison.to_dict()
        outcomes = [asdict(outcome) for outcome in result.outcomes]
        click.echo(json.dumps({"runs": outcomes, "comparison": comparison}, indent=2))
    elif result.comparison:
        click.echo(render(result.comparison))
    exit_if_damaged(result.damaged)


def refuse_mixture(engine: str, *, address: str | None, cpus: int | None, gpus: int | None, jobs: int) -> None:
    """Refuse options of the engine that is not used.

    Raises:
        click.UsageError: one was given.
    """
    rays = [name for name, value in (("--address", address), ("--cpus", cpus), ("--gpus", gpus)) if value is not None]
    if engine == "local" and rays:
        raise click.UsageError(f"{rays[0]} has no meaning without --engine ray")
    if engine == "ray" and jobs != 1:
        raise click.UsageError("--jobs has no meaning with --engine ray: the cluster decides how many runs have room")


def table(steps: "Sequence[Step]") -> str:
    """What is to be done as plain text, one line a run."""
    width = max(len(item.plan.name) for item in steps)
    lines = [f"{'run':<{width}}  epochs left  at most"]
    return "\n".join([*lines, *(f"{item.plan.name:<{width}}  {item.epochs_left:>11}  {item.words}" for item in steps)])
