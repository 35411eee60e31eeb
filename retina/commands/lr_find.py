"""`python cli.py lr-find`: which learning rate to begin with, how sure that is, and whether a grid agrees."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retina.commands import announcing
from retina.commands.options import experiment_command, settings_of

if TYPE_CHECKING:
    from retina.training.plan import Plan
    from retina.training.searches.lr_range import Range

GRID = (1e-4, 3e-4, 1e-3)


@click.command(name="lr-find")
@experiment_command("learning_rate")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, help="networks to train, with seeds from --seed on")
@click.option("--low", type=click.FloatRange(1e-8, 10), default=1e-7, help="first learning rate")
@click.option("--high", type=click.FloatRange(1e-8, 10), default=1.0, help="last learning rate")
@click.option("--steps", type=click.IntRange(10, 100_000), default=100, help="training steps between them at most")
@click.option("--check", is_flag=True, help="train the grid 1e-4, 3e-4, 1e-3 too, and compare the runs on validation")
@click.option("--force", is_flag=True, help="test again although a finished test stands")
def lr_find(
    backbone: str,
    params: str,
    *,
    data: Path | None,
    results: Path,
    seeds: int,
    low: float,
    high: float,
    steps: int,
    check: bool,
    skip_bad: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Learning-rate range test of BACKBONE: train while the rate grows, and see where the loss is lowest.

    Sees training images only, with several seeds, and throws its networks away. Typed again, a finished test is reused.

    Example: python cli.py lr-find resnet18 --params p1 --check
    """
    if not low < high:
        raise click.BadParameter(f"it must be larger than --low, {low:g}", param_hint="'--high'")
    from retina.experiments import experiment
    from retina.training import plan
    from retina.training.searches.lr_range import Range

    chosen, overrides = experiment.load(backbone, params, **settings_of(options))
    where = {"data": data, "results": results, "skip_bad": skip_bad, "quiet": quiet}
    prepared = plan.plan(chosen, overrides, **where)
    if not quiet:
        announcing.run(prepared.record())
    try:
        record, folder, reused = tested(prepared, Range(low, high, steps, seeds), results, force=force, quiet=quiet)
        report = record | {"folder": str(folder), "reused": reused}
        if not as_json:
            from retina.reporting import range_tests

            click.echo(range_tests.render(record, folder, reused=reused))
        if check:
            planned = [(rate, options | {"learning_rate": rate}) for rate in GRID]
            said = {"suggestion": record["suggestion"], "folder": folder, "as_json": as_json}
            report["check"] = checked(backbone, params, planned=planned, where=where, **said)
    except KeyboardInterrupt:
        raise click.ClickException("interrupted: type the same command again to go on") from None
    if as_json:
        click.echo(json.dumps(report, indent=2))


def tested(
    prepared: "Plan", wanted: "Range", results: Path, *, force: bool, quiet: bool
) -> tuple[dict[str, Any], Path, bool]:
    """The record of a range test, its folder, and whether it was made before."""
    from retina.machine import kept
    from retina.reporting import range_tests
    from retina.reporting.figures.rates import Line
    from retina.training.searches import lr_range

    folder = lr_range.folder(prepared, wanted, results)
    found = None if force else kept.kept(folder, lambda: range_tests.read(folder))
    if found is not None:
        return found, folder, True
    traces = lr_range.measure(prepared, wanted, quiet=quiet)
    record = lr_range.record(prepared, wanted, traces)
    lines = [Line(item.seed, item.rates, item.losses, item.smoothed, item.suggestion.rate) for item in traces]
    range_tests.write(folder, record, lines)
    return record, folder, False


def checked(
    backbone: str,
    params: str,
    *,
    planned: list[tuple[float, dict[str, Any]]],
    where: dict[str, Any],
    suggestion: float | None,
    folder: Path,
    as_json: bool,
) -> dict[str, Any]:
    """Train the grid as ordinary runs, compare them on validation, and write `check.json` beside the range test."""
    from retina.analysis.comparing import rate_grid
    from retina.errors import DivergedError
    from retina.experiments import experiment
    from retina.machine import files, sealed
    from retina.reporting.terminal import rate_grid as terminal_rate_grid
    from retina.runs import folder as runs
    from retina.training import execution, plan

    found = {}
    for rate, options in planned:
        made = plan.plan(*experiment.load(backbone, params, **settings_of(options)), **where)
        run = runs.Run(runs.runs_folder(where["results"]) / made.name)
        if not where["quiet"]:
            click.echo(f"Grid: {made.name}, learning rate {rate:g}", err=True)
        if not (run.record_path.is_file() and rate_grid.is_over(run.record())):
            try:
                run, _ = execution.execute(made, results=where["results"], quiet=where["quiet"])
            except DivergedError as error:
                click.echo(f"Learning rate {rate:g}: {error}", err=True)
        found[rate] = run
    grid = rate_grid.compare(found)
    report = grid.to_dict() | {"range_test": suggestion}
    files.write_text(folder / "check.json", sealed.seal(report))
    if not as_json:
        click.echo("\n" + terminal_rate_grid.render(grid, suggestion))
    return report
