"""The command line called in this process or in one of its own, and how an error of it looks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from retina.cli import main

QUICK = ["--weights", "random", "--image-size", "64", "--batch-size", "8", "--epochs", "1", "--precision", "float32"]


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def start(*words, stderr=subprocess.PIPE):
    """The command line in a process of its own, in which a signal is a signal."""
    command = [sys.executable, str(Path(__file__).parents[2] / "cli.py"), *map(str, words)]
    environment = os.environ | {"PYTHONFAULTHANDLER": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment)


def finish(process, seconds=120):
    """What a process writes until it ends; one that does not end is killed, and the error says where it was."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        stdout, stderr = process.communicate()
        raise AssertionError(f"not ended after {seconds} s\n{stdout}\n{stderr}") from None


def fails(result, *words):
    """The command failed as an error should: one line on stderr, nothing on stdout, exit code 1."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    assert "Traceback" not in result.output
    for word in words:
        assert str(word) in line
    assert result.stdout == ""
    return result
