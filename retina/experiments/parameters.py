"""Parameter sets: the TOML files that experiments are made of, and the options that override them.

The keys of a file are the fields of `Experiment` that `Setting.in_file` admits. Its table `[pretrained]` holds the
values that replace these where pretrained layers are trained, which large first steps destroy. An unknown key, a wrong
type or a value out of range is an error that names the key, the file and what is allowed.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from retina.errors import ExperimentError, shown, unknown
from retina.experiments import recipes
from retina.experiments.experiment import SETTINGS, Experiment
from retina.experiments.settings import DEPENDS_ON, check, effective

PRETRAINED = "pretrained"
DECISIVE = ("weights", "fine_tune")
"""Settings that decide whether the table `[pretrained]` holds, and so cannot be in it."""
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

    def trains_pretrained(self, options: dict[str, Any]) -> bool:
        """Whether pretrained layers are trained: neither random ones, nor a head alone."""
        values = {name: getattr(Experiment, name) for name in DECISIVE} | self.values | options
        return values["weights"] != "random" and values["fine_tune"] != "head"


def read(path: Path) -> ParameterSet:
    """Read a parameter file.

    Raises:
        ExperimentError: the file cannot be read, is not TOML, or has an unknown key or a value of the wrong type or
            out of range.
    """
    values = recipes.read(path, "parameter file cannot be read")
    pretrained = values.pop(PRETRAINED, {})
    if not isinstance(pretrained, dict):
        raise ExperimentError(f"{PRETRAINED} must be a table", found=shown(pretrained), where=path)
    allowed = [name for name, rule in SETTINGS.items() if rule.in_file]
    for key in (*values, *pretrained):
        if key in SETTINGS and key not in allowed:
            raise ExperimentError(
                f"{key} is no key of a parameter set", where=path, advice=f"remove it: the command line says the {key}"
            )
    for key in DECISIVE:
        if key in pretrained:
            raise ExperimentError(
                f"{key} cannot be in [{PRETRAINED}]",
                where=path,
                advice="put it above the table: it decides whether the table holds",
            )
    inside = [name for name in allowed if name not in DECISIVE]
    for name, table, keys in (("key", values, [*allowed, PRETRAINED]), (f"key of [{PRETRAINED}]", pretrained, inside)):
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
        fallback: What is trained in its place where ImageNet's weights cannot be had and random ones take theirs;
            `None` where that is the same. It is made where it is needed: it may be refused where the choice is not.
    """

    experiment: Experiment
    overrides: dict[str, dict[str, Any]]
    fallback: "Basis | None" = None


@dataclass(frozen=True)
class Basis:
    """What an experiment is made of.

    Args:
        backbone: Name of the backbone.
        params: Name of the parameter set.
        values: Its values.
        options: Fields of `Experiment`; each overrides a value.
        without_weights: The values that take their place where ImageNet's weights cannot be had; `None` where these are
            the same.
        strict: Whether an option without effect is an error.
    """

    backbone: str
    params: str
    values: dict[str, Any]
    options: dict[str, Any]
    without_weights: dict[str, Any] | None = None
    strict: bool = True

    def choice(self) -> Choice:
        """Make the experiment.

        Raises:
            ExperimentError: settings contradict each other; or, where `strict`, an option has no effect beside the
                others.
        """
        overrides = {
            key: {"file": self.values.get(key), "option": value}
            for key, value in self.options.items()
            if SETTINGS[key].in_file and self.values.get(key) != value
        }
        names = {"backbone": self.backbone, "params": self.params}
        experiment = Experiment(**(self.values | self.options | names))
        for key in self.without_effect() if self.strict else ():
            other, with_effect = DEPENDS_ON[key]
            raise ExperimentError(
                f"{key} has no meaning with {other} {getattr(experiment, other)}",
                advice=f"add --{other.replace('_', '-')} {with_effect[0]}",
            )
        fallback = None
        if self.without_weights is not None:
            fallback = replace(self, values=self.without_weights, without_weights=None)
        return Choice(experiment, overrides, fallback)

    @property
    def settings(self) -> dict[str, Any]:
        """The value of every setting; `None` of one that has neither a value nor a default."""
        return {name: getattr(Experiment, name, None) for name in SETTINGS} | self.values | self.options

    def trial(self, options: dict[str, Any]) -> "Basis":
        """The same with more options, any of which may have no effect."""
        return replace(self, options=self.options | options, strict=False)

    def without_effect(self) -> list[str]:
        """The options that nothing reads beside the others; never `deterministic`, which depends on itself."""
        values = self.settings
        return [
            key
            for key, (other, with_effect) in DEPENDS_ON.items()
            if key in self.options and other != key and values[other] not in with_effect
        ]


def changed(experiment: Experiment, options: dict[str, Any]) -> set[str]:
    """The settings in which a parameter set, as it is now, makes another experiment with the same options.

    Args:
        experiment: As it was recorded.
        options: What replaced values of its parameter set then.

    Returns:
        Settings with an effect in the experiment; none where the set or an option is not known any more.
    """
    try:
        now = load(experiment.backbone, experiment.params, **options).experiment.to_dict()
    except ExperimentError:
        return set()
    then = effective(experiment.to_dict())
    # What the machine decides is not the set's.
    names = [name for name in then if SETTINGS[name].in_file and name != "precision"]
    return {name for name in names if then[name] != now[name]}


def load(backbone: str, params: str | Path = "p1", **options: object) -> Choice:
    """Make an experiment from a parameter set and the options that override it.

    Args:
        backbone: Name of the backbone.
        params: Name of a parameter set, or a path to a TOML file.
        **options: Fields of `Experiment`; each overrides the key of the parameter set.

    Raises:
        ExperimentError: see `gather`; or an option has no effect in this experiment.
    """
    return gather(backbone, params, **options).choice()


def gather(backbone: str, params: str | Path, **options: object) -> Basis:
    """What an experiment is made of.

    Args:
        backbone: See `load`.
        params: See `load`.
        **options: See `load`; some may have no effect.

    Raises:
        ExperimentError: see `read`; or an option is unknown or has a wrong value.
    """
    parameter_set = read(recipes.params_path(params))
    for key in options:
        if key not in SETTINGS:
            raise unknown("option", key, SETTINGS)
    check(SETTINGS, options, where="the options")
    gentle = parameter_set.pretrained if parameter_set.trains_pretrained(options) else {}
    values = parameter_set.values | gentle
    # Values of the table would not do: where ImageNet's weights cannot be had, it does not hold.
    missing = [key for key in REQUIRED if key not in parameter_set.values | options]
    if missing:
        above = f" above [{PRETRAINED}]" if parameter_set.pretrained else ""
        raise ExperimentError(
            "parameter set is incomplete",
            expected=f"a value for {', '.join(missing)}{above}",
            where=parameter_set.path,
        )
    without_weights = None if values == parameter_set.values else parameter_set.values
    return Basis(backbone, parameter_set.path.stem, values, options, without_weights)
