"""A learning-rate range test: train while the rate grows, with several seeds, and throw the networks away."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from retina.data.feeding.batches import ShuffledBatches
from retina.experiments.settings import meaningful
from retina.machine import device, files, memory, progress, provenance
from retina.runs import reading, searches
from retina.training import execution, setup
from retina.training.loop.fit import compiled
from retina.training.loop.losses import LOSSES
from retina.training.plan import Plan, now, recorded
from retina.training.searches import naming
from retina.training.searches.lr_rule import DivergenceDetector, Suggestion, rates, smooth, suggest

OF_A_SCHEDULE = ("learning_rate", "epochs", "early_stopping", "patience", "seed")
"""Settings that a range test has no use for."""


@dataclass(frozen=True)
class Range:
    """What is tested.

    Args:
        low: The first learning rate.
        high: The last one.
        steps: Training steps between them at most.
        seeds: How many seeds, from the experiment's own.
    """

    low: float = 1e-7
    high: float = 1.0
    steps: int = 100
    seeds: int = 3


@dataclass(frozen=True)
class Trace:
    """What one seed showed.

    Args:
        seed: The random seed.
        rates: (N,) float64, rising.
        losses: (N,) float64, the training loss of each step's batch, before the step; finite.
        smoothed: (N,) float64.
        diverged: The loss left all bounds before the range ended.
        suggestion: What follows.
    """

    seed: int
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged: bool
    suggestion: Suggestion

    def to_dict(self) -> dict[str, Any]:
        """As recorded: plain JSON values."""
        said = {"suggestion": self.suggestion.rate, "lower_bound": bool(self.suggestion.at_end)}
        return {"seed": self.seed} | said | {"steps": len(self.rates), "diverged": self.diverged}


def content(plan: Plan, tested: Range) -> dict[str, Any]:
    """What a range test follows from, as plain JSON values."""
    settings = {key: value for key, value in plan.experiment.to_dict().items() if key not in OF_A_SCHEDULE}
    data = recorded(plan.data)
    return {
        "schema": searches.SCHEMA,
        "kind": "lr-find",
        "experiment": settings,
        "first_seed": plan.experiment.seed,
        "range": dataclasses.asdict(tested),
        "data": {"source": data.source, "fingerprint": data.fingerprint, "notice": data.notice},
        "weights": reading.plain(plan.start.recorded()),
        "rule": "a tenth of the rate at which the smoothed training loss is lowest",
    }


def name(plan: Plan, tested: Range) -> str:
    """The name of a range test and of its folder."""
    basis = content(plan, tested)
    identity = {"experiment": meaningful(basis["experiment"]), "weights": plan.start.identity}
    identity |= {key: basis[key] for key in ("first_seed", "range", "rule")} | {"data": plan.data.fingerprint}
    return naming.name(plan, files.json_sha256(identity)[:8], searches.range_folder(plan.place.results))


def measure(plan: Plan, tested: Range) -> list[Trace]:
    """Train one network a seed while the learning rate grows; only training images are seen.

    Args:
        plan: What is trained; its learning rate and epochs do not count.
        tested: The range.

    Raises:
        RetinaError: memory does not suffice, or a kernel is missing.
    """
    memory.keep_freed()
    kernels = device.deterministic_kernels(wanted=plan.experiment.deterministic)
    traces = []
    with kernels, execution.torch_in_words():
        for number in range(tested.seeds):
            seed = plan.experiment.seed + number
            changed = dataclasses.replace(plan, experiment=dataclasses.replace(plan.experiment, seed=seed))
            with progress.bar(f"seed {seed}", tested.steps, quiet=plan.place.quiet, unit="steps") as advance:
                traces.append(_trace(changed, tested, advance))
    return traces


def _trace(plan: Plan, tested: Range, advance: Callable[[int], None]) -> Trace:
    """What one seed shows."""
    experiment = plan.experiment
    network, batches = setup.training(plan, setup.build(plan))
    model = compiled(network, experiment.precision, tested.low, LOSSES[experiment.loss](experiment))
    planned = rates(tested.low, tested.high, tested.steps)
    losses: list[float] = []
    detector, diverged = DivergenceDetector(), False
    for rate, (images, labels) in zip(planned, endless(batches), strict=False):
        model.optimizer.learning_rate = float(rate)
        model.reset_metrics()  # Keras answers with a running mean
        loss = float(model.train_on_batch(images, labels, return_dict=True)["loss"])
        advance(1)
        diverged = detector.diverged(loss)
        if diverged:
            break
        losses.append(loss)
    curve = np.asarray(losses, np.float64)
    reached = planned[: len(curve)]
    suggestion = suggest(reached, curve, tested.steps)
    return Trace(experiment.seed, reached, curve, smooth(curve, tested.steps), diverged, suggestion)


def endless(batches: ShuffledBatches) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Training batches, epoch after epoch; a last one that is not full is left out where there are others."""
    full = max(1, len(batches.labels) // batches.batch_size)
    epoch = 1
    while True:
        batches.epoch = epoch
        yield from (batches[index] for index in range(full))
        epoch += 1


def record(plan: Plan, tested: Range, traces: list[Trace]) -> dict[str, Any]:
    """The record of a range test, to be sealed: plain JSON values."""
    seeds = {"name": name(plan, tested), "made": now(), "seeds": [trace.to_dict() for trace in traces]}
    basis = content(plan, tested) | seeds | {"environment": provenance.describe()}
    summary = searches.RangeTest.of(basis["name"], basis)
    return basis | {"suggestion": summary.typical, "spread": summary.spread}


def folder(plan: Plan, tested: Range) -> Path:
    """Where a range test is written."""
    return searches.range_folder(plan.place.results) / name(plan, tested)
