"""What commands write on stderr: announcements, an interruption in one line, damaged runs."""

import contextlib
from collections.abc import Iterator, Sequence

import click

from retina.machine.progress import Say, silent


def announcer(*, quiet: bool) -> Say:
    """The function that receives a workflow's announcements: it writes them on stderr, or drops them."""
    return silent if quiet else announce


def announce(line: str) -> None:
    """Write an announcement on stderr."""
    click.echo(line, err=True)


@contextlib.contextmanager
def resumable(purpose: str) -> Iterator[None]:
    """Turn Ctrl-C into one line that says how to resume.

    Args:
        purpose: What the same command, typed again, does: `to resume ...`.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(f"interrupted: type the same command again {purpose}") from None


def exit_if_damaged(lines: Sequence[str]) -> None:
    """Name what is damaged, a line each; exit with 1 where anything is."""
    for line in lines:
        click.echo(f"Error: {line}", err=True)
    if lines:
        raise click.exceptions.Exit(1)
