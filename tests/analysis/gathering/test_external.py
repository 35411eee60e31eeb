"""Published scores of other models are read, or refused in one line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.analysis.gathering import external
from retina.errors import RunError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("id,label\n1,0\n", "lack a column"),
        ("id,score\n1,0.5\n", "lack a column"),
        ("id,label,Theirs\n1,2,0.5\n", "neither 0 nor 1"),
        ("id,label,Theirs\n1,1,0.5\n1,1,0.5\n", "twice"),
        ("id,label,Theirs\n,1,0.5\n", "missing"),
        ("id,label,Theirs\n1,1,high\n", "not a finite number"),
        ("id,label,Theirs\n1,1,\n", "not a finite number"),
        ("id,label,Theirs\n", "no row"),
        (",id,label,Theirs\n0,1,1,0.5\n", "without a name"),
    ],
)
def test_a_file_of_scores_that_cannot_be_used_is_one_line(tmp_path, text, words):
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(RunError, match=words):
        external.read(path)
    with pytest.raises(RunError, match="cannot be read"):
        external.read(tmp_path / "absent.csv")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_logits_of_probabilities_are_finite_and_keep_their_order(values):
    probabilities = np.array(values)
    found = external.logits(probabilities)
    assert np.isfinite(found).all()
    order = np.argsort(probabilities, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_values_beyond_0_and_1_are_logits_already():
    values = np.array([-3.0, 0.2, 7.0])
    assert external.logits(values) is values
