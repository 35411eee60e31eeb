"""What a machine of a cluster does: say who it is, train a run, and send its folder where that is not seen by all."""

import io
import shutil
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

from retina import environment, files, lease, runs
from retina.errors import RetinaError, RunError
from retina.training import job
from retina.training.job import Job, Outcome
from retina.training.plan import Shelf

PATIENCE = lease.SILENCE + 3 * lease.BEAT
"""Seconds to wait for a run whose holder may be on a machine that has died."""


@dataclass(frozen=True)
class Brought:
    """What a machine sends back.

    Args:
        outcome: What became of the run there.
        folder: The finished run folder as a tar archive; `None` where the results folder is shared, or nothing is
            finished.
    """

    outcome: Outcome
    folder: bytes | None = None


def introduce() -> tuple[str, dict[str, str]]:
    """What a machine says of itself: its name and its code."""
    return environment.host(), environment.code()


def refuse_other_code(expected: dict[str, str], found: dict[str, str], host: str) -> None:
    """Refuse to train with other code than the study was planned with.

    Raises:
        RetinaError: it differs.
    """
    other = [name for name in expected if found.get(name) != expected[name]]
    if other:
        raise RetinaError(
            "the code differs between machines: nothing was trained",
            expected=", ".join(f"{name} {expected[name][:12]}" for name in other),
            found=", ".join(f"{name} {str(found.get(name))[:12]}" for name in other) + f" on {host}",
            advice="install the same version of retina and of its packages on every machine",
        )


_SHELF = Shelf()


def perform(item: Job, mark: str) -> Brought:
    """Train a job on this machine; the body of a task.

    Args:
        item: The job.
        mark: Name of a file beside the runs of the study; where it is not there, this machine sees another disk.
    """
    try:
        refuse_other_code(item.code, environment.code(), environment.host())
    except RetinaError as error:
        return Brought(Outcome(item.name, "failed", error=str(error)))
    shared = (runs.runs_folder(item.results) / mark).is_file()
    if not shared:
        item = replace(item, results=files.cache_folder() / "cluster")
    outcome = job.perform(item, _SHELF, patience=PATIENCE)
    if outcome.error:
        outcome = replace(outcome, error=f"{outcome.error} | On: {environment.host()}")
    if shared or not outcome.finished:
        return Brought(outcome)
    folder = job.folder(item)
    packed = pack(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return Brought(outcome, packed)


def pack(folder: Path) -> bytes:
    """A finished run folder as a tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in sorted(runs.FILES):
            archive.add(folder / name, arcname=name)
    return stream.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put a finished run folder into its place, whole or not at all; what an unfinished run left there makes way.

    Raises:
        RetinaError: the folder cannot be written, or a process on this machine trains there.
    """
    if folder.exists():
        if holder := lease.holder_of(folder):
            raise RunError("the run folder cannot be replaced", found=f"{holder} trains there", where=folder)
        files.discard(folder)
    with files.atomic_folder(folder) as temporary, tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in runs.FILES:
            with archive.extractfile(name) as packed, (temporary / name).open("wb") as file:
                shutil.copyfileobj(packed, file)
