"""The command line: parse, call one function, print. Data go to stdout, everything else to stderr.

Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage. What is heavy is imported inside the commands, so
that help appears at once.
"""

from collections.abc import Sequence
from typing import Any

import click

from retina import __version__
from retina.commands.backbones import backbones
from retina.commands.compare import compare
from retina.commands.data import data
from retina.commands.lr_find import lr_find
from retina.commands.run import run
from retina.commands.runs import runs
from retina.commands.study import study
from retina.commands.tune import tune
from retina.errors import RetinaError
from retina.machine import installation, signals

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


class OneLineErrors(click.Group):
    """A group whose commands report what a user can fix as one line and exit code 1."""

    whole_process = False

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # noqa: ANN401 - click's own
        """Take the words given, or those of the process, which then ends with the command."""
        self.whole_process = args is None
        return super().main(args, **options)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; turn retina's errors into click's."""
        try:
            with signals.as_interrupt(at_last=self.whole_process):
                return super().invoke(ctx)
        except RetinaError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            raise click.ClickException("interrupted: type the same command again") from None
        except ModuleNotFoundError as error:
            message = f"the package {error.name} is not installed | Next: {installation.command()}"
            raise click.ClickException(message) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.strerror} | Where: {str(error.filename)[:200]}") from error


@click.group(cls=OneLineErrors, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="retina")
def main() -> None:
    """Train classifiers on retinal photographs, and learn how far to trust them.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """


main.add_command(backbones)
main.add_command(compare)
main.add_command(data)
main.add_command(lr_find)
main.add_command(run)
main.add_command(runs)
main.add_command(study)
main.add_command(tune)
