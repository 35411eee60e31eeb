"""`--target COLUMN` as a user meets it: any column of 0 and 1 is trained on, recorded, and compared on its own."""

import json

import pandas as pd
import pytest
from command_line import QUICK, call, fails
from tiny_sets import write_set

from retina.data.sources.rfmid import DISEASES
from retina.runs import folder as runs


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A small set with RFMiD's 45 columns of diseases: DR in every second eye, AH in every diseased eye."""
    flags = dict.fromkeys(DISEASES, lambda _: 0)
    flags |= {"DR": lambda number: int(number % 4 in (1, 3)), "AH": lambda number: int(number % 4 != 0)}
    counts = {"train": 16, "validation": 8, "test": 8}
    return write_set(tmp_path_factory.mktemp("eyes") / "set", counts, seed=11, flags=flags)


def trained(eyes, results, *words):
    done = call("run", "resnet18", "--data", eyes, *QUICK, "--results", results, "--json", *words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def made(eyes, tmp_path_factory):
    """A results folder, and the run of each target in it: AH has the labels of the default one."""
    results = tmp_path_factory.mktemp("results")
    targets = {"Disease_Risk": [], "DR": ["--target", "dr"], "AH": ["--target", "AH"]}
    return results, {target: trained(eyes, results, *words) for target, words in targets.items()}


def test_the_record_of_a_run_says_its_target_and_the_predictions_have_its_labels(made):
    results, said = made
    assert len({record["name"] for record in said.values()}) == 3
    for target, record in said.items():
        run = runs.find(results, record["name"])
        assert run.record().target.column == target
        labels = run.predictions().query("split == 'test'")["label"]
        expected = [1, 0] * 4 if target == "DR" else [1, 1, 1, 0] * 2
        assert labels.tolist() == expected


def test_a_target_typed_in_another_case_is_the_same_run(eyes, made):
    results, said = made
    again = trained(eyes, results, "--target", "DR")
    assert again["reused"]
    assert again["name"] == said["DR"]["name"]


def test_the_default_target_may_be_named_and_is_the_same_run(eyes, made):
    results, said = made
    again = trained(eyes, results, "--target", "Disease_Risk")
    assert again["reused"]
    assert again["name"] == said["Disease_Risk"]["name"]


def test_runs_of_several_targets_are_compared_and_never_paired(made, tmp_path):
    """The labels of AH are those of the default target: data of one fingerprint, and still two questions."""
    results, said = made
    prints = {target: record["data"]["fingerprint"] for target, record in said.items()}
    assert prints["AH"] == prints["Disease_Risk"] != prints["DR"]
    done = call("compare", "--results", results, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    scores = pd.read_csv(tmp_path / "comparison.csv")
    names = {"resnet18 p1 ce": "", "resnet18 p1 ce DR": " DR", "resnet18 p1 ce AH": " AH"}
    data = dict(zip(scores["model"], scores["data"], strict=True))
    assert data.keys() == names.keys()
    assert all(data[model] == f"set {prints[end.strip() or 'AH'][:8]}{end}" for model, end in names.items())
    pairs = pd.read_csv(tmp_path / "pairwise.csv")
    assert len(pairs) == 3
    assert pairs["not_paired"].str.startswith("different data: ").all()
    assert pairs["p_value"].isna().all()
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Disease_Risk, AH, DR" in report.replace("\\_", "_")


def test_a_column_that_is_not_there_is_one_line_that_names_the_nearest(eyes, tmp_path):
    for words in (("run", "resnet18", *QUICK, "--results", tmp_path / "r", "--data"), ("data", "audit")):
        fails(
            call(*words, eyes, "--target", "ODDC"),
            "the label table has no column ODDC | Expected: a column named ODDC | Found: ID, Disease_Risk, DR, ",
            "RFMiD_Training_Labels.csv | Next: did you mean --target ODC?",
        )
    assert not (tmp_path / "r").exists()


def test_a_column_of_other_values_is_one_line_that_names_it(eyes, tmp_path):
    words = ("run", "resnet18", *QUICK, "--results", tmp_path / "r", "--data", eyes, "--target", "ID")
    fails(call(*words), "labels of ID in train not 0 or 1", "Expected: ID 0 or 1", "--target ID")


def test_a_column_of_one_class_is_one_line_that_names_it(eyes, tmp_path):
    words = ("run", "resnet18", *QUICK, "--results", tmp_path / "r", "--data", eyes, "--target", "MH")
    fails(call(*words), "all 16 usable images of train have MH 0", "both classes")


def test_a_name_that_can_be_no_column_is_refused_before_any_data_is_read(tmp_path):
    for words in (("run", "resnet18", "--data"), ("data", "audit")):
        fails(call(*words, tmp_path / "nowhere", "--target", " "), "target", "1 to 100 printable characters")


def test_an_audit_counts_the_target_it_is_asked_for(eyes):
    said = json.loads(call("data", "audit", eyes, "--target", "dr", "--json").stdout)
    assert said["target"] == "DR"
    assert {split: part["positives"] for split, part in said["splits"].items()} == {
        "train": 8,
        "validation": 4,
        "test": 4,
    }
    assert json.loads(call("data", "audit", eyes, "--json").stdout)["splits"]["train"]["positives"] == 12


def test_a_study_plans_runs_of_several_targets(eyes, tmp_path):
    file = tmp_path / "two.toml"
    file.write_text('[[runs]]\nbackbone = "resnet18"\n[[runs]]\nbackbone = "resnet18"\ntarget = "DR"\n')
    done = call("study", file, "--data", eyes, *QUICK, "--results", tmp_path / "r", "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    assert [step["experiment"]["target"] for step in json.loads(done.stdout)] == ["Disease_Risk", "DR"]
    assert "train 16 (75.0% positive)" in done.stderr
    assert "train 16 (50.0% positive)" in done.stderr
