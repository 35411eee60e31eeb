"""`study` as a user types it: the plan, the results, what is wrong, in one line."""

import json
import sys

import pytest
from command_line import QUICK, call, fails

from retina.errors import RetinaError
from retina.runs import folder as runs
from retina.training import execution

TWO = '[[runs]]\nbackbone = "resnet18"\nparams = ["p1", "p2"]\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(TWO, encoding="utf-8")
    return path


def test_a_study_is_planned_trained_compared_and_reused(file, tiny_set, tmp_path):
    words = ["study", file, "--data", tiny_set, *QUICK, "--results", tmp_path]
    planned = call(*words, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert [line.split()[-3:] for line in planned.stdout.splitlines()[1:]] == [["time", "not", "known"]] * 2
    assert "two.toml: 2 runs, 0 finished before, 0 to resume." in planned.stderr
    assert "How long it takes is not known yet" in planned.stderr
    assert runs.list_runs(tmp_path) == []

    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "Runs in order of validation AUROC" in done.stdout
    assert [line.split("  ")[1].split(" in ")[0] for line in done.stderr.splitlines()[-2:]] == ["completed"] * 2
    folder = tmp_path / "studies" / "two"
    assert str(folder / "report.md") in done.stdout
    assert "resnet18 p2 ce" in (folder / "report.md").read_text(encoding="utf-8")

    again = call(*words, "--json", "--quiet", "--lang", "zh-TW", "--out", tmp_path / "zh")
    assert again.exit_code == 0, again.output
    assert again.stderr == ""
    said = json.loads(again.stdout)
    assert [(item["status"], item["reused"]) for item in said["runs"]] == [("completed", True)] * 2
    assert said["comparison"]["out"] == str(tmp_path / "zh")
    steps = json.loads(call(*words, "--dry-run", "--json", "--quiet").stdout)
    assert [(item["finished"], item["epochs_left"]) for item in steps] == [(True, 0)] * 2
    more = call(*words, "--dry-run", "--dropout", 0.3)
    assert "(measured on this machine for 2 of 2 runs)" in more.stderr


def test_a_run_that_fails_is_named_and_the_others_are_compared(file, tiny_set, tmp_path, monkeypatch):
    train = execution.train

    def fails_for_p1(plan, *words, **options):
        if plan.experiment.params == "p1":
            raise RetinaError("the disk is full")
        return train(plan, *words, **options)

    monkeypatch.setattr(execution, "train", fails_for_p1)
    done = call("study", file, "--data", tiny_set, *QUICK, "--results", tmp_path)
    assert done.exit_code == 1
    assert "It is tried once more after the others." in done.stderr
    assert "resnet18 p2 ce" in done.stdout
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: resnet18-p1-ce-seed0-")
    assert last.endswith("failed | Found: the disk is full")


def test_where_nothing_is_finished_there_is_no_comparison(file, tiny_set, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(execution, "train", interrupted)
        fails(call("study", file, "--data", tiny_set, *QUICK, "--results", tmp_path), "type the same command again")
    monkeypatch.setattr(execution, "train", lambda *_, **__: 1 / 0)
    done = call("study", file, "--data", tiny_set, *QUICK, "--results", tmp_path, "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert said["comparison"] is None
    assert [(item["status"], item["attempts"]) for item in said["runs"]] == [("failed", 2)] * 2
    assert "ZeroDivisionError" in said["runs"][0]["error"]
    assert not (tmp_path / "studies").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cpus", "2"], "--cpus has no meaning without --engine ray"),
        (["--address", "auto"], "--address has no meaning without --engine ray"),
        (["--engine", "ray", "--jobs", "2"], "--jobs has no meaning with --engine ray"),
        (["--engine", "condor"], "'condor' is not one of"),
    ],
)
def test_options_of_the_other_engine_are_wrong_usage(file, words, said):
    result = call("study", file, *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_is_wrong_is_one_line(file, tiny_set, tmp_path):
    fails(call("study", tmp_path / "none.toml"), "the study cannot be read", "none.toml")
    fails(call("study", file, "--data", tmp_path / "nowhere", "--quiet"), "no such data folder")
    fails(call("study", file, "--weights", "no-such", "--data", tiny_set, "--quiet"), "no weights 'no-such'")
    fails(
        call("study", file, "--data", tiny_set, *QUICK, "--jobs", 2, "--results", tmp_path, "--quiet"),
        "--jobs cannot be 2",
        "no GPU",
    )
    fails(call("study", file, "--data", "nowhere", "--jobs", 2, "--dry-run"), "--jobs cannot be 2", "no GPU")
    assert runs.list_runs(tmp_path) == []


@pytest.mark.parametrize(("words", "package"), [(["--engine", "ray"], "ray"), (["--track", "mlflow"], "mlflow")])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_missing_extra_is_one_line_before_anything_is_read(file, words, package, dry, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    fails(call("study", file, *words, *dry, "--data", "nowhere"), f"pip install --editable '.[{package}]'")
