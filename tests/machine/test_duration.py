"""Durations as people say them."""

import pytest

from retina.machine.duration import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.5, "1 min 0 s"),
        (133, "2 min 13 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (86399, "24 h 0 min"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, words):
    assert in_words(seconds) == words
