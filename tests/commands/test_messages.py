"""What commands write on stderr: announcements, an interruption in one line, damaged runs."""

import click
import pytest

from retina.commands import messages


def test_announcements_go_to_stderr_and_a_quiet_command_makes_none(capsys):
    messages.announcer(quiet=True)("nothing")
    messages.announcer(quiet=False)("3 runs are left")
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "3 runs are left\n")


def interrupt(error):
    with messages.resumable("to resume the study"):
        raise error


def test_ctrl_c_says_how_to_resume_and_other_errors_stay_themselves():
    with pytest.raises(click.ClickException, match=r"^interrupted: type the same command again to resume the study$"):
        interrupt(KeyboardInterrupt())
    with pytest.raises(ZeroDivisionError):
        interrupt(ZeroDivisionError())
    with messages.resumable("to resume"):
        pass


def test_damage_is_named_a_line_each_and_the_command_fails(capsys):
    with pytest.raises(click.exceptions.Exit) as caught:
        messages.exit_if_damaged(["a is damaged", "b is damaged"])
    assert caught.value.exit_code == 1
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "Error: a is damaged\nError: b is damaged\n")


def test_without_damage_nothing_is_written_and_the_command_goes_on(capsys):
    messages.exit_if_damaged([])
    assert capsys.readouterr() == ("", "")
