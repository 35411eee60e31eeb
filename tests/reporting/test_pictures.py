"""Every figure has a name that is a file's, and shows what the tables hold."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.reporting import pictures


@given(st.text(min_size=1, max_size=40))
def test_a_stem_is_plain_whatever_the_name(text):
    assert re.fullmatch(r"[a-z0-9-]+", pictures.stem(text))


def test_a_plain_name_is_its_own_stem_and_a_changed_one_gets_a_digest():
    assert pictures.stem("vgg16-p1-ce") == "vgg16-p1-ce"
    assert pictures.stem("VGG16 p1") != pictures.stem("vgg16 p1")
    assert pictures.stem("VGG16 p1").startswith("vgg16-p1-")


def test_a_matrix_of_pairs_is_antisymmetric_in_differences_and_symmetric_in_the_rest():
    pair = {"model_a": "b", "model_b": "a", "difference": 0.1, "p_holm": 0.04, "smallest_detectable": 0.2}
    difference, p_value, detectable = pictures.matrices(["a", "b", "c"], pd.DataFrame([pair]))
    assert difference[1, 0] == 0.1
    assert difference[0, 1] == -0.1
    assert p_value[0, 1] == p_value[1, 0] == 0.04
    assert detectable[0, 1] == detectable[1, 0] == 0.2
    assert np.isnan(difference[2]).all()


def test_the_marks_of_a_run_are_those_of_its_record_and_its_findings(everything):
    entry = next(entry for entry in everything.entries if entry.finished)
    marks = pictures.marks(everything, entry)
    assert marks["best_epoch"] == entry.record.best_epoch
    assert marks["title"] == entry.label
    assert marks["majority"] == pytest.approx(0.75)
