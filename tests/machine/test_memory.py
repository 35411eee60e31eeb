"""Memory is kept between steps, and its peak is measured."""

import ctypes
import json
import subprocess
import sys

import pytest

from retina.machine import memory

MEBIBYTE = 1 << 20
TENSORS = 5 * 40 * MEBIBYTE
PROGRAM = """
import ctypes, json, torch
from retina.machine import memory
{tell}
class Mallinfo2(ctypes.Structure):  # malloc.h
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
ask = ctypes.CDLL(None).mallinfo2
ask.restype = Mallinfo2
def told():
    counts = ask()
    return counts.arena, counts.hblkhd
def step():
    tensors = [torch.ones(10 << 20) for _ in range(5)]
    return told()
moments = [told(), step(), told()]
for _ in range(8):
    step()
print(json.dumps([*moments, told(), step(), told()]))
"""


def allocated(tell):
    """What glibc's allocator of a new process has, in bytes: (kept for use, mapped for one tensor) at six moments.

    They are before anything, with five tensors of 40 MiB and after they were freed; and after eight such steps, with
    five tensors again and after they were freed. Neither other processes nor the kernel's paging have a part in it.
    """
    command = [sys.executable, "-c", PROGRAM.format(tell=tell)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


counted = pytest.mark.skipif(
    not (memory.keep_freed() and hasattr(ctypes.CDLL(None), "mallinfo2")), reason="only glibc from 2.33 on counts"
)


@counted
def test_freed_tensors_stay_with_the_process_and_are_used_again():
    before, first, freed, later, second, end = allocated("assert memory.keep_freed()")
    assert {mapped for _, mapped in (first, freed, later, second, end)} == {before[1]}
    assert first[0] - before[0] > TENSORS - 40 * MEBIBYTE, "the five grow it, but for what was free in it before"
    assert (freed[0], end[0]) == (first[0], second[0])
    assert end[0] - before[0] < 6 * TENSORS, "ten steps took more than six times what one needs"


@counted
def test_without_being_told_the_allocator_gives_freed_tensors_back():
    """What the call is for; were this to fail, it would have become needless."""
    before, first, freed, later, second, end = allocated("")
    assert min(first[1], second[1]) - before[1] >= TENSORS
    assert {freed[1], later[1], end[1]} == {before[1]}
    assert max(kept for kept, _ in (first, freed, later, second, end)) - before[0] < TENSORS


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.keep_freed() is False
    monkeypatch.undo()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed() is False


def test_the_peak_is_told_in_mebibytes():
    assert 50 < memory.peak_mebibytes() < 100_000
