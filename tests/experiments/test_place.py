"""A place: where data and results lie, which changes no result."""

import dataclasses
from pathlib import Path

from retina.experiments.place import HERE, RESULTS, Place


def test_a_quiet_place_is_the_same_place():
    place = Place(Path("a"), Path("b"), skip_bad=True)
    assert place.quietly() == Place(Path("a"), Path("b"), skip_bad=True, quiet=True)
    assert place.quietly().quietly() == place.quietly()
    assert not place.quiet


def test_here_is_the_folder_results_and_whatever_data_the_environment_names():
    assert dataclasses.asdict(HERE) == {"results": RESULTS, "data": None, "skip_bad": False, "quiet": False}
    assert Path("results") == RESULTS
