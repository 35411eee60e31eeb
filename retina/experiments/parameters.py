"""Parameter sets: the TOML files that experiments are made of, and the options that override them.

The keys of a file are the fields of `Experiment` that `Setting.in_file` admits. Its table `[pretrained]` holds the
values that replace these where training starts from pretrained weights, which large first steps destroy. An unknown
key, a wrong type or a value out of range is an error that names the key, the file and what is allowed.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from retina.errors import ExperimentError, unknown
from retina.experiments import recipes
from retina.experiments.experiment import SETTINGS, Experiment
from retina.experiments.settings import DEPENDS_ON, check
from retina.machine import files

PRETRAINED = "pretrained"
REQUIRED = ("batch_size", "learning_rate", "epochs")


@dataclass(frozen=True)
class ParameterSet:
    """A parameter file.

    Args:
        path: The file.
        values: Its keys, each with a value of the right type and range.
        pretrained: Those of its table `[pretrained]`.
    """

    path: Path
    values: dict[str, Any]
    pretrained: dict[str, Any]

    def values_for(self, weights: object) -> dict[str, Any]:
        """Its values where training starts from these weights.

        Args:
            weights: As `Experiment.weights`; `None` where no option names them, and the file decides.
        """
        starts_from = self.values.get("weights", Experiment.weights) if weights is None else weights
        return self.values if starts_from == "random" else self.values | self.pretrained


def read(path: Path) -> ParameterSet:
    """Read a parameter file.

    Raises:
        ExperimentError: the file cannot be read, is not TOML, or has an unknown key or a value of the wrong type or
            out of range.
    """
    try:
        values = tomllib.loads(files.read_bounded(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ExperimentError(
            "parameter file cannot be read", found=error, where=path, advice="fix the file"
        ) from error
    pretrained = values.pop(PRETRAINED, {})
    if not isinstance(pretrained, dict):
        raise ExperimentError(f"{PRETRAINED} must be a table", found=repr(pretrained), where=path)
    allowed = [name for name, rule in SETTINGS.items() if rule.in_file]
    # The weights decide whether the table holds, so it cannot name them.
    inside = [name for name in allowed if name != "weights"]
    for name, table, keys in (("key", values, allowed), (f"key of [{PRETRAINED}]", pretrained, inside)):
        for key in table:
            if key not in keys:
                raise unknown(name, key, keys, where=path)
        check(SETTINGS, table, where=path)
    return ParameterSet(path, values, pretrained)


class Choice(NamedTuple):
    """An experiment as it was chosen.

    Args:
        experiment: What is trained.
        overrides: What replaced values of its parameter set: key -> `{"file": value or None, "option": value}`.
        fallback: Gives what is trained in its place where ImageNet's weights cannot be had and random ones take theirs;
            `None` where that is the same.
    """

    experiment: Experiment
    overrides: dict[str, dict[str, Any]]
    fallback: Callable[[], "Choice"] | None = None


def load(backbone: str, params: str | Path = "p1", **options: object) -> Choice:
    """Make an experiment from a parameter set and the options that override it.

    Args:
        backbone: Name of the backbone.
        params: Name of a parameter set, or a path to a TOML file.
        **options: Fields of `Experiment`; each overrides the key of the parameter set.

    Raises:
        ExperimentError: see `read`; or an option is unknown, has a wrong value, or has no effect in this experiment.
    """
    parameter_set = read(recipes.params_path(params))
    for key in options:
        if key not in SETTINGS:
            raise unknown("option", key, SETTINGS)
    check(SETTINGS, options, where="the options")
    values = parameter_set.values_for(options.get("weights"))
    missing = [key for key in REQUIRED if key not in values | options]
    if missing:
        raise ExperimentError(
            "parameter set is incomplete", expected="a value for " + ", ".join(missing), where=parameter_set.path
        )
    choice = _choose(backbone, parameter_set.path.stem, values, options)
    _refuse_without_meaning(choice.experiment, options)
    if values == parameter_set.values:
        return choice
    # Made where it is needed: it may be refused where the choice is not.
    return choice._replace(fallback=partial(_choose, backbone, parameter_set.path.stem, parameter_set.values, options))


def _choose(backbone: str, name: str, values: dict[str, Any], options: dict[str, Any]) -> Choice:
    """The experiment of a parameter set's values and options."""
    overrides = {
        key: {"file": values.get(key), "option": value}
        for key, value in options.items()
        if SETTINGS[key].in_file and values.get(key) != value
    }
    return Choice(Experiment(**(values | options | {"backbone": backbone, "params": name})), overrides)


def _refuse_without_meaning(experiment: Experiment, options: dict[str, object]) -> None:
    """Refuse options that have no effect beside the other settings of the experiment."""
    for key in options:
        other, with_effect = DEPENDS_ON.get(key, (key, ()))
        if other != key and getattr(experiment, other) not in with_effect:
            raise ExperimentError(
                f"{key} has no meaning with {other} {getattr(experiment, other)}",
                advice=f"add --{other.replace('_', '-')} {with_effect[0]}",
            )
