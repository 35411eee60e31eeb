"""The mistakes shown are the most confident ones."""

import pytest
from scipy.special import expit

from retina.analysis.comparing import mistakes


def test_mistakes_are_the_most_confident_ones(groups):
    table = mistakes.table(groups)
    for item in groups[0].candidates:
        part = item.parts["test"]
        probability = dict(zip(part.ids, expit(part.logits), strict=True))
        label = dict(zip(part.ids, part.labels, strict=True))
        missed = sorted(value for name, value in probability.items() if label[name] == 1 and value < 0.5)[:3]
        rows = table.query("model == @item.label and kind == 'missed'")
        assert rows["probability"].tolist() == pytest.approx(missed)
        assert all(label[name] == 1 for name in rows["id"])
        assert (table.query("model == @item.label and kind == 'false_alarm'")["probability"] >= 0.5).all()
    first = table.iloc[0]
    wrong = sum(
        (item.parts["test"].logits[item.parts["test"].ids == first["id"]][0] >= 0) == (first["kind"] == "false_alarm")
        for item in groups[0].candidates
    )
    assert (first["models_wrong"], first["models"]) == (wrong, 9)
