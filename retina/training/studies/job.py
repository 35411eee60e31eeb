"""A run of a study as it is sent to another process or machine, which plans it again and must get the same plan."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

from retina.data import dataset
from retina.errors import RunError
from retina.experiments.experiment import Experiment
from retina.experiments.place import Place
from retina.machine import provenance
from retina.runs import folder as runs
from retina.training.plan import Overrides, Plan, Planner
from retina.training.studies import outcome
from retina.training.studies.outcome import Outcome


@dataclass(frozen=True)
class Job:
    """A run to be trained elsewhere, and what its plan must be there. Everything in it can be pickled.

    Args:
        experiment: With its precision resolved.
        overrides: See `retina.experiments.parameters.Choice`.
        place: With absolute folders; its data folder is `None` for the built-in set, which every machine draws for
            itself.
        name: The name of the run.
        digest: The SHA-256 of experiment, data and starting weights.
        fingerprint: The fingerprint of the data.
        code: See `retina.machine.provenance.code`.
        home: The working folder in which the study was typed.
        track: A tracker to show it in, see `retina.training.tracking.follow`.
    """

    experiment: Experiment
    overrides: Overrides
    place: Place
    name: str
    digest: str
    fingerprint: str
    code: dict[str, str]
    home: Path
    track: str | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose versions `code` has: those of every run, and those that its backbone needs."""
        return tuple(name for name in self.code if name != "source")

    @property
    def folder(self) -> Path:
        """The run folder."""
        return runs.runs_folder(self.place.results) / self.name

    @property
    def kind(self) -> tuple[object, ...]:
        """The same for jobs that need the same data and starting weights."""
        item = self.experiment
        return item.backbone, item.weights, item.target, item.image_size, item.crop_disc, self.fingerprint

    def at(self, results: Path) -> "Job":
        """The same job with another results folder."""
        return dataclasses.replace(self, place=dataclasses.replace(self.place, results=results))


def job_of(plan: Plan, *, track: str | None = None) -> Job:
    """A planned run as a job."""
    place = plan.place
    return Job(
        experiment=plan.experiment,
        overrides=plan.overrides,
        place=dataclasses.replace(
            place,
            results=place.results.absolute(),
            data=None if dataset.named(place.data) is None else plan.data.folder.absolute(),
            quiet=True,
        ),
        name=plan.name,
        digest=plan.digest,
        fingerprint=plan.data.fingerprint,
        code=provenance.code(plan.backbone.facts.packages),
        home=Path.cwd(),
        track=track,
    )


def perform(job: Job, *, patience: float = 0.0) -> Outcome:
    """Train a job, reuse its finished run, or resume an interrupted one; report the outcome, an error included.

    Args:
        job: The job.
        patience: Seconds to wait for another process that holds the run, and may be dead.

    Raises:
        KeyboardInterrupt: it was interrupted; the record says so.
    """
    return outcome.attempt(job.name, lambda: outcome.train(plan_of(job), track=job.track, patience=patience))


def plan_of(job: Job) -> Plan:
    """The plan of a job on this machine.

    Raises:
        RetinaError: see `retina.training.plan.Planner.plan`; or it differs from that of the study.
    """
    plan = _planner(job.place).plan(job.experiment, job.overrides)
    require_same(job, plan)
    return plan


@functools.cache
def _planner(place: Place) -> Planner:
    """One planner for all jobs of this process, so that data are read once."""
    return Planner(place)


def require_same(job: Job, plan: Plan) -> None:
    """Refuse to train on other data, or from other weights, than the study was planned for.

    Raises:
        RunError: the fingerprint of the data or the digest of the run differs here.
    """
    for problem, expected, actual in (
        ("the data differ between machines", job.fingerprint, plan.data.fingerprint),
        ("the starting weights differ between machines", job.digest, plan.digest),
    ):
        if expected != actual:
            raise RunError(
                f"{problem}: nothing was trained",
                expected=expected,
                found=f"{actual} on {provenance.host()}",
                where=plan.data.folder,
                advice="copy the same files to every machine",
            )
