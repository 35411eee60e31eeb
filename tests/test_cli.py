"""The command line as a whole: help, its page, its front doors, the shell, wrong usage."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import call, fails

from retina.cli import main

ROOT = Path(__file__).parent.parent


def test_help_of_every_command_is_a_sentence_and_an_example():
    def check(command, words):
        result = call(*words, "-h")
        assert result.exit_code == 0
        assert "Example: python cli.py" in result.output or words == ["data"]
        for name, child in getattr(command, "commands", {}).items():
            check(child, [*words, name])

    check(main, [])


def test_the_reference_page_is_the_help(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import build

    assert build.PAGE.read_text(encoding="utf-8") == build.render(), "run `make docs`"


def test_the_front_door_and_the_installed_command_are_the_same(tmp_path):
    for command in ([sys.executable, str(ROOT / "cli.py")], [str(Path(sys.executable).parent / "retina")]):
        done = subprocess.run([*command, "compare", "none"], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error: no run 'none' | Where: ")


def test_the_shell_can_complete():
    command = [str(Path(sys.executable).parent / "retina")]
    environment = os.environ | {"_RETINA_COMPLETE": "bash_complete", "COMP_WORDS": "retina run res", "COMP_CWORD": "2"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["plain,resnet18", "plain,resnet50"]


def test_wrong_usage_exits_with_2(tmp_path):
    assert call("run", "resnet18", "--epochs", "many").exit_code == 2
    assert call("rum").exit_code == 2


@pytest.mark.parametrize(
    "words", [["run", "resnet18", "--params"], ["run", "resnet18", "--weights"], ["data", "audit"]]
)
def test_a_name_the_system_refuses_is_one_line(words, tiny_set, tmp_path):
    long = "x" * 300 + ".toml"
    extra = ["--data", tiny_set, "--results", tmp_path, "--quiet"] if words[0] == "run" else []
    fails(call(*words, long, *extra), "File name too long")


LAST_LOOK = """
import atexit, signal, sys
from retina.cli import main
atexit.register(lambda: print([signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)]))
sys.argv = ["retina", "runs", "--results", "none"]
main()
"""


def test_once_its_work_is_done_a_process_ends_undisturbed_and_a_call_within_one_changes_nothing():
    """After torch was loaded, Python takes seconds to end: a signal then would tell of an error where there is none."""
    done = subprocess.run([sys.executable, "-c", LAST_LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str([signal.SIG_IGN] * 2)
    before = signal.getsignal(signal.SIGTERM)
    call("runs", "--results", "none")
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_interrupted_command_says_so_in_one_line(tmp_path, monkeypatch):
    def interrupted(*words, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("retina.workflows.runs.list_runs", interrupted)
    fails(call("runs", "--results", tmp_path), "interrupted: type the same command again")
