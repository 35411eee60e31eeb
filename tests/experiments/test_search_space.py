"""What searches vary: a space that no run may have is refused."""

import math

import pytest

from retina.errors import ExperimentError
from retina.experiments.search_space import Range, Space


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": 1e-2, "high": 1e-3}, "--high must be larger than --low"),
        ({"low": 1e-2, "high": 1e-2}, "--high must be larger than --low .* Found: 0.01 and 0.01"),
        ({"low": 0.0}, "--low cannot be 0"),
        ({"high": 100.0}, "--high cannot be 100"),
        ({"batch_sizes": (0, 8)}, "--batch-sizes cannot be 0"),
    ],
)
def test_a_space_that_no_run_may_have_is_refused(values, words):
    with pytest.raises(ExperimentError, match=words):
        Space(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"low": 0.1, "high": 0.01}, "--high must be larger than --low"),
        ({"low": math.nan}, "--low cannot be nan"),
        ({"low": -1.0}, "--low cannot be -1.0"),
        ({"high": 100.0}, "--high cannot be 100.0"),
        ({"steps": 0}, "--steps cannot be 0"),
        ({"seeds": 0}, "--seeds cannot be 0"),
    ],
)
def test_a_range_that_no_test_may_have_is_refused(values, words):
    with pytest.raises(ExperimentError, match=words):
        Range(**values)
    assert Range(low=1e-4).high == 1.0
