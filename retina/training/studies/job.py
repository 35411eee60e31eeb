"""One run of a study as it is handed to whoever trains it: another process, or another machine."""

import dataclasses
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from retina.data import dataset
from retina.errors import DivergedError, HeldError, RetinaError, RunError
from retina.experiments.experiment import Experiment
from retina.experiments.study import Member
from retina.machine import provenance
from retina.models.backbones import catalogue
from retina.runs import folder as runs
from retina.runs.record import FINISHED
from retina.training import execution
from retina.training import plan as planning
from retina.training.plan import Plan
from retina.training.shelf import Shelf
from retina.training.tracking import follow

LOG = logging.getLogger(__name__)
FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError),
    *(ImportError, MemoryError, OSError, RuntimeError),
)
"""What Python, Keras and torch raise of faults in a program, and of failures of memory, disk and device."""
POLL = 1.0
"""Seconds between two looks at a run that another process holds."""


@dataclass(frozen=True)
class Job:
    """A run to be trained, and what it must come to wherever that is done. Everything in it can be pickled.

    Args:
        experiment: With its precision resolved.
        overrides: See `retina.experiments.experiment.load`.
        data: The data folder; `None` for the built-in set, which every machine draws for itself.
        results: The results folder.
        skip_bad: See `retina.data.dataset.load`.
        name: The name of the run.
        digest: The SHA-256 of experiment, data and starting weights.
        fingerprint: The fingerprint of the data.
        code: See `retina.machine.provenance.code`.
        home: The working folder in which the study was typed.
        track: A tracker to show it in, see `retina.training.tracking.follow`.
    """

    experiment: Experiment
    overrides: dict[str, dict[str, Any]]
    data: Path | None
    results: Path
    skip_bad: bool
    name: str
    digest: str
    fingerprint: str
    code: dict[str, str]
    home: Path
    track: str | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that its backbone needs beside those of every run."""
        return catalogue.facts_of(self.experiment.backbone).packages


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Args:
        name: The name of the run.
        status: That of its record, `failed` where there is none.
        reused: It was finished before.
        error: What went wrong, on one line.
        seconds: From its beginning to its end, preparation included.
        attempts: How often it was tried.
    """

    name: str
    status: str
    reused: bool = False
    error: str | None = None
    seconds: float = 0.0
    attempts: int = 1

    @property
    def finished(self) -> bool:
        """Whether the run has results."""
        return self.status in FINISHED

    def after(self, before: "Outcome") -> "Outcome":
        """This outcome as that of a second try."""
        seconds = before.seconds + self.seconds
        return dataclasses.replace(self, attempts=before.attempts + self.attempts, seconds=seconds)


def prepare(
    members: Sequence[Member],
    *,
    data: Path | None,
    results: Path,
    skip_bad: bool,
    shelf: Shelf,
    quiet: bool = False,
) -> list[Plan]:
    """Plan every run of a study, so that what is wrong with any of them is told before the first is trained.

    Raises:
        RetinaError: see `retina.training.plan.plan`; or two members come to the same run.
    """
    plans: dict[str, Plan] = {}
    for member in members:
        item = planning.plan(
            member.experiment,
            member.overrides,
            data=data,
            results=results,
            skip_bad=skip_bad,
            quiet=quiet,
            shelf=shelf,
        )
        if item.digest in plans:
            raise RunError("two runs of the study come to the same", found=item.name, advice="drop one of the two")
        plans[item.digest] = item
    return list(plans.values())


def job_of(item: Plan, *, data: Path | None, results: Path, skip_bad: bool, track: str | None = None) -> Job:
    """A planned run as a job; `data`, `results` and `skip_bad` are those that it was planned with."""
    return Job(
        experiment=item.experiment,
        overrides=item.overrides,
        data=None if data is None and not os.environ.get(dataset.DATA_VARIABLE) else item.data.folder.absolute(),
        results=results.absolute(),
        skip_bad=skip_bad,
        name=item.name,
        digest=item.digest,
        fingerprint=item.data.fingerprint,
        code=provenance.code(catalogue.facts_of(item.experiment.backbone).packages),
        home=Path.cwd(),
        track=track,
    )


def perform(job: Job, shelf: Shelf, *, patience: float = 0.0) -> Outcome:
    """Train a job, reuse its finished run, or go on with an interrupted one; whatever happens, say what became of it.

    Args:
        job: The job.
        shelf: What earlier jobs in this process have found out.
        patience: Seconds to wait for another process that holds the run, and may be dead.

    Raises:
        KeyboardInterrupt: it was interrupted; the record says so.
    """
    began = time.monotonic()
    status, reused, error = "failed", False, None
    try:
        item = planned(job, shelf)
        require_same(job, item)
        with follow.tracked(job.track, item, job.results) as watchers:
            run, reused = wait_and_execute(item, job.results, watchers, deadline=began + patience)
        status = run.record().status
    except DivergedError as problem:
        status, error = "diverged", str(problem)
    except RetinaError as problem:
        error = str(problem)
    except FAULTS as problem:  # one run that fails must not end the others
        LOG.exception("%s failed by a fault of the program", job.name)
        error = f"{type(problem).__name__}: {problem}"
    return Outcome(job.name, status, reused=reused, error=error, seconds=time.monotonic() - began)


def planned(job: Job, shelf: Shelf) -> Plan:
    """The plan of a job on this machine.

    Raises:
        RetinaError: see `retina.training.plan.plan`.
    """
    return planning.plan(
        job.experiment,
        job.overrides,
        data=job.data,
        results=job.results,
        skip_bad=job.skip_bad,
        quiet=True,
        shelf=shelf,
    )


def kind(job: Job) -> tuple[object, ...]:
    """What jobs share that need the same data and starting weights."""
    item = job.experiment
    return item.backbone, item.weights, item.image_size, item.crop_disc, job.fingerprint


def folder(job: Job) -> Path:
    """The run folder of a job."""
    return runs.runs_folder(job.results) / job.name


def is_finished(job: Job) -> bool:
    """Whether the run of a job has its results."""
    run = runs.Run(folder(job))
    try:
        return execution.is_finished(run) and run.record().digest == job.digest
    except RunError:  # it is told where the run is trained
        return False


def wait_and_execute(
    item: Plan, results: Path, watchers: Sequence[keras.callbacks.Callback], *, deadline: float
) -> tuple[runs.Run, bool]:
    """As `retina.training.execution.execute`, once whoever holds the run has let it go or is known to be dead.

    Raises:
        HeldError: it is still held at the deadline, by `time.monotonic`.
    """
    while True:
        try:
            return execution.execute(item, results=results, quiet=True, watchers=watchers)
        except HeldError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL)


def require_same(job: Job, item: Plan) -> None:
    """Refuse to train on other data, or from other weights, than the study was planned for.

    Raises:
        RunError: the fingerprint of the data or the digest of the run differs here.
    """
    for what, expected, found in (
        ("the data differ between machines", job.fingerprint, item.data.fingerprint),
        ("the starting weights differ between machines", job.digest, item.digest),
    ):
        if expected != found:
            raise RunError(
                f"{what}: nothing was trained",
                expected=expected,
                found=f"{found} on {provenance.host()}",
                where=item.data.folder,
                advice="give every machine the same files",
            )
