"""`tune` as a user types it: a table, one JSON object, errors of one line, and a search that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
from click.testing import CliRunner
from small_runs import small_network

from retina import PACKAGE
from retina.cli import main
from retina.runs import folder as runs
from retina.training import setup

pytestmark = pytest.mark.extra
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Optuna's, of what is experimental in it
    pytest.importorskip("optuna")
ROOT = PACKAGE.parent


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)


def words(results, data, *more):
    said = ["tune", "resnet18", "--data", data, "--weights", "random", "--image-size", "64", "--epochs", "2"]
    said += ["--precision", "float32", "--batch-sizes", "8,12", "--results", results]
    return [str(word) for word in [*said, *more]]


def call(results, data, *more):
    return CliRunner().invoke(main, words(results, data, *more))


def test_the_command_prints_a_table_and_one_json_object(tiny_set, tmp_path):
    done = call(tmp_path, tiny_set, "--trials", 2)
    assert done.exit_code == 0, done.output
    assert "Trial 2 of 2: learning rate" in done.stderr
    assert "Best: learning rate" in done.stdout
    assert "2 tried, 2 finished, 0 pruned, 0 failed" in done.stdout
    assert "its validation AUROC is optimistic" in done.stdout
    assert "optuna" not in done.output.lower()
    again = call(tmp_path, tiny_set, "--trials", 2, "--json", "--quiet")
    assert json.loads(again.stdout)["tried"] == 2
    assert again.stderr == ""


def test_other_settings_are_searched_too(tiny_set, tmp_path):
    vary = ["--vary", "layer-decay=0.2,1", "--vary", "optimizer=adam,sgd", "--vary", "early_stopping=true,false"]
    done = call(tmp_path, tiny_set, "--trials", 4, *vary, "--json")
    assert done.exit_code == 0, done.output
    trials = json.loads(done.stdout)["trials"]
    assert all(list(trial["varied"]) == ["layer_decay", "optimizer", "early_stopping"] for trial in trials)
    assert len({json.dumps(trial["varied"]) for trial in trials}) > 1
    for trial in trials:
        item = runs.find(tmp_path, trial["run"]).record().experiment
        assert {name: getattr(item, name) for name in trial["varied"]} == trial["varied"]
    table = call(tmp_path, tiny_set, "--trials", 4, *vary).stdout
    assert "Best: learning rate" in table
    assert ", layer_decay " in table


@pytest.mark.parametrize(
    ("more", "code", "line"),
    [
        (["--trials", 2, "--vary", "layer_decay"], 2, "such as layer_decay=0.2,0.5"),
        (["--trials", 2, "--vary", "layer_dekay=1"], 1, "did you mean 'layer_decay'?"),
        (["--trials", 2, "--vary", "layer_decay=1,much"], 1, "--vary layer_decay cannot be 'much'"),
        (["--trials", 2, "--vary", "ema=0,0"], 2, "twice"),
        (["--trials", 2, "--vary", "ema=0", "--vary", "ema=0.9"], 1, "--vary names ema twice"),
        (["--trials", 2, "--vary", "dropout=0", "--dropout", "0"], 1, "dropout is both fixed and searched"),
        (["--trials", 2, "--low", 1e-2, "--high", 1e-3], 1, "--high must be larger than --low"),
        (["--trials", 2, "--low", 0], 1, "--low cannot be 0"),
        (["--trials", 2, "--batch-sizes", "0,8"], 1, "--batch-sizes cannot be 0"),
        (["--trials", 2, "--batch-sizes", "8,8"], 2, "twice"),
        (["--trials", 2, "--learning-rate", 0.1], 2, "No such option"),
        ([], 2, "--trials"),
    ],
)
def test_a_wrong_space_is_one_line(tiny_set, tmp_path, more, code, line):
    done = call(tmp_path, tiny_set, *more)
    assert done.exit_code == code
    assert line in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_one_line_before_anything_is_trained(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = call(tmp_path, tiny_set, "--trials", 2)
    assert done.exit_code == 1
    assert "pip install --editable '.[tune]'" in done.stderr.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_search_goes_on(tiny_set, tmp_path):
    """A real process, killed without a chance to say anything; the same command then finishes what it began."""
    command = [sys.executable, str(ROOT / "cli.py"), *words(tmp_path, tiny_set, "--trials", 2, "--epochs", 4)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/history.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (begun,) = runs.list_runs(tmp_path)
    reached = begun.history()["val_loss"].tolist()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert begun.history()["val_loss"].tolist()[: len(reached)] == reached
    assert begun.record().sessions
    assert len(runs.list_runs(tmp_path)) == 2
    assert "2 tried" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
