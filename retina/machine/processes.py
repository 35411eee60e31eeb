"""Work on all cores: spawned processes that leave Ctrl-C to their parent, end with it, and use one thread each.

They are spawned, not forked: a fork copies whatever locks torch's threads hold. What they import should be light, and a
script that gets here from its top level needs `if __name__ == "__main__":`.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from retina.errors import RetinaError

Job = TypeVar("Job")
Result = TypeVar("Result")


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
def workers(count: int, prepare: Callable[[], object] | None = None) -> Iterator[ProcessPoolExecutor]:
    """Spawned processes that take jobs while the block lasts.

    Args:
        count: How many, at least 1.
        prepare: Is called in each before it is given a job, and starts them at once: they can then import what their
            jobs need while this process computes what those are.

    Raises:
        RetinaError: a worker died.
    """
    spawn = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(count, mp_context=spawn, initializer=begin_worker)
        try:
            for _ in range(count if prepare else 0):
                pool.submit(prepare)
            yield pool
        except BrokenProcessPool as error:
            raise RetinaError(
                "a worker process ended early",
                advice='see that memory suffices, and that your script starts under `if __name__ == "__main__":`',
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Start processes with one BLAS thread each: 64 workers of 64 threads would exceed the limit of threads."""
    # The libraries read these once, when they are loaded; a spawned process gets them from the environment in time.
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def begin_worker() -> None:
    """Ignore Ctrl-C, which the parent handles, and end when the parent ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone; without this, workers of a killed parent would wait for jobs forever."""
    multiprocessing.parent_process().join()
    # `sys.exit` would end this thread alone.
    os._exit(1)
