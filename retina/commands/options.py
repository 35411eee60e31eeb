"""Options that commands share, and those that an experiment's settings declare."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from retina.experiment import SETTINGS
from retina.settings import Setting

RESULTS = Path("results")


class NumberOrNone(click.ParamType):
    """A number, or the word `none`."""

    name = "float|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:  # noqa: ANN401
        """Keep the word: `None` already says that the option was not given."""
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
    return click.option(flag, name, type=kind, metavar=None if not rule.choices else "NAME", default=None, help=text)


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for every field of the experiment that a parameter file may set."""
    for name, rule in reversed(SETTINGS.items()):
        if rule.in_file:
            command = option_of(name, rule)(command)
    return command


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
