"""A finding: its evidence is plain and finite."""

import numpy as np
import pytest

from retina.analysis.diagnosis.finding import SEVERITIES, Finding, listed


def test_a_finding_refuses_a_number_that_is_none():
    with pytest.raises(ValueError, match="finite"):
        Finding.make("info", "best_epoch.loss", (), val_loss=float("nan"))


def test_a_finding_belongs_to_the_rule_of_its_first_sentence_and_keeps_plain_evidence():
    keys = ("collapse.jump", "collapse.crash")
    finding = Finding.make("critical", keys, np.array([3, 5]), loss=np.float64(0.5), epochs_run=np.int64(4), name="a")
    assert (finding.rule, finding.keys, finding.epochs) == ("collapse", keys, (3, 5))
    assert [type(value) for value in finding.numbers.values()] == [float, int, str]
    assert [type(epoch) for epoch in finding.epochs] == [int, int]
    assert Finding.make("info", "plateau.said").keys == ("plateau.said",)


def test_what_is_not_information_is_alarming():
    assert [Finding.make(severity, "a.b").alarming for severity in SEVERITIES] == [True, True, False]


def test_epochs_are_listed_for_a_sentence():
    assert listed(np.array([3, 5, 8])) == "3, 5, 8"
    assert listed([]) == ""
