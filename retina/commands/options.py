"""Options that commands share, and those that an experiment's settings declare."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from retina.experiments.experiment import SETTINGS
from retina.experiments.place import RESULTS
from retina.experiments.settings import Setting


class NumberOrNone(click.ParamType):
    """A number, or the word `none`."""

    name = "float|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:  # noqa: ANN401
        """Keep the word `none`: the value `None` already means that the option was not typed."""
        if value == "none" or isinstance(value, float):
            return value
        return click.FLOAT.convert(value, param, ctx)


def option_of(name: str, rule: Setting) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The command-line option that overrides a field of the experiment."""
    flag = "--" + name.replace("_", "-")
    if rule.kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=rule.help)
    kind = NumberOrNone() if rule.optional else {int: click.INT, float: click.FLOAT, str: click.STRING}[rule.kind]
    text = f"{rule.help} ({', '.join(rule.choices)})" if rule.choices else rule.help
    metavar = "NAME" if rule.choices else "COLUMN" if rule.column else None
    return click.option(flag, name, type=kind, metavar=metavar, default=None, help=text)


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for every field of the experiment that a parameter file may set."""
    return experiment_options_but()(command)


def experiment_options_but(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every such field but those that it searches itself."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for name, rule in reversed(SETTINGS.items()):
            if rule.in_file and name not in without:
                command = option_of(name, rule)(command)
        return command

    return decorate


def settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were typed, `none` in its own type."""
    settings = {name: value for name, value in options.items() if value is not None}
    return settings | {name: None for name, value in settings.items() if value == "none" and SETTINGS[name].optional}


def complete_backbone(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of backbones for the shell."""
    del ctx, param
    from retina.models.backbones import catalogue

    return [name for name in catalogue.every() if name.startswith(incomplete)]


seed_option = click.option("--seed", type=int, default=0, help="random seed")
params_option = click.option("--params", default="p1", help="parameter set: p1, p2, p3, or a TOML file")
loss_option = click.option("--loss", default="ce", help="ce (cross-entropy) or focal")
data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="data folder [default: RETINA_DATA, else the built-in set]"
)
skip_bad_option = click.option(
    "--skip-bad", is_flag=True, help="leave out images that are missing, damaged or in two splits; record which"
)
results_option = click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=RESULTS, help="folder of all results"
)
json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object")
track_option = click.option(
    "--track",
    type=click.Choice(("tensorboard", "mlflow")),
    help="show every epoch there too: RESULTS/tensorboard, or MLFLOW_TRACKING_URI, else RESULTS/mlflow.db",
)
quiet_option = click.option("--quiet", is_flag=True, help="no progress and no announcements")


def experiment_command(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command what every command takes that trains one backbone: BACKBONE, its settings, data and results.

    Args:
        *without: Settings that the command searches itself.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        shared = (data_option, experiment_options_but(*without), results_option, skip_bad_option)
        for option in reversed((params_option, loss_option, seed_option, *shared, quiet_option, json_option)):
            command = option(command)
        return click.argument("backbone", shell_complete=complete_backbone)(command)

    return decorate
