"""One run: planned, trained or reused, and summarised."""

from dataclasses import dataclass

from retina.analysis.comparing import summary
from retina.analysis.comparing.summary import Summary
from retina.experiments import parameters
from retina.experiments.place import HERE, Place
from retina.machine.progress import Say, silent
from retina.runs.folder import Run
from retina.training import execution
from retina.training import plan as planning
from retina.training.plan import Plan
from retina.training.tracking import follow
from retina.workflows import announcements


@dataclass(frozen=True)
class RunResult:
    """A run that has its results.

    Args:
        run: Its folder.
        reused: It was finished before.
        summary: Its record and its metrics, see `retina.analysis.comparing.summary`;
            `retina.reporting.terminal.remarks` has the sentences that belong beside them.
    """

    run: Run
    reused: bool
    summary: Summary


def plan_run(backbone: str, params: str = "p1", *, place: Place = HERE, say: Say = silent, **settings: object) -> Plan:
    """Prepare a run as far as it goes without training: data decoded, weights found, baselines measured.

    Args:
        backbone: Name of the backbone.
        params: Name of a parameter set, or a path to a TOML file.
        place: Where the run takes place.
        say: Called with each announcement.
        **settings: Fields of `retina.experiments.experiment.Experiment`; each overrides the parameter set's.

    Raises:
        RetinaError: a setting is wrong, or the data or the weights are not available.
    """
    plan = planning.plan(parameters.load(backbone, params, **settings), place)
    for line in announcements.of_run(plan.record()):
        say(line)
    return plan


def run(
    backbone: str,
    params: str = "p1",
    *,
    place: Place = HERE,
    force: bool = False,
    track: str | None = None,
    say: Say = silent,
    **settings: object,
) -> RunResult:
    """Train a run; reuse it where it is finished, resume it where it was interrupted.

    Args:
        backbone: See `plan_run`.
        params: See `plan_run`.
        place: See `plan_run`.
        force: Train again from the start, even where there is a finished or an interrupted run.
        track: A tracker to show it in, `tensorboard` or `mlflow`.
        say: Called with each announcement.
        **settings: See `plan_run`.

    Raises:
        KeyboardInterrupt: it was interrupted; the same call resumes it.
        RetinaError: see `plan_run` and `retina.training.execution.execute`.
    """
    plan = plan_run(backbone, params, place=place, say=say, **settings)
    reached = 0 if force else execution.epochs_reached(plan)
    if reached:
        say(f"This run was interrupted before and goes on after epoch {reached}.")
    with follow.tracked(track, plan) as watchers:
        run_folder, reused = execution.execute(plan, force=force, watchers=watchers)
    return RunResult(run_folder, reused, summary.summarize(run_folder))
