"""`python cli.py lr-find`: which learning rate to begin with, how sure that is, and whether a grid agrees."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retina.commands.messages import announcer, resumable
from retina.commands.options import experiment_command, settings_of
from retina.experiments.place import Place
from retina.experiments.search_space import Range

if TYPE_CHECKING:
    from retina.workflows.lr_find import RangeTestResult


@click.command(name="lr-find")
@experiment_command("learning_rate")
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=Range.seeds, help="networks to train, with seeds from --seed on"
)
@click.option("--low", type=click.FloatRange(1e-8, 10), default=Range.low, help="first learning rate")
@click.option("--high", type=click.FloatRange(1e-8, 10), default=Range.high, help="last learning rate")
@click.option(
    "--steps", type=click.IntRange(10, 100_000), default=Range.steps, help="training steps between them at most"
)
@click.option("--check", is_flag=True, help="train the grid 1e-4, 3e-4, 1e-3 too, and compare the runs on validation")
@click.option("--force", is_flag=True, help="test again even where there is a finished test")
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
    from retina.workflows import lr_find as workflow

    with resumable("to go on"):
        result = workflow.lr_find(
            backbone,
            params,
            seeds=seeds,
            low=low,
            high=high,
            steps=steps,
            check=check,
            force=force,
            place=Place(results, data, skip_bad=skip_bad, quiet=quiet),
            say=announcer(quiet=quiet),
            **settings_of(options),
        )
    click.echo(json.dumps(to_json(result), indent=2) if as_json else render(result))


def to_json(result: "RangeTestResult") -> dict[str, Any]:
    """A range test as plain JSON values, with the check where there is one."""
    report = result.record | {"folder": str(result.folder), "reused": result.reused}
    return report if result.check is None else report | {"check": result.check}


def render(result: "RangeTestResult") -> str:
    """A range test as plain text, and below it the check where there is one."""
    from retina.reporting.terminal import lr_range, rate_grid

    text = lr_range.render(result.record, result.folder, reused=result.reused)
    return text if result.grid is None else f"{text}\n\n{rate_grid.render(result.grid, result.suggestion)}"
