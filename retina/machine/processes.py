"""Work on all cores: processes that leave Ctrl-C to their parent, end with it, and use one thread each.

None is forked from this process: a fork copies whatever locks torch's threads hold. What they import should be light,
and a script that gets here from its top level needs `if __name__ == "__main__":`.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from typing import TypeVar

from retina.errors import RetinaError

Job = TypeVar("Job")
Result = TypeVar("Result")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One BLAS thread a worker: 64 workers of 64 threads would exceed the limit of threads. The libraries read these once,
when they are loaded; a new process gets them in time."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(work: Callable[[Job], Result], jobs: Sequence[Job], *, few: int) -> Iterator[Result]:
    """Do jobs on all cores; their results come in order.

    Args:
        work: A function of a module, which a spawned process can import.
        jobs: Its arguments, one a job.
        few: With fewer jobs than this, all are done in this process, sooner than workers start.

    Raises:
        RetinaError: a worker died; and whatever `work` raises.
    """
    if len(jobs) < few:
        yield from map(work, jobs)
        return
    with workers(min(cores(), len(jobs))) as pool:
        yield from pool.map(work, jobs)


@contextlib.contextmanager
def workers(count: int, imports: str | None = None) -> Iterator[ProcessPoolExecutor]:
    """Processes that take jobs while the block lasts.

    Args:
        count: How many, at least 1.
        imports: A module that all jobs need. A process of its own begins to import it at once, and the workers are
            forked from that one, where the system can: they then begin with the module, which was imported once, while
            this process went on. Otherwise they are spawned, and import what they need.

    Raises:
        RetinaError: a worker died.
    """
    forked = imports is not None and "forkserver" in multiprocessing.get_all_start_methods()
    if forked:
        _begin_to_import(imports)
    with contextlib.nullcontext() if forked else _environment(ONE_THREAD):
        context = multiprocessing.get_context("forkserver" if forked else "spawn")
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker)
        try:
            yield pool
        except BrokenProcessPool as error:
            raise RetinaError(
                "a worker process ended early",
                advice='see that memory suffices, and that your script starts under `if __name__ == "__main__":`',
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_to_import(module: str) -> None:
    """Start the process from which workers are forked, which ends with this one, and let it import a module.

    Where there is such a process already, it stays as it is, and its workers import what they lack.
    """
    # It would look for the module in the current folder before anywhere else, and not where this process has it from.
    places = os.pathsep.join(os.path.abspath(place) for place in sys.path if place)  # noqa: PTH100 - of texts
    multiprocessing.set_forkserver_preload([module])
    with _environment(ONE_THREAD | {"PYTHONPATH": places, "PYTHONSAFEPATH": "1"}), _deaf_to_interrupts():
        forkserver.ensure_running()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Start processes with other environment variables than this one has."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let a process that is started meanwhile never see Ctrl-C, and this one only afterwards.

    The process that workers are forked from ignores it too late: it would end with a traceback while it imports.
    """
    resource_tracker.ensure_running()  # to start it later would unblock what is blocked here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process inherits what is blocked
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker() -> None:
    """Ignore Ctrl-C, which the parent handles, and end when the parent ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone; without this, workers of a killed parent would wait for jobs forever."""
    multiprocessing.parent_process().join()
    # `sys.exit` would end this thread alone.
    os._exit(1)
