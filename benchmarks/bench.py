"""How fast retina is beside what it is measured against: one ratio a row, from turns taken side by side.

python benchmarks/bench.py                     all rows, printed and written to benchmarks/results/<machine>.csv
python benchmarks/bench.py step-resnet18       one row
"""

import argparse
import csv
import importlib.util
import re
import statistics
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import plain
import torch
from duel import Result, Side, duel

RESULTS = Path(__file__).parent / "results"
COLUMNS = (
    *("date", "commit", "row", "target", "ratio", "lowest", "highest", "turns"),
    *("ours_images_per_second", "theirs_images_per_second", "ours_peak_mib", "theirs_peak_mib"),
    *("precision", "threads", "torch"),
)
SIDE = 224


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: The word on the command line.
        work: `training` or `evaluation`, a function of `ours.py`.
        rival: The other side, a function of `plain.py`.
        backbone: Which network.
        batch: Images a batch.
        steps: Batches a turn.
        turns: Counted turns of each side.
        target: The ratio that is aimed at.
        needs: A package that the rival needs beyond retina's own.
    """

    name: str
    work: str
    rival: str
    backbone: str
    batch: int
    steps: int
    turns: int
    target: float
    needs: str = ""

    @property
    def images(self) -> int:
        """Images a turn."""
        return self.batch * self.steps

    def measure(self) -> Result:
        """Let both sides take their turns."""
        work = {"backbone": self.backbone, "batch": self.batch, "steps": self.steps, "side": SIDE}
        return duel(Side(f"ours:{self.work}", work), Side(f"plain:{self.rival}", work), turns=self.turns)


# VGG16 takes twenty seconds a step on two cores: one step a turn, and fewer turns.
ROWS = (
    Row("step-resnet18", "training", "training", "resnet18", 32, 3, 7, 1.1),
    Row("step-resnet50", "training", "training", "resnet50", 32, 1, 7, 1.1),
    Row("step-vgg16", "training", "training", "vgg16", 32, 1, 3, 1.1),
    Row("stock-resnet18", "training", "stock_keras", "resnet18", 32, 3, 5, 2.0, needs="keras_hub"),
    Row("stock-resnet50", "training", "stock_keras", "resnet50", 32, 1, 5, 2.0),
    Row("stock-vgg16", "training", "stock_keras", "vgg16", 32, 1, 2, 2.0),
    Row("validation-resnet18", "evaluation", "evaluation", "resnet18", 64, 3, 7, 1.0),
    Row("validation-resnet50", "evaluation", "evaluation", "resnet50", 64, 1, 7, 1.0),
    Row("validation-vgg16", "evaluation", "evaluation", "vgg16", 64, 1, 3, 1.0),
)


def record(row: Row, result: Result) -> dict[str, object]:
    """A row of the table with what is needed to doubt it."""
    ours, theirs = (row.images / statistics.median(side) for side in (result.ours, result.theirs))
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "row": row.name,
        "target": row.target,
        "ratio": round(result.ratio, 3),
        "lowest": round(min(result.ratios), 3),
        "highest": round(max(result.ratios), 3),
        "turns": len(result.ours),
        "ours_images_per_second": round(ours, 2),
        "theirs_images_per_second": round(theirs, 2),
        "ours_peak_mib": result.memory[0],
        "theirs_peak_mib": result.memory[1],
        "precision": "bfloat16" if plain.has_bfloat16() and row.rival != "stock_keras" else "float32",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def commit() -> str:
    """The commit of the code, with a plus sign where it was changed since."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    found = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or "unknown"


def machine() -> str:
    """A file name for this machine: its processor's name and its cores."""
    from retina import environment  # here, so that the plain side starts without retina's settings

    name = f"{environment.processor()} {torch.get_num_threads()} threads"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def write(rows: list[dict[str, object]], path: Path) -> None:
    """Add rows to the machine's table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Measure the rows asked for, print each as it is done, and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="one of " + ", ".join(row.name for row in ROWS))
    options = parser.parse_args()
    known = {row.name: row for row in ROWS}
    unknown = [name for name in options.rows if name not in known]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; the rows are {', '.join(known)}")
    print(f"{'row':<22}{'ratio':>7}{'lowest':>8}{'highest':>9}{'target':>8}{'retina':>10}{'other':>8}  images/s")
    for name in options.rows or known:
        row = known[name]
        if row.needs and importlib.util.find_spec(row.needs) is None:
            print(f"{name:<22}not measured: the package {row.needs} is not installed", flush=True)
            continue
        measured = record(row, row.measure())
        write([measured], RESULTS / f"{machine()}.csv")
        figures = "{ratio:>7.2f}{lowest:>8.2f}{highest:>9.2f}{target:>8.1f}".format(**measured)
        speeds = "{ours_images_per_second:>10.1f}{theirs_images_per_second:>8.1f}".format(**measured)
        print(f"{name:<22}{figures}{speeds}", flush=True)


if __name__ == "__main__":
    main()
