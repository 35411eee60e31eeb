"""A comparison with everything in it: the study, other data, repetitions, unfinished, diverged and damaged runs."""

import numpy as np
import pytest
from made_runs import make_run, make_study

from retina.analysis.comparing import comparison


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A results folder. Not to be changed by a test."""
    folder = tmp_path_factory.mktemp("results")
    make_study(folder)
    make_run(folder, "resnet18", "p1", "ce", seed=1, digest="10000000", skill=1.1)
    make_run(folder, "resnet18", "p1", "ce", digest="20000000", data="e", skill=0.8)
    make_run(folder, "vgg16", "p2", "focal", digest="30000000", status="diverged", epochs=2)
    make_run(folder, "vgg16", "p1", "focal", digest="40000000", status="interrupted", epochs=0)
    return folder


@pytest.fixture(scope="session")
def published(tmp_path_factory, results):
    """A file of published scores of the study's test images."""
    run = next(run for run in comparison.select(results, []) if "20000000" not in run.folder.name)
    rows = run.predictions().query("split == 'test'").assign(Theirs=np.linspace(0.9, 0.1, 48))
    path = tmp_path_factory.mktemp("published") / "scores.csv"
    rows[["id", "label", "Theirs"]].to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def everything(results, published):
    """The comparison of all of it."""
    return comparison.compare(comparison.select(results, []), [published])
