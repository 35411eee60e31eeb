"""Write docs/reference.md: the help of every command, so that the page and the program cannot differ."""

from collections.abc import Iterator
from pathlib import Path

import click

from retina.cli import main

PAGE = Path(__file__).parent / "reference.md"
WIDTH = 100


def commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below and including this one, with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from commands(child, (*words, name))


def render() -> str:
    """The whole page."""
    parts = ["# Commands\n\nWritten by `make docs` from the program's own help.\n"]
    for words, command in commands(main, ("python cli.py",)):
        context = click.Context(
            command, info_name=" ".join(words), terminal_width=WIDTH, help_option_names=["-h", "--help"]
        )
        context.show_default = True
        parts.append(f"## `{' '.join(words)}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
