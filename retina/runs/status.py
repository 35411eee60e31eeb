"""The state of a run folder: whether its files are as they were written, and whether a living process trains it."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from retina.errors import RunError
from retina.machine import files
from retina.runs import lease
from retina.runs.folder import RESULTS, Run, list_runs
from retina.runs.record import Record


def record(run: Run) -> Record:
    """The record of a run as it is now.

    One that says `running` although the process was killed says `interrupted` here, and the epochs of a run that is
    under way are counted; its record has them when it ends.

    Raises:
        RunError: see `Run.record`.
    """
    latest = run.record()
    if latest.status == "running" and lease.holder_of(run.folder) is None:
        latest = run.record()  # it may have ended just now, which the record says before the lease is released
        if latest.status == "running":
            latest = replace(latest, status="interrupted", error="the process was killed")
    if latest.status in ("running", "interrupted"):
        with contextlib.suppress(RunError):
            latest = replace(latest, epochs_run=len(run.history()))
    return latest


def digests(run: Run, names: Iterable[str] = RESULTS) -> dict[str, str | None]:
    """The SHA-256 of files of a run, as 64 hexadecimal digits; `None` where there is no such file."""
    paths = {name: run.folder / name for name in names}
    return {name: files.sha256(path) if path.is_file() else None for name, path in paths.items()}


def check(run: Run, record: Record, names: Iterable[str] = RESULTS) -> None:
    """Refuse files of a finished run that are not those its record was written for.

    Raises:
        RunError: the first that is missing or has another SHA-256.
    """
    for name, digest in digests(run, names).items():
        expected = record.files.get(name)
        if digest != expected or expected is None:
            raise RunError(
                f"{name} of a finished run is {'missing' if digest is None else 'not as it was written'}",
                expected=f"SHA-256 {expected or 'in the record'}",
                found=digest or "no file",
                where=run.folder / name,
                advice="restore the file, or train the run again with --force",
            )


def verify(results: Path) -> tuple[int, list[str]]:
    """Check every file of every finished run below a results folder.

    Returns:
        How many finished runs are as they were written, and one line for each run that is not.
    """
    verified, damaged = 0, []
    for run in list_runs(results):
        try:
            latest = run.record()
            if latest.finished:
                check(run, latest)
                verified += 1
        except RunError as error:
            damaged.append(str(error))
    return verified, damaged
