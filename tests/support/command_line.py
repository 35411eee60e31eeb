"""The command line called in this process, and how an error of it looks."""

from click.testing import CliRunner

from retina.cli import main

QUICK = ["--weights", "random", "--image-size", "64", "--batch-size", "8", "--epochs", "1", "--precision", "float32"]


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


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
