"""Many runs, one after another or one a device.

Finished ones are reused, interrupted ones resume, failed ones get a second try, and no run ends the others.
"""

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from retina.errors import ExperimentError
from retina.machine import processes, signals
from retina.training.plan import Plan
from retina.training.studies import job, outcome
from retina.training.studies.job import Job
from retina.training.studies.outcome import Outcome


@dataclass(frozen=True)
class Engine:
    """Trains the runs of a study.

    Args:
        train: Takes plans and yields the outcome of each, in the order in which they end.
        parallel_runs: How many runs it trains at a time at most.
    """

    train: Callable[[Sequence[Plan]], Generator[Outcome, None, None]]
    parallel_runs: int = 1


def run(plans: Sequence[Plan], engine: Engine, hear: Callable[[Outcome], None]) -> list[Outcome]:
    """Train runs; those that fail are tried once more, after all others.

    A run that diverged is not tried again: it would do the same.

    Args:
        plans: The runs, each a different one.
        engine: Trains them.
        hear: Called with each outcome as it comes; twice for a run that is tried twice.

    Returns:
        The outcomes, in the order of the plans.

    Raises:
        KeyboardInterrupt: the study was interrupted; runs under way are recorded as interrupted.
    """
    latest: dict[str, Outcome] = {}
    with contextlib.closing(engine.train(plans)) as outcomes:  # closed at once, wherever Ctrl-C falls
        for item in outcomes:
            latest[item.name] = item
            hear(item)
    failed = [plan for plan in plans if latest[plan.name].status == "failed"]
    with contextlib.closing(engine.train(failed)) as outcomes:
        for item in outcomes:
            latest[item.name] = item.after(latest[item.name])
            hear(latest[item.name])
    return [latest[plan.name] for plan in plans]


def here(*, track: str | None = None) -> Engine:
    """One run after another in this process, which imports, reads and measures everything once.

    Args:
        track: A tracker to show them in, see `retina.training.tracking.follow`.
    """
    return Engine(lambda plans: (_train(plan, track) for plan in plans))


def _train(plan: Plan, track: str | None) -> Outcome:
    return outcome.attempt(plan.name, lambda: outcome.train(plan, track=track))


def on_devices(number: int, *, track: str | None = None) -> Engine:
    """One run a device, each in a process of its own that sees no other device.

    Args:
        number: How many runs at a time.
        track: A tracker to show them in, see `retina.training.tracking.follow`.

    Raises:
        ExperimentError: there are not as many devices.
    """
    names = require_devices(number)
    return Engine(lambda plans: _on_each(plans, names[:number], track), parallel_runs=number)


def require_devices(number: int) -> list[str]:
    """The devices, of which there must be one for each run at a time.

    Raises:
        ExperimentError: there are not as many.
    """
    names = devices()
    if number > len(names):
        raise ExperimentError(
            f"--jobs cannot be {number}",
            expected="at most one run for each GPU",
            found=f"{len(names)} of them" if names else "no GPU; on a processor one run uses all cores",
            advice="leave --jobs out",
        )
    return names


def devices() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls each GPU that this process sees."""
    import torch

    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:count] if visible else [str(number) for number in range(count)]


def _on_each(plans: Sequence[Plan], names: Sequence[str], track: str | None) -> Generator[Outcome, None, None]:
    """Train runs, one a device at a time; a process that is killed ends its own run and no other."""
    waiting, idle = deque(plans), list(names)
    pools: dict[str, ProcessPoolExecutor] = {}
    busy: dict[Future[Outcome], tuple[str, Plan]] = {}
    try:
        while waiting or busy:
            while waiting and idle:
                name, plan = idle.pop(), waiting.popleft()
                if name not in pools:
                    pools[name] = _pool(name)
                busy[pools[name].submit(_perform, job.job_of(plan, track=track))] = name, plan
            done, _ = wait(busy, return_when=FIRST_COMPLETED)
            for future in done:
                name, plan = busy.pop(future)
                idle.append(name)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    pools.pop(name).shutdown()
                    yield Outcome(plan.name, "failed", error="its process was killed")
    finally:
        # Before `shutdown`, which would wait for the runs under way.
        for worker in multiprocessing.active_children():  # all is done, or the study was interrupted
            worker.terminate()
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)


def _pool(name: str) -> ProcessPoolExecutor:
    """One process for a device, which keeps from run to run what it has read."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin_on_device, initargs=(name,))


def _begin_on_device(name: str) -> None:
    """Hide all devices but one, before torch looks for them."""
    os.environ["CUDA_VISIBLE_DEVICES"] = name
    processes.begin_worker()


def _perform(item: Job) -> Outcome:
    """Train a job in a worker, which keeps what it has read from one job to the next and ends when it is asked to."""
    try:
        with signals.as_interrupt():
            return job.perform(item)
    except KeyboardInterrupt:  # the record says so; without this exit the next job in the queue would begin
        os._exit(1)
