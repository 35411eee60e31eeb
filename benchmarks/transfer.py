"""What every finished run of some results folders has learned, as docs/transfer.md tells it, and each recipe's mean.

    python benchmarks/transfer.py results

A run has learned where its lowest training loss is at least a tenth below that of the best answer that is the same for
all images, and its AUROC on validation is above 0.65. A recipe is all runs that differ in their seeds alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from retina.analysis.diagnosis import Curve
from retina.analysis.diagnosis.pretraining import best_constant
from retina.experiments.settings import meaningful
from retina.numbers.ranking import auroc
from retina.runs.folder import Run, list_runs
from retina.runs.record import Record

BELOW = 0.9  # of the constant answer's loss
RANKS = 0.65  # an AUROC: a regression on colours alone has .634 on the photographs of docs/transfer.md
SPLITS = ("validation", "test")
COLUMNS = (
    *("backbone", "set", "loss", "px", "seed", "epochs"),
    *("training loss", "best epoch", "validation", "test", "learned"),
)


class Row(NamedTuple):
    """A finished run: the lowest training loss, and AUROCs of the epoch of the lowest validation loss."""

    backbone: str
    params: str
    loss: str
    image_size: int
    seed: int
    epochs: int
    train_loss: float
    best_epoch: int
    validation: float
    test: float
    learned: bool
    recipe: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        """A row of a Markdown table."""
        cells = [*self[:6], f"{self.train_loss:.3f}", self.best_epoch, share(self.validation), share(self.test)]
        cells += ["yes" if self.learned else "no"]
        return f"| {' | '.join(map(str, cells))} |"


def share(value: float) -> str:
    """A number below 1 with three decimals and no zero before the point."""
    return f"{value:.3f}".removeprefix("0")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows of all finished runs, then mean and standard deviation of every recipe with two seeds or more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="results folders; the runs of all are taken together")
    folders = parser.parse_args(arguments).results
    runs = [run for folder in folders for run in list_runs(folder)]
    by_digest = {run.record().digest: run for run in runs if run.record().finished}  # a copy is no other seed
    rows = sorted(map(of_run, by_digest.values()))
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    print("\n".join(map(str, rows)))
    print()
    for _, members in pd.DataFrame(rows, columns=Row._fields).groupby("recipe", sort=False):
        if len(members) > 1:
            print(summary(members))


def summary(members: pd.DataFrame) -> str:
    """A recipe's runs in a line: how many have learned, and mean and standard deviation of their AUROCs."""
    first = members.iloc[0]
    name = f"{first['backbone']} {first['params']} {first['loss']} {first['image_size']} px"
    areas = [f"{split} {share(members[split].mean())} (SD {share(members[split].std())})" for split in SPLITS]
    return f"{name}: {members['learned'].sum()} of {len(members)} learned; {', '.join(areas)}"


def of_run(run: Run) -> Row:
    """The row of a finished run."""
    record, history, predictions = run.record(), run.history(), run.predictions()
    experiment = record.experiment
    areas = {str(split): auroc(part["label"], part["logit"]) for split, part in predictions.groupby("split")}
    lowest, constant = float(history["train_loss"].min()), best_constant(Curve.of(record, history))
    return Row(
        backbone=experiment.backbone,
        params=experiment.params,
        loss=experiment.loss,
        image_size=experiment.image_size,
        seed=experiment.seed,
        epochs=len(history),
        train_loss=lowest,
        best_epoch=record.best_epoch,
        validation=areas["validation"],
        test=areas["test"],
        learned=constant is not None and lowest <= BELOW * constant and areas["validation"] > RANKS,
        recipe=tuple(sorted(recipe(record).items())),
    )


def recipe(record: Record) -> dict[str, object]:
    """All that decides a run but its seed: settings with an effect, data, and starting weights."""
    settings = meaningful(record.experiment.to_dict())
    del settings["seed"]
    start = f"{record.weights.origin} {record.weights.sha256}"
    return settings | {"data": record.data.fingerprint, "starting weights": start}


if __name__ == "__main__":
    main()
