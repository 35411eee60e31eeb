"""A learning-rate range test, and whether a grid of ordinary runs agrees with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina.analysis.comparing import rate_grid
from retina.analysis.comparing.rate_grid import Grid
from retina.errors import DivergedError, ExperimentError
from retina.experiments import parameters
from retina.experiments.experiment import SETTINGS
from retina.experiments.place import HERE, Place
from retina.experiments.search_space import Range
from retina.machine import files, sealed
from retina.machine.progress import Say, silent
from retina.reporting import range_tests
from retina.reporting.figures.rates import Line
from retina.reporting.terminal.rate_grid import CAVEAT
from retina.training import execution
from retina.training.plan import Plan, Planner
from retina.training.searches import lr_range
from retina.workflows import announcements

GRID = (1e-4, 3e-4, 1e-3)
CHECK = "check.json"


@dataclass(frozen=True)
class RangeTestResult:
    """A range test.

    Args:
        record: Its record, as it is written: plain JSON values.
        folder: Where it is written.
        reused: It was made before.
        grid: The runs of the grid, compared on validation; `None` where they were not asked for.
    """

    record: dict[str, Any]
    folder: Path
    reused: bool
    grid: Grid | None = None

    @property
    def suggestion(self) -> float | None:
        """The learning rate to begin with; `None` where no seed suggests one."""
        return self.record["suggestion"]

    @property
    def check(self) -> dict[str, Any] | None:
        """The grid beside the suggestion, as it is written: plain JSON values."""
        return None if self.grid is None else self.grid.to_dict() | {"caveat": CAVEAT, "range_test": self.suggestion}


def lr_find(
    backbone: str,
    params: str = "p1",
    *,
    seeds: int = Range.seeds,
    low: float = Range.low,
    high: float = Range.high,
    steps: int = Range.steps,
    check: bool = False,
    force: bool = False,
    place: Place = HERE,
    say: Say = silent,
    **settings: object,
) -> RangeTestResult:
    """Train while the learning rate grows, with several seeds, and find where the loss is lowest.

    A test that was made before is reused.

    Args:
        backbone: Name of the backbone.
        params: Name of a parameter set, or a path to a TOML file.
        seeds: How many networks, with seeds from the experiment's own on.
        low: The first learning rate.
        high: The last one.
        steps: Training steps between them at most.
        check: Train the grid 1e-4, 3e-4, 1e-3 as ordinary runs too, compare them on validation, and write that into
            `check.json` beside the test.
        force: Test again, and replace an earlier test.
        place: Where the test takes place.
        say: Called with each announcement.
        **settings: Fields of `retina.experiments.experiment.Experiment`, but for the learning rate.

    Raises:
        KeyboardInterrupt: it was interrupted.
        RetinaError: a setting is wrong, the data or weights are not available, or an earlier test is damaged.
    """
    span = Range(low, high, steps, seeds)
    planner = Planner(place)
    plan = planner.plan(*parameters.load(backbone, params, **settings))
    last = plan.experiment.seed + seeds - 1
    if not SETTINGS["seed"].accepts(last):
        raise ExperimentError(
            f"{seeds} seeds from {plan.experiment.seed} on are too many",
            expected=f"a last seed of at most {SETTINGS['seed'].high}",
            found=last,
            advice="begin with a smaller --seed",
        )
    for line in announcements.of_run(plan.record(), settings=check):
        say(line)
    unread = [name for name in settings if name in lr_range.OF_A_SCHEDULE and name != "seed"]
    if unread and not check:
        say(f"A range test does not read {', '.join(unread)}: only the runs of --check do.")
    result = range_test(plan, span, force=force, check=check, say=say)
    if not check:
        return result
    plans = {
        rate: planner.plan(*parameters.load(backbone, params, **(settings | {"learning_rate": rate}))) for rate in GRID
    }
    return with_grid(result, plans, say=say)


def range_test(plan: Plan, span: Range, *, force: bool, check: bool, say: Say) -> RangeTestResult:
    """Make a range test, or read the one that was made before."""
    folder = lr_range.folder(plan, span)
    if ":" in folder.name:
        say(f"The range test is found under the name that an earlier version gave it: {folder}")
    if folder.exists() and not force:
        return RangeTestResult(range_tests.read(folder), folder, reused=True)
    has_check = (folder / CHECK).is_file()
    traces = lr_range.measure(plan, span)
    record = lr_range.record(plan, span, traces)
    lines = [Line(item.seed, item.rates, item.losses, item.smoothed, item.suggestion.rate) for item in traces]
    range_tests.write(folder, record, lines)
    if has_check and not check:
        say(f"{CHECK} of the earlier test is removed with it; --check compares the grid with the new test.")
    return RangeTestResult(record, folder, reused=False)


def with_grid(result: RangeTestResult, plans: dict[float, Plan], *, say: Say) -> RangeTestResult:
    """Train the grid as ordinary runs, compare them on validation, and write `check.json` beside the range test."""
    suggestion = "no rate" if result.suggestion is None else f"{result.suggestion:.2e}"
    say(f"The range test suggests {suggestion}: {result.folder}")
    for rate, plan in plans.items():
        say(f"Grid: {plan.name}, learning rate {rate:g}")
        if not (plan.run.record_path.is_file() and rate_grid.is_over(plan.run.record())):
            try:
                execution.execute(plan)
            except DivergedError as error:
                say(f"Learning rate {rate:g}: {error}")
    grid = rate_grid.compare({rate: plan.run for rate, plan in plans.items()})
    combined = RangeTestResult(result.record, result.folder, result.reused, grid)
    files.write_text(result.folder / CHECK, sealed.seal(combined.check))
    return combined
