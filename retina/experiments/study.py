"""A study: a TOML file that names many runs, one by one or as grids, and what they have in common.

    seeds = [0, 1, 2]                     # every run that names no seed of its own, once for each of these
    [settings]                            # settings of every run, as in a parameter file
    image_size = 96
    [[runs]]
    backbone = ["resnet18", "resnet50"]   # lists make a grid
    params = ["p1", "p2"]
    loss = "focal"
    dropout = 0.3                         # any other setting, for these runs alone

The settings are those of a parameter file, and override it.
"""

import itertools
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina.errors import ExperimentError, unknown
from retina.experiments import experiment
from retina.experiments.experiment import SETTINGS, Experiment
from retina.machine import files

KEYS = ("seeds", "settings", "runs")
GRID = {"backbone": (), "params": ("p1",), "loss": ("ce",), "seed": ()}
"""What may be a list in a table of runs, and what is taken where it is left out; a backbone must be named."""
MOST_RUNS = 1000

Table = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One run of a study.

    Args:
        experiment: What is trained.
        overrides: What replaced values of its parameter file, see `retina.experiments.experiment.load`.
    """

    experiment: Experiment
    overrides: dict[str, dict[str, Any]]


def read(path: Path, **options: object) -> tuple[Member, ...]:
    """Read a study file: its runs in the order in which they are trained, first every run of the first seed.

    Args:
        path: A TOML file.
        **options: Settings of every run, which override those of the file.

    Raises:
        ExperimentError: it cannot be read, names an unknown key, a value of the wrong type or out of range, no run, the
            same run twice, or more than `MOST_RUNS`.
    """
    try:
        said = tomllib.loads(files.read_bounded(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        found = error.strerror if isinstance(error, OSError) else error
        raise ExperimentError("the study cannot be read", found=found, where=path, advice="check the file") from error
    for key in said:
        if key not in KEYS:
            raise unknown("key", key, KEYS, where=path)
    common = checked(said.get("settings", {}), "settings", [name for name in SETTINGS if name not in GRID], path)
    seeds = said.get("seeds", [0])
    if not isinstance(seeds, list) or not seeds:
        raise ExperimentError("seeds are wrong", expected="a list such as [0, 1, 2]", found=repr(seeds), where=path)
    tables = said.get("runs")
    if not isinstance(tables, list) or not tables:
        raise ExperimentError("the study names no run", expected="one or more tables [[runs]]", where=path)
    tables = [checked(table, f"run {number}", SETTINGS, path) for number, table in enumerate(tables, 1)]
    for number, table in enumerate(tables, 1):
        if not table.get("backbone"):
            raise ExperimentError(f"run {number} names no backbone", expected='backbone = "resnet18"', where=path)
    return members(((number, common | choice | options) for number, choice in choices(tables, seeds)), path)


def checked(table: object, name: str, allowed: Iterable[str], path: Path) -> Table:
    """A table whose keys are all allowed.

    Raises:
        ExperimentError: it is no table, has another key, or a list without values, which would lose its runs unseen.
    """
    if not isinstance(table, dict):
        raise ExperimentError(f"{name} must be a table", found=repr(table), where=path)
    for key in table:
        if key not in allowed:
            raise unknown(f"key of {name}", key, allowed, where=path)
        if table[key] == []:
            raise ExperimentError(f"{key} of {name} is an empty list", advice="name a value, or drop it", where=path)
    return table


def choices(tables: list[Table], seeds: list[object]) -> Iterator[tuple[int, Table]]:
    """Every run that the tables name, with the table's number: a round of all tables for each seed.

    A table with seeds of its own has its part in the first round alone.
    """
    for round_number, seed in enumerate(seeds):
        for number, table in enumerate(tables, 1):
            if "seed" in table and round_number:
                continue
            grid = {name: table.get(name, [*usual] or seed) for name, usual in GRID.items()}
            lists = [value if isinstance(value, list) else [value] for value in grid.values()]
            rest = {name: value for name, value in table.items() if name not in GRID}
            for chosen in itertools.product(*lists):
                yield number, dict(zip(grid, chosen, strict=True)) | rest


def members(wanted: Iterable[tuple[int, Table]], path: Path) -> tuple[Member, ...]:
    """The runs, checked.

    Raises:
        ExperimentError: see `read`.
    """
    found: list[Member] = []
    known: dict[Experiment, int] = {}
    for number, settings in itertools.islice(wanted, MOST_RUNS + 1):
        member = load(settings, f"run {number} of {path}")
        if member.experiment in known:
            raise ExperimentError(
                "the study names a run twice",
                found=f"{settings['backbone']}, {settings['params']}, {settings['loss']}, seed {settings['seed']}",
                where=f"runs {known[member.experiment]} and {number} of {path}",
                advice="drop one of the two",
            )
        known[member.experiment] = number
        found.append(member)
    if len(found) > MOST_RUNS:
        raise ExperimentError("the study is too large", expected=f"at most {MOST_RUNS} runs", where=path)
    return tuple(found)


def load(settings: Table, where: str) -> Member:
    """One run.

    Raises:
        ExperimentError: a setting is wrong; it names the run.
    """
    backbone, params = settings["backbone"], settings["params"]
    options = {name: value for name, value in settings.items() if name not in ("backbone", "params")}
    for name, value in (("backbone", backbone), ("params", params)):
        if not isinstance(value, str):
            raise ExperimentError(f"{name} must be a text", found=repr(value), where=where)
    try:
        return Member(*experiment.load(backbone, params, **options))
    except ExperimentError as error:
        raise ExperimentError(
            error.problem,
            expected=error.expected,
            found=error.found,
            where=f"{where}: {error.where}" if error.where else where,
            advice=error.advice,
        ) from error
