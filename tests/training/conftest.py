"""Fixtures of training: one finished run, which several test modules look at."""

import pytest
from small_runs import run_of


@pytest.fixture(scope="session")
def finished(tiny_set, tmp_path_factory):
    """A finished run of three epochs, which no test changes."""
    return run_of(tiny_set, tmp_path_factory.mktemp("results"))
