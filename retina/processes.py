"""Processes: work on all cores, soft ends, and by what one is known again.

Workers are spawned, leave Ctrl-C to their parent, end with it, and use one thread each. They are not forked: a fork
copies whatever locks torch's threads hold. What they import should be light, and a script that gets here from its top
level needs `if __name__ == "__main__":`.
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from retina.errors import RetinaError

Job = TypeVar("Job")
Result = TypeVar("Result")


@contextlib.contextmanager
def ending_softly() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, by a KeyboardInterrupt; one that is ignored stays so."""
    kinds = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if threading.current_thread() is not threading.main_thread():  # Python hands signals to the main thread alone
        kinds = []
    before = {kind: signal.getsignal(kind) for kind in kinds}
    for kind, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(kind, signal.default_int_handler)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(work: Callable[[Job], Result], jobs: Sequence[Job], *, few: int) -> Iterator[Result]:
    """Work jobs off, in order.

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
    spawn = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(min(cores(), len(jobs)), mp_context=spawn, initializer=_begin_worker)
        try:
            yield from pool.map(work, jobs)
        except BrokenProcessPool as error:
            raise RetinaError(
                "a worker process ended early",
                advice='see that memory suffices, and that your script starts under `if __name__ == "__main__":`',
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes started meanwhile make one BLAS thread each: 64 workers of 64 threads meet the limit of threads."""
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


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, be it killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone; without this, workers of a killed parent would wait for jobs forever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def place() -> str:
    """What the process numbers seen from here are counted in."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # Linux alone tells these two
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return "/".join(parts)


def born(pid: int) -> str | None:
    """When a process began, as the kernel counts ("" where it does not tell); `None` where there is no such process."""
    try:
        # The second field is the program's name in brackets, and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    else:
        return None if fields[0] in "ZX" else fields[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
