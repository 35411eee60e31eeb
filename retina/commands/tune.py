"""`python cli.py tune`: search learning rate, batch size and other settings; every trial is an ordinary run."""

import json
from pathlib import Path
from typing import Any

import click

from retina.commands.messages import announcer, resumable
from retina.commands.options import experiment_command, settings_of
from retina.errors import ExperimentError, RunError, unknown
from retina.experiments.experiment import SETTINGS
from retina.experiments.place import Place
from retina.experiments.search_space import VARIED, Space


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


class Values(click.ParamType):
    """A setting with the values to choose from, as in `layer_decay=0.2,0.5`."""

    name = "NAME=V,V,..."

    def convert(  # noqa: D102 - click's
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, tuple[Any, ...]]:
        name, equals, words = value.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            self.fail(f"{value!r} is no setting with values, such as layer_decay=0.2,0.5", param, ctx)
        if name not in VARIED:
            raise unknown("setting of --vary", name, VARIED)
        values = tuple(SETTINGS[name].value_of(word.strip()) for word in words.split(","))
        if len(set(values)) < len(values):
            self.fail(f"{value!r} names a value twice", param, ctx)
        return name, values


def once_each(varied: tuple[tuple[str, tuple[Any, ...]], ...]) -> dict[str, tuple[Any, ...]]:
    """The settings to search, by name.

    Raises:
        ExperimentError: one is named twice, of which a mapping would silently keep the last.
    """
    names = [name for name, _ in varied]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ExperimentError(f"--vary names {twice[0]} twice", advice="give all its values at once")
    return dict(varied)


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
    "--vary",
    "varied",
    type=Values(),
    multiple=True,
    help="another setting to search, with values to choose from, as in layer_decay=0.2,0.5; may be repeated",
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
    varied: tuple[tuple[str, tuple[Any, ...]], ...],
    data: Path | None,
    results: Path,
    skip_bad: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Search learning rate, batch size and what --vary names on the validation images (Optuna, extra `tune`).

    Every trial is a run of its own; those without promise are ended early. Typed again, the command reuses finished
    trials and resumes an interrupted one.

    Example: python cli.py tune vgg16 --params p1 --trials 12 --vary layer_decay=0.2,0.5,1
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
            varied=once_each(varied),
            place=Place(results, data, skip_bad=skip_bad, quiet=quiet),
            say=announcer(quiet=quiet),
            **settings_of(options),
        )
    report = result.record | {"file": str(result.file)}
    click.echo(json.dumps(report, indent=2) if as_json else tuning.render(result.record, result.file))
    if result.winner is None:
        count = f"{result.record['failed']} failed"
        raise RunError("no trial was finished", found=count, where=result.file, advice="lower --high")
