"""Work on all cores gives what work in one place gives, and a worker that dies is one line."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from retina.errors import RetinaError
from retina.machine import processes

JOBS = list(range(40))


@pytest.mark.parametrize("few", [1, 41])
def test_results_come_in_the_order_of_the_jobs(few):
    assert list(processes.on_all_cores(math.sqrt, JOBS, few=few)) == list(map(math.sqrt, JOBS))


def test_few_jobs_start_no_process(monkeypatch):
    monkeypatch.setattr(processes, "ProcessPoolExecutor", None)
    assert list(processes.on_all_cores(math.sqrt, JOBS, few=41)) == list(map(math.sqrt, JOBS))


def test_an_error_of_the_work_is_raised_as_it_is():
    with pytest.raises(ValueError, match=r"domain|nonnegative"):
        list(processes.on_all_cores(math.sqrt, [1, -1], few=1))


def test_a_worker_that_dies_is_one_line():
    with pytest.raises(RetinaError, match="a worker process ended early"):
        list(processes.on_all_cores(os._exit, JOBS, few=1))


def test_the_limit_on_threads_does_not_outlast_the_work(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert list(processes.on_all_cores(os.getenv, ["OMP_NUM_THREADS", "MKL_NUM_THREADS"], few=1)) == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_workers_forked_from_a_process_that_imports_give_the_same_results():
    with processes.workers(2, "json") as pool:
        assert list(pool.map(math.sqrt, JOBS)) == list(map(math.sqrt, JOBS))
        assert list(pool.map(os.getenv, ["OMP_NUM_THREADS"])) == ["1"]


def test_a_forked_worker_that_dies_is_one_line():
    with pytest.raises(RetinaError, match="a worker process ended early"), processes.workers(1, "json") as pool:
        pool.submit(os._exit, 1).result()


WAITING = """
import time
from retina.machine import processes

if __name__ == "__main__":
    try:
        with processes.workers(2, "retina.reporting.figures"):
            print("ready", flush=True)
            time.sleep(60)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def test_an_interrupt_while_a_module_is_imported_for_workers_prints_nothing(tmp_path):
    (tmp_path / "waiting.py").write_text(WAITING)
    command = [sys.executable, str(tmp_path / "waiting.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)  # the import takes longer
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60) == ("stopped\n", "")
