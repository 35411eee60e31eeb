"""Groups of runs that every table of a comparison is made of."""

import pytest
from made_runs import make_run, make_study

from retina.analysis.gathering import candidates, collection


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    counts = {"train": (200, 150), "validation": (120, 90), "test": (160, 120)}
    made = make_study(folder, counts=counts)
    made += [make_run(folder, seed=seed, skill=0.3 * seed, digest=f"9000000{seed}", counts=counts) for seed in (1, 2)]
    return candidates.group(collection.collect(made)[0], [])[0]
