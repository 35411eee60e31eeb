"""The tables of a comparison hold what their columns say, each number recomputed here from the run's own files."""

import numpy as np
import pytest
from made_runs import make_run, make_study
from scipy.special import expit
from sklearn import metrics as reference

from retina.analysis.comparing import mistakes, pairing, scores
from retina.analysis.gathering import candidates, collection
from retina.numbers import operating_points, statistics


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    counts = {"train": (200, 150), "validation": (120, 90), "test": (160, 120)}
    made = make_study(folder, counts=counts)
    made += [make_run(folder, seed=seed, skill=0.3 * seed, digest=f"9000000{seed}", counts=counts) for seed in (1, 2)]
    return candidates.group(collection.collect(made)[0], [])[0]


@pytest.fixture(scope="module")
def pairs(groups):
    return pairing.table(groups)


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


def test_every_pair_stands_once_with_the_paired_test_of_its_scores(groups, pairs):
    members = {item.label: item.parts["test"] for item in groups[0].candidates}
    assert len(pairs) == 9 * 8 / 2
    assert len({frozenset((row.model_a, row.model_b)) for row in pairs.itertuples()}) == len(pairs)
    for row in pairs.itertuples():
        a, b = members[row.model_a], members[row.model_b]
        test = statistics.paired_delong(a.labels, a.logits, b.logits)
        assert (row.difference, row.p_value) == pytest.approx((test.difference, test.p_value))
        assert row.smallest_detectable == pytest.approx(2.80 * test.standard_error)
        assert row.bootstrap_low < row.difference < row.bootstrap_high


def test_holm_covers_all_auroc_tests_as_one_family_and_all_mcnemar_tests_as_another(pairs):
    assert pairs["p_holm"].tolist() == pytest.approx(statistics.holm(pairs["p_value"]).tolist())
    both = [*pairs["p_positives"], *pairs["p_negatives"]]
    adjusted = [*pairs["p_positives_holm"], *pairs["p_negatives_holm"]]
    assert adjusted == pytest.approx(statistics.holm(both).tolist())


def test_mcnemar_counts_decisions_at_the_screening_threshold_of_each_model(groups, pairs):
    right = {}
    for item in groups[0].candidates:
        validation, test = item.parts["validation"], item.parts["test"]
        threshold = operating_points.choose(validation.labels, validation.logits)[0].threshold
        right[item.label] = (test.logits >= threshold) == (test.labels == 1)
    labels = groups[0].candidates[0].parts["test"].labels
    for row in pairs.itertuples():
        a, b = right[row.model_a], right[row.model_b]
        assert row.positives_only_a == np.sum(a & ~b & (labels == 1))
        assert row.positives_only_b == np.sum(b & ~a & (labels == 1))
        assert row.negatives_only_a == np.sum(a & ~b & (labels == 0))
        assert row.negatives_only_b == np.sum(b & ~a & (labels == 0))


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
