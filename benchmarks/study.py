"""How long the original study takes: its seven runs, process start to finish, on as many images as RFMiD has.

The image cache stands before; early stopping is off, so that every run takes all its epochs; weights are random. Where
the time went is read from the run folders. It takes a GPU: on two cores it would be days.

python benchmarks/study.py [--epochs N] [--images N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pictures

ROOT = Path(__file__).parent.parent
STUDY = ROOT / "experiments" / "studies" / "original.toml"


def call(*words: object, cache: Path) -> float:
    """Seconds that a command of retina takes, from the start of its process to its end."""
    began = time.perf_counter()
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, words)]
    subprocess.run(command, env=os.environ | {"RETINA_CACHE": str(cache)}, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - began


def main() -> None:
    """Train the study once and say where its time went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3200, help="of all three splits")
    parser.add_argument("--epochs", type=int, help="instead of each parameter set's own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retina-bench-") as name:
        folder = Path(name)
        pictures.data_sets(folder, (options.images,))
        given = ["--data", folder / str(options.images), "--weights", "random", "--no-early-stopping"]
        first = call("run", "resnet18", "--epochs", 1, *given, "--results", folder / "first", cache=folder / "cache")
        print(f"one epoch of ResNet18, image cache built: {first:.1f} s", flush=True)
        epochs = [] if options.epochs is None else ["--epochs", options.epochs]
        whole = call("study", STUDY, *given, *epochs, "--results", folder / "results", cache=folder / "cache")
        print(f"the study: {whole:.1f} s")
        for path in sorted((folder / "results" / "runs").glob("*/record.json")):
            record = json.loads(path.read_text(encoding="utf-8"))
            spent = record["timings"]
            print(
                f"{record['name']:<36}{record['epochs_run']:>3} epochs {spent['training_seconds']:>7.1f} s"
                f"{spent['images_per_second']:>9.0f} images/s  waiting {spent['waiting_share']:.1%}"
                f"  predictions {spent['prediction_seconds']:.1f} s"
            )


if __name__ == "__main__":
    main()
