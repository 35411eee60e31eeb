"""`python cli.py tune`: search learning rate and batch size on validation, every trial an ordinary run."""

import json
from pathlib import Path
from typing import Any

import click

from retina.commands.messages import announcer, resumable
from retina.commands.options import experiment_command, settings_of
from retina.errors import RunError
from retina.experiments.place import Place
from retina.experiments.search_space import Space


class Sizes(click.ParamType):
    """Batch sizes, with commas between them."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:  # noqa: ANN401
        """Whole numbers, each once."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list such as 16,32,64", param, ctx)
        if len(set(sizes)) < len(sizes):
            self.fail(f"{value!r} names a size twice", param, ctx)
        return sizes


@click.command()
@experiment_command("learning_rate", "batch_size")
@click.option(
    "--trials", type=click.IntRange(1, 10_000), required=True, help="how many; a larger number continues the search"
)
@click.option("--low", type=float, default=Space.low, help="lowest learning rate; the scale is logarithmic")
@click.option("--high", type=float, default=Space.high, help="highest learning rate")
@click.option(
    "--batch-sizes", type=Sizes(), default=",".join(map(str, Space.batch_sizes)), help="batch sizes to choose from"
)
@click.option(
    "--sampler-seed",
    type=click.IntRange(0, 2**31 - 1),
    default=Space.sampler_seed,
    help="random seed of the search itself",
)
def tune(
    backbone: str,
    params: str,
    *,
    trials: int,
    low: float,
    high: float,
    batch_sizes: tuple[int, ...],
    sampler_seed: int,
    data: Path | None,
    results: Path,
    skip_bad: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Search learning rate and batch size of BACKBONE on the validation images (Optuna, extra `tune`).

    Every trial is a run of its own; those without promise are ended early. Typed again, the command reuses finished
    trials and resumes an interrupted one.

    Example: python cli.py tune resnet18 --params p1 --trials 12
    """
    from retina.reporting.terminal import tuning
    from retina.workflows import tune as workflow

    with resumable("to resume this trial"):
        result = workflow.tune(
            backbone,
            params,
            trials=trials,
            low=low,
            high=high,
            batch_sizes=batch_sizes,
            sampler_seed=sampler_seed,
            place=Place(results, data, skip_bad=skip_bad, quiet=quiet),
            say=announcer(quiet=quiet),
            **settings_of(options),
        )
    report = result.record | {"file": str(result.file)}
    click.echo(json.dumps(report, indent=2) if as_json else tuning.render(result.record, result.file))
    if result.winner is None:
        count = f"{result.record['failed']} failed"
        raise RunError("no trial was finished", found=count, where=result.file, advice="lower --high")
