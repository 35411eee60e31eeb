"""Fixtures of the studies: a small network, and planned runs."""

import pytest
from small_runs import small_network
from small_studies import plans_of

from retina.training import setup


@pytest.fixture
def network(monkeypatch):
    """Build a network of a few weights in this process, whatever backbone is named."""
    monkeypatch.setattr(setup, "build", small_network)


@pytest.fixture
def planned(tiny_set, tmp_path):
    """Plan small runs of the tiny set, with the results in the test's folder."""
    return lambda *names, **options: plans_of(tiny_set, tmp_path, *names, **options)
