"""How long `compare` takes, and how much memory, of made-up runs with as many images as RFMiD has; whole processes.

    python benchmarks/comparing.py 12 200 1000

The runs are all backbones, parameter sets and losses over as many seeds as there must be, with made-up curves and
logits. One start of each number is not counted; what is printed is the median of the others, and the largest process.
"""

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from made_runs import make_run  # noqa: E402 - of the tests, see the line above

RUNS = tuple(itertools.product(("resnet18", "resnet50", "vgg16"), ("p1", "p2"), ("ce", "focal")))
SKILLS = {"resnet18": 0.9, "resnet50": 0.8, "vgg16": 0.5}
COUNTS = {"train": (1920, 1519), "validation": (640, 506), "test": (640, 506)}
MIB = 1024  # KiB, the unit of `ru_maxrss` on Linux


def make_runs(results: Path, count: int) -> None:
    """Write run folders."""
    for number in range(count):
        seed, place = divmod(number, len(RUNS))
        backbone, params, loss = RUNS[place]
        skill = SKILLS[backbone] + (0.1 if params == "p1" else 0) + 0.01 * (seed % 5)
        made = {"skill": skill, "digest": f"{number:08x}", "counts": COUNTS, "epochs": 10 if params == "p1" else 15}
        make_run(results, backbone, params, loss, seed, **made)


def seconds(results: Path) -> float:
    """How long one comparison takes."""
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "cli.py"), "compare", "--results", str(results), "--quiet"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - began


def main() -> None:
    """Print a line for each number of runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=int, nargs="+", help="how many runs are compared")
    parser.add_argument("--turns", type=int, default=3, help="starts that are counted")
    options = parser.parse_args()
    for count in sorted(options.runs):  # the largest process so far is that of the largest comparison
        with tempfile.TemporaryDirectory(prefix="retina-bench-") as name:
            results = Path(name)
            make_runs(results, count)
            times = [seconds(results) for _ in range(1 + options.turns)][1:]
            pairs = (results / "comparison" / "pairwise.csv").read_text(encoding="utf-8").count("\n") - 1
            figures = len(list((results / "comparison" / "figures").glob("*.png")))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / MIB
        print(
            f"{count} runs ({pairs} pairs, {figures} figures): median {statistics.median(times):.1f} s "
            f"({min(times):.1f} to {max(times):.1f}), largest process {peak:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
