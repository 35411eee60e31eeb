"""The sentences beside a run's numbers, which no reader must miss."""

import math

from retina.analysis.comparing.summary import BestAccuracy, Summary
from retina.runs.record import Record

YOUNG = 0.05
"""Share of the first weights in an average from which on it says little of the later ones."""
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
            sentences.append("Balanced class weights give accuracy at a probability of 0.5 away: see the AUROC.")
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
    sentences = [record.weights.notice, record.data.notice, unfinished_warmup(record), young_average(record)]
    sentences += without_effect(record)
    excluded = len(record.data.excluded)
    if excluded:
        sentences.append(f"{excluded} images were left out; the record of the run names them")
    return [sentence.rstrip(".") + "." for sentence in sentences if sentence]


def without_effect(record: Record) -> list[str]:
    """A sentence on each value that was set, in a file of the user's, and that nothing reads."""
    values = record.experiment.to_dict()
    unread = record.experiment.unread
    return [f"{name} {values[name]} has no effect with {other} {values[other]}" for name, other in unread.items()]


def young_average(record: Record) -> str | None:
    """The sentence on averaged weights that even at the end are not those that were trained; `None` for others."""
    experiment = record.experiment
    steps = math.ceil(record.data.splits["train"].images / experiment.batch_size)
    steps *= experiment.epochs - experiment.frozen_epochs
    left = experiment.ema**steps
    if left < YOUNG:
        return None
    return (
        f"An ema of {experiment.ema:g} is too slow for {steps} steps: the average, which is validated and kept, still "
        f"holds {left:.0%} of the weights that training began with"
    )


def unfinished_warmup(record: Record) -> str | None:
    """The sentence on a run that ends before its rate is whole, such as a short trial of p2; `None` for any other."""
    experiment = record.experiment
    epochs = experiment.epochs - experiment.frozen_epochs
    if experiment.warmup_epochs <= epochs:
        return None
    reached = experiment.learning_rate * epochs / experiment.warmup_epochs
    after = "after the epochs of the head alone " if experiment.frozen_epochs else ""
    return (
        f"A warm-up of {experiment.warmup_epochs:g} epochs does not end in {epochs}: {after}the learning rate rises to "
        f"{reached:.3g}, not to {experiment.learning_rate:g}"
    )
