"""Two recipes over several seeds: the AUROCs of each, and their difference with an interval over seeds and over images.

    python benchmarks/seeds.py results --first params=p1 --second params=p3

A recipe is all finished runs whose experiment has the values named; where they differ in more than their seeds, more
must be named. The runs of both recipes that have a seed in common are compared, on the same images. Two intervals are
printed, for two questions: other seeds on these images (Student's t over the differences of the seeds), and other
images for these seeds (DeLong et al. 1988, of the mean difference, whose variance follows from the covariance of all
AUROCs). Neither holds for other seeds and other images together, and the second takes images as independent, which two
eyes of a person are not.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from transfer import recipe

from retina.experiments.experiment import SETTINGS
from retina.numbers.statistics import Z95, delong_covariance
from retina.runs.folder import Run, list_runs

FEWEST = 2  # seeds that a spread needs


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of both splits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    repeated = {"action": "append", "required": True, "metavar": "KEY=VALUE"}
    parser.add_argument("results", type=Path, nargs="+", help="results folders; the runs of all are taken together")
    parser.add_argument("--first", type=setting, **repeated, help="a setting of one recipe")
    parser.add_argument("--second", type=setting, **repeated, help="a setting of the other")
    given = parser.parse_args(arguments)
    runs = [run for results in given.results for run in list_runs(results)]
    recipes = [chosen(runs, wanted) for wanted in (given.first, given.second)]
    seeds = sorted(set(recipes[0]) & set(recipes[1]))
    if len(seeds) < FEWEST:
        found = [", ".join(map(str, sorted(recipe))) or "none" for recipe in recipes]
        parser.exit(1, f"two seeds at least must be in both recipes; the first has {found[0]}, the other {found[1]}\n")
    names = [", ".join(words(wanted)) for wanted in (given.first, given.second)]
    for split in ("validation", "test"):
        print(f"AUROC on {split}")
        compare(names, [[recipe[seed] for seed in seeds] for recipe in recipes], split)


def setting(word: str) -> tuple[str, object]:
    """A setting and its value, from a word of the form KEY=VALUE.

    Raises:
        ValueError: it has another form, the key is no setting, or may not have the value; argparse says so in one line.
    """
    key, sign, value = word.partition("=")
    if not sign or key not in SETTINGS or not SETTINGS[key].accepts(SETTINGS[key].value_of(value)):
        raise ValueError(word)
    return key, SETTINGS[key].value_of(value)


def chosen(runs: Sequence[Run], wanted: Sequence[tuple[str, object]]) -> dict[int, Run]:
    """Seed -> finished run, of the runs whose experiment has these values.

    Raises:
        SystemExit: two of them have one seed, or they differ in something else.
    """
    found: dict[int, Run] = {}
    for run in runs:
        record = run.record()
        if not record.finished or any(getattr(record.experiment, key) != value for key, value in wanted):
            continue
        seed = record.experiment.seed
        if seed in found:
            raise SystemExit(f"{found[seed].folder.name} and {run.folder.name} have seed {seed}: name more settings")
        found[seed] = run
    recipes = [recipe(run.record()) for run in found.values()]
    apart = [name for name in SETTINGS if len({str(item.get(name)) for item in recipes}) > 1]
    if apart:
        raise SystemExit(f"the runs with {', '.join(words(wanted))} differ in {', '.join(apart)}: name more settings")
    return found


def words(wanted: Sequence[tuple[str, object]]) -> list[str]:
    """Settings as they are typed."""
    return [f"{name}={value}" for name, value in wanted]


def compare(names: Sequence[str], recipes: Sequence[Sequence[Run]], split: str) -> None:
    """Print the AUROCs of both recipes on a split, and the difference of the second from the first."""
    tables = [answers(run, split) for recipe in recipes for run in recipe]
    if any(not table["label"].equals(tables[0]["label"]) for table in tables):
        raise SystemExit(f"the runs did not answer the same {split} images, or these have other labels")
    labels = tables[0]["label"].to_numpy()
    areas, covariance = delong_covariance(labels, np.stack([table["logit"].to_numpy() for table in tables]))
    count = len(recipes[0])
    for name, own in zip(names, (areas[:count], areas[count:]), strict=True):
        values = " ".join(f"{area:.3f}" for area in own)
        print(f"  {name}: {values}; mean {own.mean():.3f} (SD {own.std(ddof=1):.3f})")
    differences = areas[count:] - areas[:count]
    weights = np.repeat([-1.0, 1.0], count) / count
    middle = float(differences.mean())
    seeds = stats.t.ppf(0.975, count - 1) * float(differences.std(ddof=1)) / count**0.5
    images = Z95 * float(weights @ covariance @ weights) ** 0.5
    print(f"  difference {middle:+.3f}, the second better with {np.sum(differences > 0)} of {count} seeds")
    print(f"    95% interval, other seeds: {middle - seeds:+.3f} to {middle + seeds:+.3f}")
    print(f"    95% interval, other images: {middle - images:+.3f} to {middle + images:+.3f}")


def answers(run: Run, split: str) -> pd.DataFrame:
    """Label and logit of every image of a split, by id."""
    table = run.predictions()
    return table[table["split"] == split].set_index("id").sort_index()


if __name__ == "__main__":
    main()
