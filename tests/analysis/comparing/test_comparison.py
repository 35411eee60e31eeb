"""A comparison holds every run that is chosen, in pairs of one difference, and names the rest."""

import pytest
from made_runs import make_run, make_study

from retina.analysis.comparing import comparison
from retina.errors import RunError


def test_all_runs_are_chosen_where_none_is_named_and_one_named_twice_is_one(tmp_path):
    runs = make_study(tmp_path)
    assert {run.folder for run in comparison.select(tmp_path, [])} == {run.folder for run in runs}
    name, folder = runs[2].folder.name, str(runs[2].folder)
    assert [run.folder for run in comparison.select(tmp_path, [name, folder])] == [runs[2].folder]


def test_no_run_is_an_error_unless_none_is_needed(tmp_path):
    with pytest.raises(RunError, match="no run to compare"):
        comparison.select(tmp_path, [])
    assert comparison.select(tmp_path, [], required=False) == []


def test_verdicts_are_on_every_two_runs_that_differ_in_parameter_set_or_loss_alone(tmp_path):
    compared = comparison.compare(make_study(tmp_path))
    pairs = [(verdict.kind, verdict.first.label, verdict.second.label) for verdict in compared.verdicts]
    assert sorted(pairs) == [
        ("loss", "resnet18 p1 ce", "resnet18 p1 focal"),
        ("params", "resnet18 p1 ce", "resnet18 p2 ce"),
        ("params", "resnet50 p1 ce", "resnet50 p2 ce"),
        ("params", "vgg16 p1 ce", "vgg16 p2 ce"),
    ]
    assert all(verdict.findings for verdict in compared.verdicts)


def test_damaged_and_unfinished_runs_are_apart_from_those_that_are_ranked(tmp_path):
    good, running, broken = make_run(tmp_path), make_run(tmp_path, seed=1, status="running"), make_run(tmp_path, seed=2)
    broken.predictions_path.write_text("")
    compared = comparison.compare([good, running, broken])
    assert [entry.name for entry in compared.entries] == [good.folder.name, running.folder.name]
    assert [entry.name for entry in compared.unfinished] == [running.folder.name]
    assert [candidate.name for group in compared.groups for candidate in group.candidates] == [good.folder.name]
    assert len(compared.damaged) == 1
    assert str(broken.predictions_path) in compared.damaged[0]


def test_progress_counts_every_run_that_is_scored_and_no_published_model(tmp_path):
    run = make_run(tmp_path)
    table = run.predictions().query("split == 'test'").assign(theirs=0.5)[["id", "label", "theirs"]]
    table.to_csv(tmp_path / "scores.csv", index=False)
    steps = []
    compared = comparison.compare([run], [tmp_path / "scores.csv"], steps.append, names=["this run"])
    assert sorted(steps) == [0, 1]
    assert compared.arguments == ("this run", "--against", "scores.csv")


def test_the_balance_is_that_of_all_splits_of_a_run(tmp_path):
    """The record of a made run counts 60 + 40 + 48 images, of which 45 + 30 + 36 are diseased."""
    (finding,) = comparison.compare([make_run(tmp_path)]).imbalances.values()
    assert (finding.numbers["images"], finding.numbers["positives"]) == (148, 111)
