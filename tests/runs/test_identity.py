"""A process is known again, and not mistaken for a later one."""

import subprocess
import sys

from retina.runs import identity


def test_a_process_is_known_by_its_birth_and_gone_when_it_ended():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    first = identity.start_time(process.pid)
    assert first == identity.start_time(process.pid)
    assert first is not None
    process.kill()
    process.communicate()
    assert identity.start_time(process.pid) is None
