"""Memory is kept between steps, and its peak is told."""

import subprocess
import sys

import pytest

from retina.machine import memory

PROGRAM = """
import resource, torch
from retina.machine import memory
{tell}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    return [torch.ones(10 << 20) for _ in range(5)] and None
for _ in range(8):  # until each tensor has found its place
    step()
before = faults()
step()
print(faults() - before)
"""


def faults(tell):
    command = [sys.executable, "-c", PROGRAM.format(tell=tell)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not memory.keep_freed(), reason="only glibc can be told")
def test_freed_tensors_are_used_again_instead_of_being_cleared_anew():
    """Five tensors of 40 MiB are 51,200 pages, which without the call every step costs again."""
    assert faults("assert memory.keep_freed()") < 10_000
    assert faults("") > 50_000


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.keep_freed() is False
    monkeypatch.undo()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed() is False


def test_the_peak_is_told_in_mebibytes():
    assert 50 < memory.peak_mebibytes() < 100_000
