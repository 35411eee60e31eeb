"""The tables of a comparison hold what their columns say, each number recomputed here from the run's own files."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn import metrics as reference

from retina.analysis.comparing import scores
from retina.numbers import operating_points, statistics


def parts(groups, row):
    candidate = next(item for item in groups[0].candidates if item.label == row["model"])
    return candidate.parts["validation"], candidate.parts[row["split"]]


def test_scores_are_those_of_the_logits_beside_what_they_must_beat(groups):
    scored, _ = scores.tables(groups)
    assert len(scored) == 18
    for row in scored.to_dict("records"):
        _, part = parts(groups, row)
        probabilities = expit(part.logits)
        constant = np.full(len(part.labels), part.labels.mean())
        expected = {
            "auroc": reference.roc_auc_score(part.labels, part.logits),
            "average_precision": reference.average_precision_score(part.labels, part.logits),
            "accuracy": reference.accuracy_score(part.labels, probabilities >= 0.5),
            "sensitivity": reference.recall_score(part.labels, probabilities >= 0.5),
            "specificity": reference.recall_score(part.labels, probabilities >= 0.5, pos_label=0),
            "mcc": reference.matthews_corrcoef(part.labels, probabilities >= 0.5),
            "f1": reference.f1_score(part.labels, probabilities >= 0.5),
            "brier": reference.brier_score_loss(part.labels, probabilities),
            "log_loss": reference.log_loss(part.labels, probabilities),
            "brier_of_prevalence": reference.brier_score_loss(part.labels, constant),
            "log_loss_of_prevalence": reference.log_loss(part.labels, constant),
            "majority_accuracy": 0.75,
            "prevalence": 0.75,
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected)
        assert row["auroc_low"] < row["auroc"] < row["auroc_high"]


def test_recalibration_is_fitted_on_validation_and_makes_its_log_loss_no_worse(groups):
    scored, _ = scores.tables(groups)
    fitted = scored[scored["temperature"].notna()]
    assert len(fitted) >= 14
    for row in fitted.query("split == 'validation'").to_dict("records"):
        assert row["log_loss_after_temperature"] <= row["log_loss"] + 1e-9
    by_model = scored.groupby("model")
    for column in ("temperature", "platt_slope", "platt_intercept"):
        assert (by_model[column].nunique() <= 1).all()
    row = fitted.query("split == 'test'").iloc[0]
    _, part = parts(groups, row)
    again = reference.log_loss(part.labels, expit(part.logits / row["temperature"]))
    assert row["log_loss_after_temperature"] == pytest.approx(again)


def test_operating_points_are_applied_to_test_as_validation_chose_them(groups):
    _, applied = scores.tables(groups)
    assert len(applied) == 9 * 2 * 3
    for row in applied.to_dict("records"):
        validation, part = parts(groups, row)
        called = part.logits >= row["threshold"]
        assert row["tp"] == np.sum(called & (part.labels == 1))
        assert row["fp"] == np.sum(called & (part.labels == 0))
        if row["chosen_on"] == "validation":
            assert row["threshold"] in validation.logits
        assert (row["sensitivity_low"], row["sensitivity_high"]) == statistics.wilson(row["tp"], row["tp"] + row["fn"])
    assert set(applied["point"]) == {operating_points.SCREENING, operating_points.YOUDEN, operating_points.HALF}


def test_seeds_are_counted_among_runs_that_differ_in_nothing_else(groups):
    scored, _ = scores.tables(groups)
    repeated = scored[scored["seeds"].notna()]
    assert set(repeated["model"]) == {
        "resnet18 p1 ce seed 0",
        "resnet18 p1 ce seed 1",
        "resnet18 p1 ce seed 2",
    }
    test = repeated.query("split == 'test'")
    assert test["auroc_seed_mean"].tolist() == pytest.approx([test["auroc"].mean()] * 3)
    assert test["auroc_seed_sd"].tolist() == pytest.approx([test["auroc"].std(ddof=1)] * 3)
