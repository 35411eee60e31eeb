"""How often the diagnosis warns on clean curves, and how often it finds a fault that was planted.

The curves are those of the tests, with seeds that no test and no rule was fitted to.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from retina.numbers.statistics import wilson

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import curves_of_the_study as curves

PLANTED = (
    ("overfitting", curves.with_overfitting, (0.2, 0.3, 0.5)),
    ("oscillation", curves.with_oscillation, (0.1, 0.15, 0.2)),
    ("collapse", curves.with_collapse, (0.1, 0.15, 0.2)),
)


def main() -> None:
    """Print both rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="clean curves")
    parser.add_argument("--first", type=int, default=100_000, help="seed of the first")
    given = parser.parse_args()
    found = curves.alarms(given.count, given.first)
    low, high = wilson(len(found), given.count)
    print(f"false alarms on clean curves: {len(found)} of {given.count} = {len(found) / given.count:.1%}", end=" ")
    print(f"(95% interval {low:.1%} to {high:.1%})")
    for rule, times in Counter(item.rule for _, alarm in found for item in alarm).most_common():
        print(f"  {rule}: {times}")
    print("planted faults found:")
    for rule, make, sizes in PLANTED:
        rates = ", ".join(f"{size:.0%}: {curves.found_rate(rule, make, size):.0%}" for size in sizes)
        print(f"  {rule} of size {rates}")


if __name__ == "__main__":
    main()
