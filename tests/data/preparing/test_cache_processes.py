"""A cache built by worker processes, whatever becomes of them."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from eyes_on_disk import SIDE, names, write_eyes

from retina.data.preparing import cache, fundus
from retina.data.preparing.cache import open_or_build


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "caches"


def start(script: str, *arguments: object) -> subprocess.Popen:
    """Start Python on a script in a session of its own."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


BUILD = f"""
    import sys
    from pathlib import Path
    from retina.data.preparing.cache import open_or_build
    paths = sorted(Path(sys.argv[1]).iterdir())
    found = open_or_build(paths, image_size={SIDE}, folder=Path(sys.argv[2]))
    import hashlib, numpy as np
    print(found.folder.name, hashlib.sha256(np.asarray(found.images)).hexdigest())
"""


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds; fail where it never does."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "never happened"
        time.sleep(0.002)


def test_a_disk_that_refuses_a_workers_bytes_is_one_line(tmp_path: Path, home: Path) -> None:
    """The kernel's own refusal, by a limit on the size of files that workers inherit."""
    write_eyes(tmp_path / "eyes", 40)
    script = (
        """
        import resource
        from retina.data.preparing import cache
        from retina.errors import RetinaError
        cache._allocate = lambda path, length: path.touch()
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
    """
        + textwrap.indent(textwrap.dedent(BUILD), " " * 12)
        + """
        except RetinaError as error:
            print(error)
    """
    )
    process = start(script, tmp_path / "eyes", home)
    out, err = process.communicate(timeout=60)
    assert out.startswith("cannot write"), err
    assert "File too large" in out
    assert out.count("\n") == 1
    assert names(home) == []


def test_a_worker_that_dies_is_one_line(tmp_path: Path, home: Path) -> None:
    write_eyes(tmp_path / "eyes", 40)
    script = (
        """
        from retina.machine import processes
        from retina.errors import RetinaError
        processes.begin_worker = processes.os.abort
        try:
    """
        + textwrap.indent(textwrap.dedent(BUILD), " " * 12)
        + """
        except RetinaError as error:
            print(error)
    """
    )
    out, err = start(script, tmp_path / "eyes", home).communicate(timeout=60)
    assert out.startswith("a worker process ended early"), err
    assert names(home) == []


def test_two_processes_that_build_at_once_agree(tmp_path: Path, home: Path) -> None:
    paths = sorted(write_eyes(tmp_path / "eyes", 40))
    both = [start(BUILD, tmp_path / "eyes", home) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert said[0][0] == said[1][0], said
    found = open_or_build(paths, image_size=SIDE, folder=home)
    np.testing.assert_array_equal(found.images, [fundus.prepare(path, SIDE) for path in paths])
    assert said[0][0].split() == [found.folder.name, hashlib.sha256(np.asarray(found.images)).hexdigest()]
    assert names(home) == [found.folder.name]


def test_a_command_line_builds_with_workers(tmp_path: Path, home: Path) -> None:
    """Workers import the main module anew: a click command behind the usual guard stays asleep there."""
    write_eyes(tmp_path / "eyes", 40)
    tool = tmp_path / "tool.py"
    body = textwrap.indent(
        textwrap.dedent(BUILD).replace("sys.argv[1]", "eyes").replace("sys.argv[2]", "home"), " " * 4
    )
    lines = ["import click", "@click.command()", "@click.argument('eyes')", "@click.argument('home')"]
    tool.write_text("\n".join([*lines, f"def main(eyes, home):{body}", "if __name__ == '__main__':", "    main()"]))
    done = subprocess.run([sys.executable, tool, tmp_path / "eyes", home], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert names(home) == [done.stdout.split()[0]]
    assert done.stderr == ""


def working(home: Path) -> bool:
    """Whether workers have written their first pixels."""
    return any(any(path.read_bytes()) for path in home.glob(f".*.tmp/{cache.PIXELS}"))


def alive(process: int) -> bool:
    """Whether a process runs (one that merely waits to be reaped does not)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")
def test_a_killed_builder_leaves_no_cache_and_no_process_and_the_next_succeeds(tmp_path: Path, home: Path) -> None:
    paths = sorted(write_eyes(tmp_path / "eyes", 120, side=140))
    process = start(BUILD, tmp_path / "eyes", home)
    wait_for(lambda: working(home))
    orphans = children(process.pid)
    process.kill()
    process.communicate()
    assert all(name.endswith(".tmp") for name in names(home))
    wait_for(lambda: not any(map(alive, orphans)))
    found = open_or_build(paths, image_size=SIDE, folder=home)
    np.testing.assert_array_equal(found.images[-1], fundus.prepare(paths[-1], SIDE))


def test_ctrl_c_leaves_nothing(tmp_path: Path, home: Path) -> None:
    write_eyes(tmp_path / "eyes", 120, side=140)
    process = start(BUILD, tmp_path / "eyes", home)
    wait_for(lambda: working(home))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert err.count("KeyboardInterrupt") == 1, "workers leave it to the parent"
    assert out == ""
    assert names(home) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells processes apart by /proc")
def test_ctrl_c_is_left_to_the_parent(tmp_path: Path, home: Path) -> None:
    """A terminal sends it to the workers too; alone it must not stop them, or their tracebacks would be shown."""
    write_eyes(tmp_path / "eyes", 120, side=140)
    process = start(BUILD, tmp_path / "eyes", home)
    wait_for(lambda: working(home))
    for child in children(process.pid):
        os.kill(child, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert names(home) == out.split()[:1]


def test_the_parents_memory_does_not_grow_with_the_pixels(tmp_path: Path, home: Path) -> None:
    """220 images more may cost their paths and digests, not their 2.7 MB of pixels."""
    write_eyes(tmp_path / "eyes", 250, side=16)
    script = """
        import sys, tracemalloc
        from pathlib import Path
        from retina.data.preparing.cache import open_or_build
        paths = sorted(Path(sys.argv[1]).iterdir())
        open_or_build(paths[:40], image_size=8, folder=Path(sys.argv[2]))
        for count in (30, 250):
            tracemalloc.start()
            open_or_build(paths[:count], image_size=64, folder=Path(sys.argv[2]))
            print(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    """
    out, err = start(script, tmp_path / "eyes", home).communicate(timeout=120)
    few, many = map(int, out.split())
    assert many - few < 220 * 64 * 64 * 3 / 2, err
