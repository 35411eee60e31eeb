"""One process trains a run; the next one takes it where that has died, and nobody else."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from retina.errors import RetinaError, RunError
from retina.runs import identity, lease


def holder(path):
    return lease.Holder(**json.loads(path.read_text()))


def test_a_run_is_held_while_the_block_lasts_and_nothing_stays(tmp_path):
    with lease.take(tmp_path) as held:
        assert held.holder.attempt == 1
        assert lease.holder_of(tmp_path) == held.holder == holder(tmp_path / "attempt-1.json")
        held.check()
        with (
            pytest.raises(RunError, match=rf"process {os.getpid()} on .* since 20.*kill {os.getpid()}"),
            lease.take(tmp_path),
        ):
            pass
        held.check()
    assert lease.holder_of(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_after_a_known_one_has_the_next_number(tmp_path):
    with lease.take(tmp_path, after=4) as held:
        assert held.holder.attempt == 5


def dead(folder, attempt=1, **changes):
    """The file of a process that was killed: a real one that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    born = identity.start_time(process.pid)
    process.wait()
    with lease.take(folder) as held:
        made = replace(held.holder, pid=process.pid, born=born, attempt=attempt, token="f" * 32)
    path = folder / f"attempt-{attempt}.json"
    path.write_text(json.dumps(asdict(replace(made, **changes))))
    return path


def test_the_run_of_a_dead_process_is_taken_at_once(tmp_path):
    left = dead(tmp_path)
    assert lease.holder_of(tmp_path) is None
    with lease.take(tmp_path) as held:
        assert held.holder.attempt == 2
        assert not left.exists()


def test_a_process_number_that_was_given_again_is_not_the_holder(tmp_path):
    dead(tmp_path, pid=os.getpid(), born="1")
    with lease.take(tmp_path) as held:
        assert held.holder.attempt == 2


@pytest.mark.parametrize(("silent", "lives"), [(lease.SILENCE - 30, True), (lease.SILENCE + 30, False)])
def test_a_process_of_another_machine_is_known_by_its_signs_of_life(tmp_path, silent, lives):
    path = dead(tmp_path, place="elsewhere/boot/pid", host="elsewhere")
    os.utime(path, (time.time() - silent,) * 2)
    assert (lease.holder_of(tmp_path) is not None) == lives
    if lives:
        with pytest.raises(RunError, match="on elsewhere since"), lease.take(tmp_path):
            pass
    else:
        with lease.take(tmp_path) as held:
            assert held.holder.attempt == 2


def test_a_holder_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "BEAT", 0.01)
    with lease.take(tmp_path) as held:
        os.utime(held.path, (0, 0))
        deadline = time.monotonic() + 30
        while held.path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.time() - held.path.stat().st_mtime < 60


def test_who_was_taken_over_may_not_write_and_leaves_the_others_file(tmp_path):
    with lease.take(tmp_path) as held:
        other = replace(held.holder, attempt=2, token="0" * 32, host="another")
        (tmp_path / "attempt-2.json").write_text(json.dumps(asdict(other)))
        with pytest.raises(RunError, match="attempt 2 by process"):
            held.check()
    assert [path.name for path in tmp_path.iterdir()] == ["attempt-2.json"]


def test_a_number_that_another_attempt_has_is_not_ones_own(tmp_path):
    with lease.take(tmp_path) as held:
        held.path.write_text(json.dumps(asdict(replace(held.holder, token="0" * 32))))
        with pytest.raises(RunError, match="not held"):
            held.check()
    assert (tmp_path / "attempt-1.json").exists()


def test_a_folder_that_is_gone_is_not_held(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with lease.take(folder) as held:
        folder.rename(tmp_path / "moved")
        with pytest.raises(RunError, match="neither the run folder"):
            held.check()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"attempt": 1}', "null", "[" * 10_000])
def test_a_file_half_written_counts_as_alive_until_it_is_old(tmp_path, text):
    """On a disk without hard links the file is made first and filled afterwards."""
    path = tmp_path / "attempt-7.json"
    path.write_text(text)
    with pytest.raises(RunError, match="an attempt that has just begun"), lease.take(tmp_path):
        pass
    os.utime(path, (time.time() - 1000,) * 2)
    with lease.take(tmp_path) as held:
        assert held.holder.attempt == 8


def test_a_hostile_file_names_no_process(tmp_path):
    path = dead(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": "../../etc"}))
    os.utime(path, (0, 0))
    assert lease.holder_of(tmp_path) is None


def test_on_a_disk_without_hard_links_the_file_is_made_exclusively(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with lease.take(tmp_path) as held:
        held.check()
        with pytest.raises(RunError, match="another process"), lease.take(tmp_path):
            pass


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(RetinaError, match="cannot write"), lease.take(tmp_path / "none"):
        pass


def contend(folder, gate, answers):
    gate.wait()
    try:
        with lease.take(folder) as held:
            answers.put(held.holder.attempt)
            time.sleep(1.0)
    except RunError:
        answers.put(None)


def test_of_many_that_want_a_dead_ones_run_at_once_one_gets_it(tmp_path):
    dead(tmp_path)
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(4), context.Queue()
    many = [context.Process(target=contend, args=(tmp_path, gate, answers)) for _ in range(4)]
    for process in many:
        process.start()
    got = [answers.get(timeout=60) for _ in many]
    for process in many:
        process.join()
    assert sorted(got, key=str) == [2, None, None, None]
