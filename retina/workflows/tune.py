"""A search over learning rate, batch size and other settings on validation, every trial an ordinary run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from retina.errors import ExperimentError
from retina.experiments import parameters
from retina.experiments.place import HERE, Place
from retina.experiments.search_space import Space
from retina.machine import extras
from retina.machine.progress import Say, silent
from retina.training import plan as planning
from retina.training.searches import tuning
from retina.training.searches.tuning import Trial
from retina.workflows import announcements


@dataclass(frozen=True)
class TuneResult:
    """A search that is over.

    Args:
        trials: Its trials, in their order.
        record: Its record, as it is written: plain JSON values.
        file: Where it is written.
    """

    trials: list[Trial]
    record: dict[str, Any]
    file: Path

    @property
    def winner(self) -> str | None:
        """The name of the run with the highest objective; `None` where no trial is finished."""
        return self.record["winner"]


def tune(
    backbone: str,
    params: str = "p1",
    *,
    trials: int,
    low: float = Space.low,
    high: float = Space.high,
    batch_sizes: Sequence[int] = Space.batch_sizes,
    sampler_seed: int = Space.sampler_seed,
    varied: Mapping[str, Sequence[Any]] | None = None,
    place: Place = HERE,
    say: Say = silent,
    **settings: object,
) -> TuneResult:
    """Search learning rate, batch size and other settings; finished trials are reused, an interrupted one resumes.

    Args:
        backbone: Name of the backbone.
        params: Name of a parameter set, or a path to a TOML file.
        trials: How many trials; more than before continue the search.
        low: The lowest learning rate; the scale is logarithmic.
        high: The highest learning rate.
        batch_sizes: What to choose from.
        sampler_seed: The random seed of the search itself.
        varied: Other settings that are searched: name -> the values to choose from.
        place: Where the runs take place.
        say: Called with each announcement, and with a line for every trial that is over.
        **settings: Fields of `retina.experiments.experiment.Experiment`, but for those that are searched.

    Raises:
        KeyboardInterrupt: it was interrupted; the same call resumes it.
        RetinaError: a setting or the space is wrong, Optuna is not installed, or a run cannot be trained for another
            reason than that it diverged.
    """
    choices = {name: tuple(values) for name, values in (varied or {}).items()}
    space = Space(low, high, tuple(batch_sizes), sampler_seed, choices)
    twice = [name for name in settings if name in space.searched]
    if twice:
        raise ExperimentError(f"{twice[0]} is both fixed and searched", advice="leave one of the two out")
    basis = parameters.gather(backbone, params, **settings)
    space.require_trials(basis)
    choice = basis.trial(space.first).choice()
    extras.require("optuna", extra="tune", purpose="tune")
    plan = planning.plan(choice, place)
    if plan.start.origin == "random" and choice.fallback is not None:
        space.require_trials(choice.fallback)  # random weights have other settings than ImageNet's
    name = tuning.name(plan, space)
    for line in announcements.of_run(replace(plan.record(), name=f"tune {name}"), settings=False):
        say(line)
    if ":" in name:
        say(f"The search keeps the name that an earlier version gave it: {name}")
    results = tuning.search(
        plan, space, trials=trials, hear=lambda trial: say(f"Trial {trial.number} of {trials}: {in_words(trial)}")
    )
    record = tuning.record(plan, space, results)
    return TuneResult(results, record, tuning.write(place.results, record))


def in_words(trial: Trial) -> str:
    """A trial in one line."""
    result = trial.state if trial.objective is None else f"validation AUROC {trial.objective:.4f}"
    varied = "".join(f", {name} {value}" for name, value in trial.varied.items())
    tried = f"learning rate {trial.learning_rate:g}, batch {trial.batch_size}{varied}"
    return f"{tried}: {result} after {trial.epochs} epochs"
