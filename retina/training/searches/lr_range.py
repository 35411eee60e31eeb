"""A learning-rate range test: train while the rate grows, with several seeds; the networks are not kept."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from retina.data.feeding.batches import ShuffledBatches
from retina.experiments.search_space import Range
from retina.experiments.settings import meaningful
from retina.machine import device, files, memory, progress, provenance
from retina.runs import reading, searches
from retina.training import execution, setup
from retina.training.loop.fit import compiled, optimizer_of
from retina.training.loop.losses import training_loss
from retina.training.plan import Plan, data_record, now
from retina.training.searches import naming
from retina.training.searches.lr_rule import DivergenceDetector, Suggestion, rates, smooth, suggest

OF_A_SCHEDULE = (
    *("learning_rate", "warmup_epochs", "schedule", "plateau_patience", "plateau_factor", "freeze_epochs", "ema"),
    *("epochs", "early_stopping", "patience", "seed"),
)
"""Settings that a range test varies or does not need."""


@dataclass(frozen=True)
class Trace:
    """The test with one seed.

    Args:
        seed: The random seed.
        rates: (N,) float64, rising.
        losses: (N,) float64, the training loss of each step's batch, before the step; finite.
        smoothed: (N,) float64.
        diverged: The loss left all bounds before the range ended.
        suggestion: The rate that its losses suggest.
    """

    seed: int
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged: bool
    suggestion: Suggestion

    def to_dict(self) -> dict[str, Any]:
        """As recorded: plain JSON values."""
        suggestion = {"suggestion": self.suggestion.rate, "lower_bound": bool(self.suggestion.at_end)}
        return {"seed": self.seed} | suggestion | {"steps": len(self.rates), "diverged": self.diverged}


def content(plan: Plan, span: Range) -> dict[str, Any]:
    """All that decides a range test, as plain JSON values."""
    settings = {key: value for key, value in plan.experiment.to_dict().items() if key not in OF_A_SCHEDULE}
    data = data_record(plan.data)
    return {
        "schema": searches.SCHEMA,
        "kind": "lr-find",
        "experiment": settings,
        "first_seed": plan.experiment.seed,
        "range": dataclasses.asdict(span),
        "data": {"source": data.source, "fingerprint": data.fingerprint, "notice": data.notice},
        "weights": reading.plain(plan.start.record()),
        "rule": "a tenth of the rate at which the smoothed training loss is lowest",
    }


def name(plan: Plan, span: Range) -> str:
    """The name of a range test and of its folder."""
    basis = content(plan, span)
    identity = {"experiment": meaningful(basis["experiment"]), "weights": plan.start.identity}
    identity |= {key: basis[key] for key in ("first_seed", "range", "rule")} | {"data": plan.data.fingerprint}
    return naming.name(plan, files.json_sha256(identity)[:8], searches.range_folder(plan.place.results))


def measure(plan: Plan, span: Range, *, build: execution.Build | None = None) -> list[Trace]:
    """Train one network a seed while the learning rate grows; only training images are seen.

    Args:
        plan: What is trained; its learning rate and epochs do not count.
        span: The range.
        build: Builds the network of each seed; `None` takes `retina.training.setup.build`.

    Raises:
        RetinaError: there is not enough memory, or a layer has no deterministic kernel.
    """
    memory.keep_freed()
    kernels = device.deterministic_kernels(wanted=plan.experiment.deterministic)
    traces = []
    with kernels, execution.torch_errors_in_one_line():
        for number in range(span.seeds):
            seed = plan.experiment.seed + number
            reseeded = dataclasses.replace(plan, experiment=dataclasses.replace(plan.experiment, seed=seed))
            with progress.bar(f"seed {seed}", span.steps, quiet=plan.place.quiet, unit="steps") as advance:
                traces.append(_trace(reseeded, span, (build or setup.build)(reseeded), advance))
    return traces


def _trace(plan: Plan, span: Range, whole: keras.Model, advance: Callable[[int], None]) -> Trace:
    """Train with one seed while the rate grows."""
    experiment = plan.experiment
    network, batches = setup.training(plan, whole)
    # No validation image is seen, so there is nothing to average for.
    optimizer = optimizer_of(dataclasses.replace(experiment, ema=0.0), network, plan.backbone)
    loss = training_loss(experiment, plan.data.splits["train"].prevalence)
    model = compiled(network, experiment.precision, optimizer, loss)
    schedule = rates(span.low, span.high, span.steps)
    losses: list[float] = []
    detector, diverged = DivergenceDetector(), False
    for rate, (images, labels) in zip(schedule, endless(batches), strict=False):
        model.optimizer.learning_rate = float(rate)
        model.reset_metrics()  # else Keras gives the mean loss of all steps so far
        loss = float(model.train_on_batch(images, labels, return_dict=True)["loss"])
        advance(1)
        diverged = detector.diverged(loss)
        if diverged:
            break
        losses.append(loss)
    curve = np.asarray(losses, np.float64)
    curve_rates = schedule[: len(curve)]
    suggestion = suggest(curve_rates, curve, span.steps)
    return Trace(experiment.seed, curve_rates, curve, smooth(curve, span.steps), diverged, suggestion)


def endless(batches: ShuffledBatches) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Training batches, epoch after epoch; a last batch that is not full is left out, unless it is the only one."""
    full = max(1, len(batches.labels) // batches.batch_size)
    epoch = 1
    while True:
        batches.epoch = epoch
        yield from (batches[index] for index in range(full))
        epoch += 1


def record(plan: Plan, span: Range, traces: list[Trace]) -> dict[str, Any]:
    """The record of a range test, to be sealed: plain JSON values."""
    seeds = {"name": name(plan, span), "made": now(), "seeds": [trace.to_dict() for trace in traces]}
    basis = content(plan, span) | seeds | {"environment": provenance.describe()}
    summary = searches.RangeTest.of(basis["name"], basis)
    return basis | {"suggestion": summary.typical, "spread": summary.spread}


def folder(plan: Plan, span: Range) -> Path:
    """Where a range test is written."""
    return searches.range_folder(plan.place.results) / name(plan, span)
