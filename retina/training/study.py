"""Many runs, one after another or one a device.

Finished ones are reused, interrupted ones go on, failed ones get a second try, and the rest goes on whatever becomes of
one.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from retina import processes, signals
from retina.errors import ExperimentError
from retina.training import job
from retina.training.job import Job, Outcome
from retina.training.plan import Shelf

Engine = Callable[[Sequence[Job]], Iterator[Outcome]]
"""Trains jobs and yields what became of each, in whatever order they end."""


def run(jobs: Sequence[Job], engine: Engine, told: Callable[[Outcome], None]) -> list[Outcome]:
    """Train jobs; those that fail once more, after all others.

    A run that diverged is not tried again: it would do the same.

    Args:
        jobs: The jobs, no two of the same run.
        engine: Who trains them.
        told: Called with each outcome when it is there, with the second of a job tried twice too.

    Returns:
        The outcomes, in the order of the jobs.

    Raises:
        KeyboardInterrupt: the study was interrupted; runs under way are recorded as interrupted.
    """
    found: dict[str, Outcome] = {}
    for outcome in engine(jobs):
        found[outcome.name] = outcome
        told(outcome)
    for outcome in engine([item for item in jobs if found[item.name].status == "failed"]):
        found[outcome.name] = job.again(outcome, found[outcome.name])
        told(found[outcome.name])
    return [found[item.name] for item in jobs]


def here(shelf: Shelf) -> Engine:
    """One run after another in this process, which imports, reads and measures everything once."""
    return lambda jobs: (job.perform(item, shelf) for item in jobs)


def on_devices(number: int) -> Engine:
    """One run a device, each in a process of its own that sees no other device.

    Raises:
        ExperimentError: there are not as many devices.
    """
    names = devices()
    if number > len(names):
        raise ExperimentError(
            f"--jobs cannot be {number}",
            expected="at most one run for each GPU",
            found=f"{len(names)} of them" if names else "no GPU; on a processor one run uses all cores",
            advice="leave --jobs out",
        )
    return lambda jobs: _pooled(jobs, names[:number])


def devices() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls each GPU that this process sees."""
    import torch

    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:count] if visible else [str(number) for number in range(count)]


def _pooled(jobs: Sequence[Job], names: Sequence[str]) -> Iterator[Outcome]:
    """Train jobs in as many processes as there are names of devices."""
    if not jobs:
        return
    spawn = multiprocessing.get_context("spawn")
    free = spawn.Queue()
    for name in names:
        free.put(name)
    pool = ProcessPoolExecutor(len(names), mp_context=spawn, initializer=_settle, initargs=(free,))
    try:
        waiting: dict[Future[Outcome], Job] = {pool.submit(_perform, item): item for item in jobs}
        for done in as_completed(waiting):
            try:
                yield done.result()
            except BrokenProcessPool:
                yield Outcome(waiting[done].name, "failed", error="its process was killed")
    finally:
        for worker in multiprocessing.active_children():  # all is done, or the study was interrupted
            worker.terminate()
        pool.shutdown(cancel_futures=True)


def _settle(free: "multiprocessing.Queue[str]") -> None:
    """Take a device and see no other, before torch looks for them."""
    os.environ["CUDA_VISIBLE_DEVICES"] = free.get()
    processes.begin_worker()


_SHELF = Shelf()


def _perform(item: Job) -> Outcome:
    """Train a job in a worker, which keeps what it has read from one job to the next and ends when it is told to."""
    try:
        with signals.ending_softly():
            return job.perform(item, _SHELF)
    except KeyboardInterrupt:  # the record says so; the next job in the queue must not begin
        os._exit(1)
