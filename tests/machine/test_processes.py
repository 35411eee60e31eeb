"""Work on all cores gives what work in one place gives, and a worker that dies is one line."""

import math
import os
import signal
import subprocess
import sys

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


FORKED = """
import os
from retina.machine import processes

if __name__ == "__main__":
    with processes.workers(2, "needed") as pool:
        print(pool.submit(eval, "__import__('sys').modules['needed'].PLACE").result())
        print(pool.submit(os.getenv, "OMP_NUM_THREADS").result())
    print(os.getenv("OMP_NUM_THREADS"), os.getenv("PYTHONSAFEPATH"))
"""


def test_forked_workers_begin_with_the_module_of_this_process_and_not_of_the_current_folder(tmp_path):
    for folder in ("ours", "here"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "needed.py").write_text(f"PLACE = {folder!r}\n")
    (tmp_path / "ours" / "forked.py").write_text(FORKED)
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, str(tmp_path / "ours" / "forked.py")]
    done = subprocess.run(command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["ours", "1", "None None"]


def test_a_forked_worker_that_dies_is_one_line():
    with pytest.raises(RetinaError, match="a worker process ended early"), processes.workers(1, "json") as pool:
        pool.submit(os._exit, 1).result()


WAITING = """
import time
from retina.machine import processes

if __name__ == "__main__":
    try:
        with processes.workers(2, "slow"):
            time.sleep(60)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def test_an_interrupt_while_a_module_is_imported_for_workers_prints_nothing(tmp_path):
    (tmp_path / "waiting.py").write_text(WAITING)
    (tmp_path / "slow.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(2)\n")
    command = [sys.executable, str(tmp_path / "waiting.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == "importing\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60) == ("stopped\n", "")
