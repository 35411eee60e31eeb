"""What bfloat16 does to the result: the same runs in float32 and in bfloat16 over several seeds, side by side.

python benchmarks/precision.py                          five seeds of ResNet18 on the built-in set, 64 pixels
python benchmarks/precision.py resnet18 --seeds 3 --image-size 224 --data FOLDER

Each pair shares its seed: starting weights, order and augmentation are the same, so that the difference of a pair is
due to arithmetic. On a processor without bfloat16 it is emulated: slow, and of the same rounding.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def auroc(options: argparse.Namespace, seed: int, precision: str) -> dict[str, float]:
    """Train once by the real command line; validation and test AUROC of the best epoch's weights."""
    words = ["run", options.backbone, "--params", options.params, "--weights", "random", "--no-early-stopping"]
    words += ["--epochs", str(options.epochs)] if options.epochs else []
    words += ["--image-size", str(options.image_size), "--seed", str(seed), "--precision", precision]
    words += ["--results", str(options.results), "--quiet", "--json"]
    words += ["--data", str(options.data)] if options.data else []
    command = [sys.executable, str(ROOT / "cli.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.stderr)
    results = json.loads(done.stdout)["results"]
    return {split: results[split]["auroc"] for split in ("validation", "test")}


def main() -> None:
    """Train every pair and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone", nargs="?", default="resnet18")
    parser.add_argument("--params", default="p1")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "precision")
    options = parser.parse_args()
    print(f"{'seed':>4}  {'split':<10}  {'float32':>8}  {'bfloat16':>8}  {'difference':>10}", flush=True)
    differences: dict[str, list[float]] = {"validation": [], "test": []}
    for seed in range(options.seeds):
        whole, half = (auroc(options, seed, precision) for precision in ("float32", "bfloat16"))
        for split, found in differences.items():
            found.append(half[split] - whole[split])
            print(f"{seed:>4}  {split:<10}  {whole[split]:8.4f}  {half[split]:8.4f}  {found[-1]:+10.4f}", flush=True)
    for split, found in differences.items():
        spread = statistics.stdev(found) if len(found) > 1 else float("nan")
        print(f"mean  {split:<10}  {statistics.mean(found):+.4f}, standard deviation over seeds {spread:.4f}")


if __name__ == "__main__":
    main()
