"""How fast retina is beside what it is measured against: one ratio a row, from turns taken side by side.

python benchmarks/bench.py                     all rows, printed and written to benchmarks/results/<machine>.csv
python benchmarks/bench.py step-resnet18       one row
python benchmarks/bench.py memory --turns 3    more or fewer turns than the row's own
"""

import argparse
import csv
import re
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from duel import Result, SideError
from rows import ROWS, Row

RESULTS = Path(__file__).parent / "results"
COLUMNS = (
    *("date", "commit", "row", "target", "ratio", "lowest", "highest", "turns"),
    *("ours_images_per_second", "theirs_images_per_second", "ours_peak_mib", "theirs_peak_mib"),
    *("precision", "threads", "torch"),
)


def record(row: Row, result: Result) -> dict[str, object]:
    """A row of the table with what is needed to doubt it.

    Where memory is measured, the sides' peaks are the figures themselves, and there are no images per second.
    """
    import torch  # here and below, so that the processes of both sides, which come past this file, start lightly

    ours, theirs = statistics.median(result.ours), statistics.median(result.theirs)
    if row.unit == "MiB":
        speeds, peaks = ("", ""), (round(ours), round(theirs))
    else:
        speeds, peaks = (round(row.images / ours, 2), round(row.images / theirs, 2)), result.memory
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "row": row.name,
        "target": row.aim,
        "ratio": round(result.ratio, 3),
        "lowest": round(min(result.ratios), 3),
        "highest": round(max(result.ratios), 3),
        "turns": len(result.ours),
        "ours_images_per_second": speeds[0],
        "theirs_images_per_second": speeds[1],
        "ours_peak_mib": peaks[0],
        "theirs_peak_mib": peaks[1],
        "precision": precision(row),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def precision(row: Row) -> str:
    """The arithmetic that the rival takes on this machine."""
    import plain

    if row.precision == "auto":
        return "bfloat16" if plain.has_bfloat16() else "float32"
    return row.precision


def commit() -> str:
    """The commit of the code, with a plus sign where it was changed since."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    found = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or "unknown"


def machine() -> str:
    """A file name for this machine: its GPU's name, or its processor's, and its cores."""
    import torch

    from retina.machine import device

    name = f"{device.device_name()} {torch.get_num_threads()} threads"
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


def show(row: Row, measured: dict[str, object]) -> None:
    """Print a row: the ratio, its range, its target, and what each side reached."""
    kind = "peak_mib" if row.unit == "MiB" else "images_per_second"
    ours, theirs = (f"{measured[f'{side}_{kind}']:.1f}" for side in ("ours", "theirs"))
    figures = "{ratio:>7.2f}{lowest:>8.2f}{highest:>9.2f}{target:>8}".format(**measured)
    print(f"{row.name:<22}{figures}{ours:>10}{theirs:>8}  {row.unit}", flush=True)


def run(rows: list[Row], turns: int | None) -> bool:
    """Measure rows, print each as it is done, and write it down; whether every side lived to its end."""
    print(f"{'row':<22}{'ratio':>7}{'lowest':>8}{'highest':>9}{'target':>8}{'retina':>10}{'other':>8}", flush=True)
    well = True
    for row in rows:
        if row.lacking:
            print(f"{row.name:<22}not measured: {row.lacking}", flush=True)
            continue
        try:
            measured = record(row, row.measure(turns))
        except SideError as error:
            print(f"{row.name:<22}not measured: {error}", flush=True)
            well = False
            continue
        write([measured], RESULTS / f"{machine()}.csv")
        show(row, measured)
    return well


def main() -> None:
    """Measure the rows asked for."""
    known = {row.name: row for row in ROWS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="one of " + ", ".join(known))
    parser.add_argument("--turns", type=int, metavar="N", help="counted turns of each side, instead of the rows' own")
    options = parser.parse_args()
    unknown = [name for name in options.rows if name not in known]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; the rows are {', '.join(known)}")
    if options.turns is not None and options.turns < 1:
        parser.error("--turns needs a number from 1 on")
    try:
        well = run([known[name] for name in options.rows or known], options.turns)
    except KeyboardInterrupt:
        print("\ninterrupted; the rows above are written down")
        sys.exit(130)
    sys.exit(not well)


if __name__ == "__main__":
    main()
