"""The sentences beside a run's numbers, which no reader must miss."""

import math
from typing import TYPE_CHECKING

from retina.analysis.comparing.summary import BestAccuracy, Summary
from retina.runs.record import Record

if TYPE_CHECKING:
    from retina.experiments.experiment import Experiment

YOUNG = 0.05
"""An average that holds at least this share of the first weights says little of the trained ones."""
VERDICTS = {"alike": "cannot be told from", "worse": "is worse than"}


def remarks(summary: Summary) -> list[str]:
    """The sentences beside a run's numbers: its notices; of a finished run, what its curves say too."""
    sentences = notices(summary.record)
    if summary.best_accuracy is None:
        return sentences
    stop = summary.record.early_stopping
    if not stop.used and stop.stop_epoch is not None:
        sentences.append(
            f"Early stopping with patience {stop.patience} would have stopped after epoch {stop.stop_epoch}."
        )
    if summary.best_accuracy.verdict in VERDICTS:
        sentences.append(no_better_than_majority(summary.best_accuracy))
        if summary.record.experiment.class_weight == "balanced":
            sentences.append(
                "Balanced class weights cost accuracy at a probability of 0.5: judge the run by its AUROC."
            )
    return sentences


def no_better_than_majority(best: BestAccuracy) -> str:
    """The sentence on an accuracy that does not beat the majority guess."""
    return (
        f"The best validation accuracy of any epoch, {best.value:.3f} (95 % interval {best.low:.3f}-{best.high:.3f}, "
        f"optimistic because it is the best of several), {VERDICTS[best.verdict]} calling every image the majority "
        f"class ({best.majority:.3f})."
    )


def notices(record: Record) -> list[str]:
    """The sentences on weights, data and settings, which are settled before training and concern every number."""
    return of_material(record) + of_settings(record.experiment, record.data.splits["train"].images)


def of_material(record: Record) -> list[str]:
    """The sentences on weights and data."""
    sentences = [record.weights.notice, record.data.notice]
    excluded = len(record.data.excluded)
    if excluded:
        sentences.append(f"{excluded} images were left out; the record of the run names them")
    return [sentence.rstrip(".") + "." for sentence in sentences if sentence]


def of_settings(experiment: "Experiment", images: int) -> list[str]:
    """The sentences on settings that do not do what one may expect of them, with that many training images."""
    sentences = [unfinished_warmup(experiment), idle_schedule(experiment), young_average(experiment, images)]
    sentences += without_effect(experiment)
    return [f"{sentence}." for sentence in sentences if sentence]


def without_effect(experiment: "Experiment") -> list[str]:
    """A sentence on each value that was chosen and that nothing reads; as an option it would have been refused."""
    values, unread = experiment.to_dict(), experiment.unread
    return [f"{name} {values[name]} has no effect with {other} {values[other]}" for name, other in unread.items()]


def young_average(experiment: "Experiment", images: int) -> str | None:
    """The sentence on averaged weights that even at the end are not those that were trained; `None` for others."""
    steps = math.ceil(images / experiment.batch_size) * (experiment.epochs - experiment.frozen_epochs)
    left = experiment.ema**steps
    if left < YOUNG:
        return None
    return (
        f"An ema of {experiment.ema:g} is too slow for {steps} steps: the average, which is validated and kept, still "
        f"holds {left:.0%} of the weights that training began with"
    )


def idle_schedule(experiment: "Experiment") -> str | None:
    """The sentence on a schedule that cannot lower the rate of any epoch; `None` for any other."""
    if experiment.schedule == "cosine" and experiment.warmup_epochs >= experiment.epochs - experiment.frozen_epochs:
        return "The cosine schedule has no effect: it begins after the warm-up, which lasts to the end of training"
    # The epoch after the opening has the loss to fall below, and the next one after the wait the lower rate.
    first = experiment.opening_epochs + experiment.plateau_patience + 2
    if experiment.schedule == "plateau" and experiment.epochs < first:
        return f"The plateau schedule has no effect: epoch {first} is the first whose rate it can lower"
    return None


def unfinished_warmup(experiment: "Experiment") -> str | None:
    """The sentence on a run that ends before its rate is whole, such as a short trial of p2; `None` for any other."""
    epochs = experiment.epochs - experiment.frozen_epochs
    if experiment.warmup_epochs <= epochs:
        return None
    reached = experiment.learning_rate * epochs / experiment.warmup_epochs
    after = "after the epochs of the head alone " if experiment.frozen_epochs else ""
    return (
        f"A warm-up of {experiment.warmup_epochs:g} epochs does not end in {epochs}: {after}the learning rate rises to "
        f"{reached:.3g}, not to {experiment.learning_rate:g}"
    )
