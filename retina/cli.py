"""The command line: parse, call one function, print. Data go to stdout, everything else to stderr.

Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage. What is heavy is imported inside the commands, so
that help appears at once.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from retina.errors import RetinaError
from retina.experiment import SETTINGS, Setting

RESULTS = Path("results")
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


class OneLineErrors(click.Group):
    """A group whose commands report what a user can mend as one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; turn retina's errors into click's."""
        try:
            return super().invoke(ctx)
        except RetinaError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.strerror} | Where: {str(error.filename)[:200]}") from error


class NumberOrNone(click.ParamType):
    """A number, or the word `none`."""

    name = "float|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:  # noqa: ANN401
        """Keep the word: `None` already says that the option was not given."""
        if value == "none" or isinstance(value, float):
            return value
        return click.FLOAT.convert(value, param, ctx)


def option_of(name: str, rule: Setting) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The command-line option that overrides a field of the experiment."""
    flag = "--" + name.replace("_", "-")
    if rule.kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=rule.help)
    kind = NumberOrNone() if rule.optional else {int: click.INT, float: click.FLOAT, str: click.STRING}[rule.kind]
    text = f"{rule.help} ({', '.join(rule.choices)})" if rule.choices else rule.help
    return click.option(flag, name, type=kind, metavar=None if not rule.choices else "NAME", default=None, help=text)


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for every field of the experiment that a parameter file may set."""
    for name, rule in reversed(SETTINGS.items()):
        if rule.in_file:
            command = option_of(name, rule)(command)
    return command


results_option = click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=RESULTS, help="folder of all results"
)
json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object")
quiet_option = click.option("--quiet", is_flag=True, help="no progress and no announcements")


@click.group(cls=OneLineErrors, context_settings=CONTEXT)
@click.version_option(package_name="retina", prog_name="retina")
def main() -> None:
    """Train classifiers on retinal photographs, and learn how far to trust them.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """


def complete_backbone(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of backbones for the shell."""
    del ctx, param
    return [name for name in SETTINGS["backbone"].choices if name.startswith(incomplete)]


@main.command()
@click.argument("backbone", shell_complete=complete_backbone)
@click.option("--params", default="p1", help="parameter set: p1, p2, or a TOML file")
@click.option("--loss", default="ce", help="ce (cross-entropy) or focal")
@click.option("--seed", type=int, default=0, help="random seed")
@click.option(
    "--data", type=click.Path(path_type=Path), help="data folder [default: RETINA_DATA, else the built-in set]"
)
@experiment_options
@results_option
@click.option(
    "--skip-bad", is_flag=True, help="leave out images that are missing, damaged or in two splits; record which"
)
@click.option("--force", is_flag=True, help="train again although a finished run stands")
@click.option("--dry-run", is_flag=True, help="prepare everything, print the record, train nothing")
@quiet_option
@json_option
def run(
    backbone: str,
    params: str,
    data: Path | None,
    results: Path,
    *,
    skip_bad: bool,
    force: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - one for every setting
) -> None:
    """Train BACKBONE (vgg16, resnet18, resnet50) once and write a run folder.

    Options left out keep the value of the parameter set. Typed again, a finished run is reused, an interrupted one goes
    on.

    Example: python cli.py run resnet18 --params p1 --loss focal
    """
    from retina import experiment

    given = {name: value for name, value in options.items() if value is not None}
    given |= {name: None for name, value in given.items() if value == "none" and SETTINGS[name].optional}
    chosen, overrides = experiment.load(backbone, params, **given)
    from retina.analysis import summary
    from retina.training import fit, plan

    prepared = plan.plan(chosen, overrides, data=data, results=results, skip_bad=skip_bad, quiet=quiet)
    if not quiet:
        announce(prepared.record())
    if dry_run:
        click.echo(json.dumps(prepared.record(), indent=2))
        return
    reached = 0 if force else fit.epochs_reached(prepared, results=results)
    if reached and not quiet:
        click.echo(f"This run was interrupted before and goes on after epoch {reached}.", err=True)
    try:
        finished, reused = fit.execute(prepared, results=results, force=force, quiet=quiet)
    except KeyboardInterrupt:
        raise click.ClickException("interrupted: type the same command again to go on after the last epoch") from None
    if reused:
        click.echo("This run was finished before and is reused; --force trains it again.", err=True)
    report = summary.summarize(finished) | {"reused": reused}
    click.echo(json.dumps(report, indent=2) if as_json else summary.render(report))


def announce(record: dict[str, Any]) -> None:
    """Say on stderr what is about to be trained, on what, and what a result has to beat."""
    from retina.analysis import summary

    splits = record["data"]["splits"]
    counts = ", ".join(f"{name} {part['images']} ({part['prevalence']:.1%} positive)" for name, part in splits.items())
    precision, place = record["experiment"]["precision"], record["environment"]["device_name"]
    majority = record["baselines"]["majority"]
    shares = f"{majority['validation']['accuracy']:.1%} of validation and {majority['test']['accuracy']:.1%} of test"
    click.echo(f"{record['name']}: {precision} on {place}, from {record['weights']['origin']} weights", err=True)
    click.echo(f"Images: {counts}.", err=True)
    click.echo(f"Calling every image the majority class is right in {shares} images: less says nothing.", err=True)
    for line in [*summary.notices(record), *record["data"]["warnings"]]:
        click.echo(line, err=True)


@main.command()
@results_option
@json_option
def runs(results: Path, *, as_json: bool) -> None:
    """List every run made so far.

    Example: python cli.py runs --json
    """
    from retina.analysis import summary

    found, damaged = summary.summarize_all(results)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(summary.render_all(found) if found else f"No runs yet in {results}.")
    for line in damaged:
        click.echo(f"Error: {line}", err=True)
    if damaged:
        raise click.exceptions.Exit(1)


@main.group()
def data() -> None:
    """Audit, fetch or draw a data set."""


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@quiet_option
@json_option
def audit(folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Check the labels and every image of a data set; exit 1 when something would corrupt a result.

    Example: python cli.py data audit path/to/RFMiD
    """
    from retina.data import audit as audits
    from retina.data import labels, synthetic

    report = audits.check(labels.read(folder), thorough=True, quiet=quiet)
    if synthetic.is_drawn(folder):
        click.echo(synthetic.NOTICE, err=True)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else audits.summary(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@quiet_option
def fetch(folder: Path, *, quiet: bool) -> None:
    """Bring RFMiD (CC BY 4.0) into FOLDER and audit it.

    Example: python cli.py data fetch data/rfmid
    """
    from retina.data import audit as audits
    from retina.data import fetch as fetching
    from retina.data import labels

    try:
        found = fetching.fetch(folder, quiet=quiet)
    except RetinaError:
        click.echo(fetching.BY_HAND, err=True)
        raise
    report = audits.check(labels.read(found), thorough=True, quiet=quiet)
    click.echo(audits.summary(report))
    if not report.ok:
        raise click.exceptions.Exit(1)


@data.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, help="random seed")
@quiet_option
def synth(folder: Path, *, seed: int, quiet: bool) -> None:
    """Draw the built-in set, procedural fundus photographs in RFMiD's layout, into FOLDER. It means nothing clinically.

    Example: python cli.py data synth data/drawn --seed 1
    """
    from retina.data import synthetic

    synthetic.synthesize(folder, seed=seed, quiet=quiet)
    click.echo(synthetic.NOTICE, err=True)
    click.echo(folder)
