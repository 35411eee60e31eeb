"""Long work: what fifty experiments in one process leave behind."""

import os
import threading
from pathlib import Path

import pytest
from tiny_sets import write_set

from retina.experiments import parameters
from retina.experiments.place import Place
from retina.machine import memory
from retina.training import execution, plan

SMALL = {"weights": "random", "image_size": 64, "batch_size": 8, "epochs": 1}
SETTLED, RUNS = 10, 50


def resident() -> float:
    """Memory of this process now, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux' own counts")
def test_fifty_experiments_in_one_process_leave_no_memory_no_files_and_no_threads(tmp_path):
    """After ten, whatever is kept for the next one is there; the forty after that add nothing."""
    data = write_set(tmp_path / "set", {"train": 8, "validation": 8, "test": 8})
    seen = []
    for number in range(RUNS):
        choice = parameters.load(
            ("resnet18", "resnet50")[number % 2],
            "p1",
            **SMALL,
            seed=number,
            fine_tune=("full", "last", "head")[number % 3],
        )
        prepared = plan.plan(choice, Place(tmp_path, data, quiet=True))
        execution.execute(prepared)
        seen.append((resident(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()))
    memory_then, files_then, threads_then = (max(column) for column in zip(*seen[:SETTLED], strict=True))
    memory_now, files_now, threads_now = seen[-1]
    print(f"after {SETTLED}: {memory_then:.0f} MiB, {files_then} files, {threads_then} threads")  # noqa: T201
    print(f"after {RUNS}: {memory_now:.0f} MiB, {files_now} files, {threads_now} threads")  # noqa: T201
    assert (files_now, threads_now) <= (files_then, threads_then)
    assert memory_now < 1.1 * memory_then + 50
    assert memory.peak_mebibytes() > 0
