"""Many runs that a study names: planned, trained here or on a cluster, and compared."""

import itertools
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina.experiments import recipes
from retina.experiments import study as recipe
from retina.experiments.place import HERE, Place
from retina.machine import extras
from retina.machine.progress import Say, silent
from retina.reporting.terminal.remarks import of_settings
from retina.training.plan import Plan
from retina.training.studies import agenda, cluster, connection, engines
from retina.training.studies.agenda import Step
from retina.training.studies.engines import Engine
from retina.training.studies.outcome import Outcome
from retina.training.studies.pace import Pace
from retina.training.studies.view import StudyView
from retina.workflows import announcements
from retina.workflows.compare import ComparisonResult, compare


@dataclass(frozen=True)
class Local:
    """This machine alone trains.

    Args:
        jobs: Runs at a time, one a GPU.
    """

    jobs: int = 1


THIS_MACHINE = Local()


@dataclass(frozen=True)
class Ray:
    """A Ray cluster trains.

    Args:
        address: Its address, `auto` for one that runs on this machine; `None` starts one of this machine alone.
        cpus: CPUs of one run; `None` takes those of the smallest node.
        gpus: GPUs of one run; `None` takes one where every node has one.
    """

    address: str | None = None
    cpus: int | None = None
    gpus: int | None = None


@dataclass(frozen=True)
class StudyResult:
    """A study that is over.

    Args:
        outcomes: How each run ended, in the order of the file.
        comparison: Its finished runs compared; `None` where there are none.
    """

    outcomes: list[Outcome]
    comparison: ComparisonResult | None

    @property
    def damaged(self) -> list[str]:
        """One line for each run that has no results, or whose results are damaged."""
        missing = [f"{item.name} {item.status} | Found: {item.error}" for item in self.outcomes if not item.finished]
        return [*missing, *(self.comparison.comparison.damaged if self.comparison else ())]


def plan_study(
    name: str,
    *,
    place: Place = HERE,
    engine: Local | Ray = THIS_MACHINE,
    track: str | None = None,
    say: Say = silent,
    **settings: object,
) -> list[Step]:
    """Plan every run that a study names, with how far each is and how long the rest takes; nothing is trained.

    Args:
        name: A TOML file, see `retina.experiments.study`, or the name of one in `experiments/studies`.
        place: Where the runs take place.
        engine: Who will train.
        track: A tracker to show every run in, `tensorboard` or `mlflow`.
        say: Called with each announcement.
        **settings: Fields of `retina.experiments.experiment.Experiment`; they replace those of the study in all runs,
            but random weights that a table of runs names.

    Raises:
        RetinaError: a setting of a run is wrong, its data or weights are not available, or what the engine or
            the tracker needs is not there.
    """
    _require_means(engine, track)
    return _announced_steps(recipes.study_path(name), place, Pace(place.results), say, settings)


def study(
    name: str,
    *,
    place: Place = HERE,
    engine: Local | Ray = THIS_MACHINE,
    out: Path | None = None,
    language: str = "en",
    track: str | None = None,
    say: Say = silent,
    **settings: object,
) -> StudyResult:
    """Train every run that a study names, then compare them.

    Finished runs are reused, interrupted ones resume, failed ones are tried once more; no run ends the others.

    Args:
        name: See `plan_study`.
        place: See `plan_study`.
        engine: See `plan_study`.
        out: The folder of the comparison; `None` takes `studies/<name of the file>` in the results folder.
        language: The language of its report, one of `retina.reporting.language.LANGUAGES`.
        track: See `plan_study`.
        say: See `plan_study`.
        **settings: See `plan_study`.

    Raises:
        KeyboardInterrupt: it was interrupted; the same call resumes it.
        RetinaError: see `plan_study`; or the engine cannot train.
    """
    _require_means(engine, track)
    file, pace = recipes.study_path(name), Pace(place.results)
    steps = _announced_steps(file, place, pace, say, settings)
    view = StudyView(steps, pace, quiet=place.quiet)
    with _engine(engine, place, track) as trainer, view.show(parallel_runs=trainer.parallel_runs):
        outcomes = engines.run([step.plan for step in steps], trainer, view.report)
    names = [item.name for item in outcomes if item.finished]
    if not names:
        return StudyResult(outcomes, None)
    folder = place.results / "studies" / file.stem if out is None else out
    comparison = compare(names, results=place.results, out=folder, language=language, quiet=place.quiet)
    return StudyResult(outcomes, comparison)


def _require_means(engine: Local | Ray, track: str | None) -> None:
    """See, before anything is planned, that what engine and tracker need is there: packages and GPUs."""
    if track:
        extras.require(track, extra=track, purpose=f"--track {track}")
    if isinstance(engine, Ray):
        connection.import_ray(engine.address)
    elif engine.jobs > 1:
        engines.require_devices(engine.jobs)


def _announced_steps(file: Path, place: Place, pace: Pace, say: Say, settings: dict[str, Any]) -> list[Step]:
    """The steps of a study, announced."""
    steps = agenda.agenda(agenda.plans(recipe.read(file, **settings), place), pace)
    finished, resumed = sum(step.finished for step in steps), sum(step.epochs_reached > 0 for step in steps)
    say(f"{file.name}: {len(steps)} runs, {finished} finished before, {resumed} to resume.")
    for line in _remarks([step.plan for step in steps]):
        say(line)
    say(agenda.total(steps, pace).sentence)
    return steps


def _remarks(plans: list[Plan]) -> Iterable[str]:
    """What must be said of the data, the starting weights and the settings, each line once."""
    for plan in {(plan.target, plan.data.fingerprint): plan for plan in plans}.values():
        yield from announcements.of_data(plan.record())
    lines = (line for plan in plans for line in (plan.start.notice, plan.data.notice, *plan.data.warnings))
    yield from (line.rstrip(".") + "." for line in dict.fromkeys(filter(None, lines)))
    lines = (of_settings(plan.experiment, len(plan.data.splits["train"].labels)) for plan in plans)
    yield from dict.fromkeys(itertools.chain.from_iterable(lines))


def _engine(engine: Local | Ray, place: Place, track: str | None) -> AbstractContextManager[Engine]:
    """The engine, ready to train while the block lasts."""
    if isinstance(engine, Ray):
        return cluster.engine(engine.address, cpus=engine.cpus, gpus=engine.gpus, results=place.results, track=track)
    return nullcontext(engines.here(track=track) if engine.jobs == 1 else engines.on_devices(engine.jobs, track=track))
