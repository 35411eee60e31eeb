"""What libraries print stays off stdout."""

import sys

import pytest

from retina.machine.stdout import off_stdout


@pytest.mark.parametrize(("quiet", "shown"), [(False, "downloading\nbar\n"), (True, "")])
def test_what_a_library_prints_goes_to_stderr_or_nowhere(capsys, quiet, shown):
    with off_stdout(quiet=quiet):
        print("downloading")  # noqa: T201
        print("bar", file=sys.stderr)  # noqa: T201
    assert capsys.readouterr() == ("", shown)


def test_a_logger_that_took_hold_of_the_stream_may_write_to_it_later(capsys):
    with off_stdout(quiet=True):
        stream = sys.stderr
    print("late", file=stream)
    assert capsys.readouterr() == ("", "")
