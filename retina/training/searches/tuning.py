"""A search over learning rates, batch sizes and other settings; its trials are ordinary runs, its memory their folders.

The sampler (Optuna's TPE, seeded) and the pruner (the median of earlier trials) live in memory. Typed again, the search
asks them from the first trial on and reports what the run folders say, so that the same trials follow: a finished or a
pruned trial is not trained again, an interrupted one resumes. There is no second record that could disagree with the
folders, after Ctrl-C or after a kill.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retina.errors import DivergedError, PrunedError, RunError
from retina.experiments.search_space import Space
from retina.experiments.settings import effective, meaningful, without_added
from retina.machine import extras, files, sealed
from retina.runs import folder as runs
from retina.runs import reading, searches
from retina.runs.record import Selection
from retina.training import execution
from retina.training.plan import Plan, data_record
from retina.training.searches import naming
from retina.training.searches.pruning import Prune, objective
from retina.training.tracking.watcher import history

STARTUP = 5
"""Trials drawn at random before the sampler learns from earlier ones, and finished trials before any is pruned."""
WARMUP = 2
"""Epochs that every trial may train: the first ones say little about the last ones."""
DIGITS = 3
"""Significant digits of a learning rate: more would only make names and tables longer."""
OBJECTIVE = "validation AUROC at the epoch with the lowest validation loss, from history.csv"


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Args:
        number: From 1.
        learning_rate: What was tried.
        batch_size: What was tried.
        run: The name of its run.
        state: `finished`, `pruned` or `failed`, which means that it diverged.
        objective: Of a finished trial, 0-1.
        epochs: Epochs that were trained.
        varied: What was tried of the other settings that the search varies.
    """

    number: int
    learning_rate: float
    batch_size: int
    run: str
    state: str
    objective: float | None
    epochs: int
    varied: dict[str, Any] = field(default_factory=dict)


def search(
    first: Plan,
    space: Space,
    *,
    trials: int,
    hear: Callable[[Trial], None] = lambda _: None,
    build: execution.Build | None = None,
) -> list[Trial]:
    """Run a search, or what is missing of it.

    Args:
        first: The plan of a run of the search's settings; what is searched does not count.
        space: What is searched.
        trials: How many trials; more than before continue the search.
        hear: Called with every trial that has ended.
        build: Builds the network of each trial; see `retina.training.execution.execute`.

    Raises:
        RetinaError: Optuna is not installed; or a run cannot be trained for another reason than that it diverged.
    """
    optuna = extras.require("optuna", extra="tune", purpose="tune")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=space.sampler_seed, n_startup_trials=STARTUP),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARMUP),
    )
    states = optuna.trial.TrialState
    results = []
    for number in range(1, trials + 1):
        handle = study.ask()
        trial = run_trial(
            trial_plan(first, space, number, suggested(handle, space)), number, handle, space, build=build
        )
        if trial.state == "finished":
            study.tell(handle, trial.objective)
        else:
            study.tell(handle, state=states.PRUNED if trial.state == "pruned" else states.FAIL)
        results.append(trial)
        hear(trial)
    return results


def suggested(handle: Any, space: Space) -> dict[str, Any]:  # noqa: ANN401 - Optuna's
    """What the sampler wants to try next: name -> value of every searched setting."""
    rate = handle.suggest_float("learning_rate", space.low, space.high, log=True)
    batch = handle.suggest_categorical("batch_size", space.batch_sizes)
    rest = {name: handle.suggest_categorical(name, values) for name, values in space.varied.items()}
    return {"learning_rate": rounded(rate, space), "batch_size": batch} | rest


def rounded(rate: float, space: Space) -> float:
    """A learning rate of `DIGITS` significant digits within the space."""
    # Rounding can lead out of the space.
    return min(max(float(f"{rate:.{DIGITS}g}"), space.low), space.high)


def trial_plan(first: Plan, space: Space, number: int, values: dict[str, Any]) -> Plan:
    """The plan of a trial with these values: on the data and from the weights of the first."""
    experiment = dataclasses.replace(first.experiment, **values)
    # The first plan has a value of everything that is searched.
    kept = {key: entry for key, entry in first.overrides.items() if key not in values}
    file_values = {key: first.overrides.get(key, {"file": getattr(first.experiment, key)})["file"] for key in values}
    overrides = kept | {
        key: {"file": file_values[key], "option": value} for key, value in values.items() if value != file_values[key]
    }
    return dataclasses.replace(
        first,
        experiment=experiment,
        overrides=overrides,
        digest=experiment.digest(data=first.data.fingerprint, weights=first.start.identity),
        selection=Selection(by="tune", search=name(first, space), trial=number),
    )


def run_trial(
    plan: Plan,
    number: int,
    handle: Any,  # noqa: ANN401 - Optuna's
    space: Space,
    *,
    build: execution.Build | None = None,
) -> Trial:
    """Train a trial, or read how it ended in an earlier session.

    Raises:
        RetinaError: it cannot be trained, for another reason than that it diverged.
    """
    run = plan.run
    state = earlier_state(run)
    watcher = Prune(handle, run, plan.experiment)
    if state is None:
        try:
            execution.execute(plan, watchers=[watcher], build=build)
            state = "finished"
        except PrunedError:
            state = "pruned"
        except DivergedError:
            state = "failed"
    rows = history(run)
    for epoch in range(watcher.epochs_reported + 1, len(rows) + 1):
        # `Prune` has reported what was trained now. The pruner must hear of a run that was read from its folder too,
        # since later trials are judged by the median of all.
        handle.report(objective(rows[:epoch]), epoch)
    value = objective(rows) if state == "finished" else None
    item = plan.experiment
    with_effect = effective(item.to_dict())
    varied = {name: with_effect[name] for name in space.varied if name in with_effect}
    return Trial(number, item.learning_rate, item.batch_size, run.folder.name, state, value, len(rows), varied)


def earlier_state(run: runs.Run) -> str | None:
    """How a trial ended in an earlier session; `None` where it is to be trained or resumed."""
    try:
        record = run.record()
    except RunError:  # there is none, or it is damaged, which training raises
        return None
    if record.finished:
        return "finished"
    if record.status == "diverged":
        return "failed"
    return "pruned" if record.pruned_epoch is not None else None


def winner(trials: Sequence[Trial]) -> Trial | None:
    """The finished trial with the highest objective, the earliest of equal ones; `None` where none is finished."""
    finished = [trial for trial in trials if trial.state == "finished" and not math.isnan(trial.objective)]
    return max(finished, key=lambda trial: (trial.objective, -trial.number), default=None)


def name(plan: Plan, space: Space) -> str:
    """The name of a search: what is fixed, and the space; not how many trials."""
    item = plan.experiment
    # What has no effect with the plan's own optimizer may have one with another that is searched.
    settings = without_added(item.to_dict()) if space.varied else meaningful(item.to_dict())
    fixed = {key: value for key, value in settings.items() if key not in space.searched}
    identity = {"experiment": fixed | {"weights": plan.start.identity}, "data": plan.data.fingerprint}
    digest = files.json_sha256(identity | {"space": space.to_dict()})
    return naming.name(plan, f"seed{item.seed}-{digest[:8]}", searches.tuning_folder(plan.place.results), ".json")


def record(plan: Plan, space: Space, trials: Sequence[Trial]) -> dict[str, Any]:
    """The record of a search: plain JSON values."""
    best = winner(trials)
    states = [trial.state for trial in trials]
    settings = {key: value for key, value in plan.experiment.to_dict().items() if key not in space.searched}
    data = data_record(plan.data)
    return {
        "schema": searches.SCHEMA,
        "kind": "tune",
        "name": name(plan, space),
        "objective_is": OBJECTIVE,
        "experiment": settings,
        "data": {"source": data.source, "fingerprint": data.fingerprint, "notice": data.notice},
        "weights": reading.plain(plan.start.record()),
        "space": space.to_dict(),
        "tried": len(trials),
        "finished": states.count("finished"),
        "pruned": states.count("pruned"),
        "failed": states.count("failed"),
        "winner": best.run if best else None,
        "objective": best.objective if best else None,
        "trials": [dataclasses.asdict(trial) for trial in trials],
    }


def write(results: Path, content: dict[str, Any]) -> Path:
    """Write the record of a search, sealed, whole or not at all."""
    path = searches.tuning_folder(results) / f"{content['name']}.json"
    files.write_text(path, sealed.seal(content))
    return path
