"""A finding: its evidence is plain and finite."""

import pytest

from retina.analysis.diagnosis.finding import Finding


def test_a_finding_refuses_a_number_that_is_none():
    with pytest.raises(ValueError, match="finite"):
        Finding.make("info", "best_epoch.loss", (), val_loss=float("nan"))
