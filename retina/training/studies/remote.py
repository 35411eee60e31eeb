"""What a machine of a cluster does: check its code and data, train a run, and send the folder where none is shared."""

import contextlib
import io
import shutil
import tarfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from retina.errors import RetinaError, RunError
from retina.machine import files, kept, provenance
from retina.runs import folder as runs
from retina.runs import lease
from retina.training.studies import job
from retina.training.studies.job import Job
from retina.training.studies.outcome import Outcome

# Longer than a dead holder still counts as alive, so that its run is taken over and not given up.
PATIENCE = lease.SILENCE + 3 * lease.BEAT
"""Seconds to wait for a run whose holder may be on a machine that has died."""


@dataclass(frozen=True)
class Answer:
    """What a machine sends back of a run.

    Args:
        outcome: What became of the run there.
        folder: The finished run folder as a tar archive; `None` where the results folder is shared, or nothing is
            finished.
    """

    outcome: Outcome
    folder: bytes | None = None


def check_machine(kinds: Sequence[Job], mark: str) -> RetinaError | None:
    """Check that this machine has the code, the data and the weights of a study.

    Args:
        kinds: A job for every data set and starting weights of the study.
        mark: See `perform`.

    Returns:
        What is wrong here, naming this machine; `None` where nothing is.
    """
    try:
        for item in kinds:
            refuse_other_code(item.code, provenance.code(item.packages), provenance.host())
            with working_in(item):
                job.plan_of(local_job(item, mark))
    except RetinaError as error:
        words = error.found if provenance.host() in str(error.found) else f"{error.found} on {provenance.host()}"
        return RetinaError(error.problem, expected=error.expected, found=words, where=error.where, advice=error.advice)
    return None


def refuse_other_code(expected: dict[str, str], actual: dict[str, str], host: str) -> None:
    """Refuse to train with other code than the study was planned with.

    Raises:
        RetinaError: it differs.
    """
    other = [name for name in expected if actual.get(name) != expected[name]]
    if other:
        raise RetinaError(
            "the code differs between machines: nothing was trained",
            expected=", ".join(f"{name} {expected[name][:12]}" for name in other),
            found=", ".join(f"{name} {str(actual.get(name))[:12]}" for name in other) + f" on {host}",
            advice="install the same version of retina and of its packages on every machine",
        )


def perform(item: Job, mark: str, threads: int) -> Answer:
    """Train a job on this machine; the body of a task.

    Args:
        item: The job.
        mark: Name of a file beside the runs of the study; where it is not there, this machine sees another disk.
        threads: Threads of the run, as many as CPUs were given to it.
    """
    try:
        refuse_other_code(item.code, provenance.code(item.packages), provenance.host())
    except RetinaError as error:
        return Answer(Outcome(item.name, "failed", error=str(error)))
    torch.set_num_threads(threads)  # an earlier task in this process may have had fewer
    own = local_job(item, mark)
    if own != item:
        sweep(runs.runs_folder(own.place.results))
    with working_in(item):
        outcome = job.perform(own, patience=PATIENCE)
    if outcome.error:
        outcome = replace(outcome, error=f"{outcome.error} | On: {provenance.host()}")
    return Answer(outcome, None if own == item or not outcome.finished else pack(own.folder))


def local_job(item: Job, mark: str) -> Job:
    """A job with the results folder that this machine can use: that of the study, or one in its own cache."""
    shared = (runs.runs_folder(item.place.results) / mark).is_file()
    return item if shared else item.at(kept.cache_folder() / "cluster")


def working_in(item: Job) -> AbstractContextManager[None]:
    """Work in the folder where the study was typed, so that relative paths mean the same; if there is no such, stay."""
    return contextlib.chdir(item.home) if item.home.is_dir() else contextlib.nullcontext()


def sweep(folder: Path) -> None:
    """Remove finished runs that were sent to their study a day ago or earlier."""
    for run in map(runs.Run, folder.glob("*")):
        with contextlib.suppress(RetinaError, OSError):
            old = time.time() - run.record_path.stat().st_mtime > kept.STALE
            if old and run.record().finished:
                shutil.rmtree(run.folder)


def pack(folder: Path) -> bytes:
    """A finished run folder as a tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in sorted(runs.FILES):
            archive.add(folder / name, arcname=name)
    return stream.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put a finished run folder into its place, whole or not at all; what an unfinished run left there is removed.

    Raises:
        RetinaError: the folder cannot be written, or a process on this machine trains there.
    """
    with files.atomic_folder(folder) as temporary, tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in runs.FILES:
            with archive.extractfile(name) as packed, (temporary / name).open("wb") as file:
                shutil.copyfileobj(packed, file)
        # Here, where the new folder is whole: the next thing that happens is the rename, which refuses a folder with
        # files.
        if folder.exists():
            if holder := lease.holder_of(folder):
                raise RunError("the run folder cannot be replaced", found=f"{holder} trains there", where=folder)
            kept.discard(folder)
