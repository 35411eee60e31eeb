"""A study: a TOML file that names many runs, one by one or as grids, and the settings that they share.

    seeds = [0, 1, 2]                     # every run that names no seed of its own, once for each of these
    [settings]                            # settings of every run, as in a parameter file
    image_size = 96
    [[runs]]
    backbone = ["resnet18", "resnet50"]   # lists make a grid
    params = ["p1", "p2"]
    loss = "focal"
    dropout = 0.3                         # any other setting, for these runs alone; a list of values makes a grid too

The settings are those of a parameter file, and override it. One that nothing reads in a run, such as a layer decay
where the head alone is trained, is left out of that run, and must have an effect in another one.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from retina.errors import ExperimentError, shown, unknown
from retina.experiments import parameters, recipes
from retina.experiments.experiment import SETTINGS, Experiment
from retina.experiments.parameters import Choice
from retina.experiments.settings import DEPENDS_ON

KEYS = ("seeds", "settings", "runs")
GRID = {"backbone": (), "params": ("p1",), "loss": ("ce",), "seed": ()}
"""Keys of which a run has one in any case -> their default values; the default of `seed` is the study's seeds, and a
backbone must be named. A grid begins with them, in this order; other keys that hold lists follow."""
MOST_RUNS = 1000

Table = dict[str, Any]
"""A table of TOML."""


def read(path: Path, **options: object) -> tuple[Choice, ...]:
    """Read a study file: its runs in the order in which they are trained, those of the first seed first.

    Args:
        path: A TOML file.
        **options: Settings of every run, which override those of the file, see `overridden`.

    Raises:
        ExperimentError: the file cannot be read, has an unknown key or a value of the wrong type or out of range, or
            names no run, the same run twice, or more than `MOST_RUNS`.
    """
    content = recipes.read(path, "the study cannot be read")
    for key in content:
        if key not in KEYS:
            raise unknown("key", key, KEYS, where=path)
    common = check_table(content.get("settings", {}), "settings", [name for name in SETTINGS if name not in GRID], path)
    seeds = content.get("seeds", [0])
    if not isinstance(seeds, list) or not seeds:
        raise ExperimentError("seeds are wrong", expected="a list such as [0, 1, 2]", found=shown(seeds), where=path)
    tables = content.get("runs")
    if not isinstance(tables, list) or not tables:
        raise ExperimentError("the study names no run", expected="one or more tables [[runs]]", where=path)
    tables = [check_table(table, f"run {number}", SETTINGS, path) for number, table in enumerate(tables, 1)]
    for number, table in enumerate(tables, 1):
        if not table.get("backbone"):
            raise ExperimentError(f"run {number} names no backbone", expected='backbone = "resnet18"', where=path)
    tables = [overridden(table, options) for table in tables]
    runs = load_runs(((number, common | options | run) for number, run in expand(tables, seeds)), path)
    for number, table in enumerate(tables, 1):
        require_effect(table, [run for run in runs if run.table == number], f"run {number} of {path}", options)
    require_effect(common, runs, path, options)
    require_effect(options, runs, "the options", options)
    return tuple(run.choice for run in runs)


def overridden(table: Table, options: Table) -> Table:
    """A table of the file with a command's options in the place of its values.

    Random weights stay: `weights` as an option says where pretrained ones come from, and the run without pretraining is
    what a study of pretraining compares with.
    """
    values = table | {name: value for name, value in options.items() if name in table}
    if values.get("weights") != table.get("weights"):
        asked = table["weights"] if isinstance(table["weights"], list) else [table["weights"]]
        words = ["random" if word == "random" else options["weights"] for word in asked]
        values["weights"] = [word for place, word in enumerate(words) if word not in words[:place]]
    return values


def check_table(table: object, name: str, allowed: Iterable[str], path: Path) -> Table:
    """Return a table of the file once all its keys are allowed.

    Args:
        table: What the file holds.
        name: What errors call it.
        allowed: The keys that it may have.
        path: The file.

    Raises:
        ExperimentError: it is not a table, has another key, or an empty list, which would drop its runs silently.
    """
    if not isinstance(table, dict):
        raise ExperimentError(f"{name} must be a table", found=shown(table), where=path)
    for key in table:
        if key not in allowed:
            raise unknown(f"key of {name}", key, allowed, where=path)
        if table[key] == []:
            raise ExperimentError(
                f"{key} of {name} is an empty list", advice="give it a value or remove it", where=path
            )
    return table


def expand(tables: list[Table], seeds: list[object]) -> Iterator[tuple[int, Table]]:
    """Expand tables with lists into the settings of single runs: all tables for the first seed, then for the next.

    A table that names seeds of its own is expanded once, with the first seed's round.

    Yields:
        The number of the table, from 1, and the settings of one run.
    """
    for round_number, seed in enumerate(seeds):
        for number, table in enumerate(tables, 1):
            if "seed" in table and round_number:
                continue
            grid = {name: table.get(name, [*default] or seed) for name, default in GRID.items()} | table
            lists = [value if isinstance(value, list) else [value] for value in grid.values()]
            for values in itertools.product(*lists):
                yield number, dict(zip(grid, values, strict=True))


class StudyRun(NamedTuple):
    """A run of a study: the number of its table, from 1; what is trained; and the settings left out of it."""

    table: int
    choice: Choice
    left_out: list[str]


def require_effect(settings: Iterable[str], runs: Sequence[StudyRun], where: object, options: Table) -> None:
    """Check that each setting has an effect in one run at least.

    Args:
        settings: Their names.
        runs: The runs that they are for.
        where: Where they stand.
        options: The command's, which may be why there is none.

    Raises:
        ExperimentError: the first that has none.
    """
    for name in settings:
        if all(name in run.left_out for run in runs):
            other, with_effect = DEPENDS_ON[name]
            raise ExperimentError(
                f"{name} has no effect in any of the runs that it is for",
                expected=f"a run with {other} {' or '.join(map(str, with_effect))}",
                where=where,
                advice=f"leave out --{other.replace('_', '-')}"
                if other in options
                else f"leave out --{name.replace('_', '-')}"
                if name in options
                else f"remove {name}, or add such a run",
            )


def load_runs(runs: Iterable[tuple[int, Table]], path: Path) -> list[StudyRun]:
    """Make the study's runs, none of them twice.

    Args:
        runs: The number of each run's table, and its settings, see `expand`.
        path: The file of the study.

    Raises:
        ExperimentError: see `read`.
    """
    made: list[StudyRun] = []
    numbers: dict[Experiment, int] = {}
    for place, (number, settings) in enumerate(runs):
        if place == MOST_RUNS:  # a grid can name millions
            raise ExperimentError("the study is too large", expected=f"at most {MOST_RUNS} runs", where=path)
        choice, left_out = load(settings, f"run {number} of {path}")
        if numbers.get(choice.experiment) == number and left_out:
            continue  # of a grid, whose runs differ in what is left out
        if choice.experiment in numbers:
            raise ExperimentError(
                "the study names a run twice",
                found=f"{settings['backbone']}, {settings['params']}, {settings['loss']}, seed {settings['seed']}",
                where=f"runs {numbers[choice.experiment]} and {number} of {path}",
                advice="remove one of the two, or leave out the option that makes them alike",
            )
        numbers[choice.experiment] = number
        made.append(StudyRun(number, choice, left_out))
    return made


def load(settings: Table, where: str) -> tuple[Choice, list[str]]:
    """Make one run of those of its settings that have an effect.

    Args:
        settings: All its settings.
        where: The run in words, for errors.

    Returns:
        The run, and the settings that have none.

    Raises:
        ExperimentError: a setting is wrong; the error names the run.
    """
    backbone, params = settings["backbone"], settings["params"]
    options = {name: value for name, value in settings.items() if name not in ("backbone", "params")}
    for name, value in (("backbone", backbone), ("params", params)):
        if not isinstance(value, str):
            raise ExperimentError(f"{name} must be text", found=shown(value), where=where)
    try:
        basis = parameters.gather(backbone, params, **options)
        left_out = basis.without_effect()
        kept = {name: value for name, value in options.items() if name not in left_out}
        return replace(basis, options=kept).choice(), left_out
    except ExperimentError as error:
        raise ExperimentError(
            error.problem,
            expected=error.expected,
            found=error.found,
            where=f"{where}: {error.where}" if error.where else where,
            advice=error.advice,
        ) from error
