"""`python cli.py study FILE.toml`: many runs in one command, then their comparison."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retina.commands import announcing
from retina.commands.compare import compare_runs, end, render, to_json
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
from retina.machine import extras
from retina.reporting.language import LANGUAGES

if TYPE_CHECKING:
    from retina.training.shelf import Shelf
    from retina.training.studies.agenda import Step
    from retina.training.studies.engines import Engine
    from retina.training.studies.job import Outcome
    from retina.training.studies.pace import Estimate
    from retina.training.studies.view import Watch


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

    STUDY is a TOML file, or the name of one in experiments/studies: original, original-seeds.

    Finished runs are reused, interrupted ones go on, failed ones are tried once more; the rest goes on whatever becomes
    of one. Typed again, the command takes up what is left. Settings given as options replace those of STUDY in all
    runs. Exit code 1 when a run came to no result.

    Example: python cli.py study original
    """
    from retina.experiments import recipes
    from retina.experiments import study as recipe
    from retina.training.shelf import Shelf
    from retina.training.studies import agenda, cluster, connection, job, pace
    from retina.training.studies import engines as training
    from retina.training.studies import view as watch

    refuse_mixture(engine, address=address, cpus=cpus, gpus=gpus, jobs=jobs)
    if track:
        extras.require(track, extra=track, purpose=f"--track {track}")
    if engine == "ray":
        connection.imported(address)
    file = recipes.study_path(name)
    members, shelf = recipe.read(file, **settings_of(options)), Shelf()
    plans = job.prepare(members, data=data, results=results, skip_bad=skip_bad, shelf=shelf, quiet=quiet)
    known = pace.Pace(results)
    steps = agenda.agenda(plans, results, known)
    if not quiet:
        announce(file, steps, agenda.total(steps, known))
    if dry_run:
        plain = json.dumps([item.to_dict() for item in steps], indent=2)
        click.echo(plain if as_json else agenda.table(steps))
        return
    on_ray = engine == "ray"
    trainers = cluster.engine(address, cpus=cpus, gpus=gpus, results=results) if on_ray else local(jobs, shelf)
    view = watch.Watch(steps, results, known, quiet=quiet)
    wanted = [job.job_of(item, data=data, results=results, skip_bad=skip_bad, track=track) for item in plans]
    try:
        with trainers as trainer, view.shown(abreast=trainer.abreast):
            outcomes = training.run(wanted, trainer, lambda outcome: tell(outcome, view))
    except KeyboardInterrupt:
        raise click.ClickException("interrupted: type the same command again to go on with what is left") from None
    report(outcomes, results, out or results / "studies" / file.stem, lang, quiet=quiet, as_json=as_json)


def refuse_mixture(engine: str, *, address: str | None, cpus: int | None, gpus: int | None, jobs: int) -> None:
    """Refuse options of the other engine.

    Raises:
        click.UsageError: one was given.
    """
    rays = [name for name, value in (("--address", address), ("--cpus", cpus), ("--gpus", gpus)) if value is not None]
    if engine == "local" and rays:
        raise click.UsageError(f"{rays[0]} has no meaning without --engine ray")
    if engine == "ray" and jobs != 1:
        raise click.UsageError("--jobs has no meaning with --engine ray: the cluster decides how many runs have room")


def local(jobs: int, shelf: "Shelf") -> AbstractContextManager["Engine"]:
    """The engine of this machine alone."""
    from retina.training.studies import engines as training

    return nullcontext(training.here(shelf) if jobs == 1 else training.on_devices(jobs))


def announce(file: Path, steps: "list[Step]", estimate: "Estimate") -> None:
    """Say on stderr what the study is, on what, and how long it will take."""
    plans = [item.plan for item in steps]
    finished, going_on = sum(item.finished for item in steps), sum(item.reached > 0 for item in steps)
    click.echo(f"{file.name}: {len(steps)} runs, {finished} finished before, {going_on} to go on with.", err=True)
    for item in {item.data.fingerprint: item for item in plans}.values():
        announcing.data(item.record())
    said = [line for item in plans for line in (item.start.notice, item.data.notice, *item.data.warnings)]
    for line in dict.fromkeys(filter(None, said)):
        click.echo(line.rstrip(".") + ".", err=True)
    click.echo(estimate.sentence, err=True)


def tell(outcome: "Outcome", view: "Watch") -> None:
    """Say what became of a run."""
    from retina.training.studies.pace import in_words

    again = outcome.status == "failed" and outcome.attempts == 1
    view.end(outcome.name, ended=not again)
    words = "finished before, reused" if outcome.reused else f"{outcome.status} in {in_words(outcome.seconds)}"
    if outcome.error:
        words = f"{outcome.status}: {outcome.error}{' | It is tried once more after the others.' if again else ''}"
    view.say(f"{outcome.name}  {words}")


def report(outcomes: "list[Outcome]", results: Path, folder: Path, lang: str, *, quiet: bool, as_json: bool) -> None:
    """Compare what was finished, and say which runs came to nothing."""
    from retina.reporting.language import Language

    finished = [outcome.name for outcome in outcomes if outcome.finished]
    language, comparison = Language(lang), None
    if finished:
        comparison = compare_runs(results, finished, folder, language, quiet=quiet)
    if as_json:
        found = to_json(comparison, folder, language) if comparison else None
        click.echo(json.dumps({"runs": [asdict(outcome) for outcome in outcomes], "comparison": found}, indent=2))
    elif comparison:
        click.echo(render(comparison, folder, language))
    damaged = [f"{item.name} {item.status} | Found: {item.error}" for item in outcomes if not item.finished]
    end([*damaged, *(comparison.damaged if comparison else ())])
