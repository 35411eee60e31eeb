"""`run` as a user types it: announcements, results, signals, a terminal and none, and what is refused in one line."""

import contextlib
import json
import os
import pty
import re
import signal
import time

import pytest
from command_line import QUICK, call, fails, finish, start

from retina.data.drawing import synthetic


@pytest.fixture(scope="module")
def finished(tiny_set, tmp_path_factory):
    """A results folder with one finished run, and what the command printed."""
    results = tmp_path_factory.mktemp("results")
    result = call("run", "resnet18", "--loss", "focal", "--data", tiny_set, *QUICK, "--results", results)
    assert result.exit_code == 0, result.output
    return results, result


def test_a_run_announces_its_baseline_and_prints_a_summary(finished):
    _, result = finished
    assert "validation 12 (75.0% positive)" in result.stderr
    assert "majority class is right in 75.0% of validation and 75.0% of test" in result.stderr
    assert "best epoch 1 of 1" in result.stdout
    assert "colour histogram" in result.stdout
    assert "calling every image the majority class (0.750)" in result.stdout


def test_json_is_one_object_on_stdout_and_quiet_says_nothing_else(finished, tiny_set):
    results, _ = finished
    again = call(
        "run", "resnet18", "--loss", "focal", "--data", tiny_set, *QUICK, "--results", results, "--json", "--quiet"
    )
    report = json.loads(again.stdout)
    assert report["reused"] is True
    assert "reused" in again.stderr
    assert set(report["results"]) == {"validation", "test"}
    assert 0 <= report["results"]["test"]["auroc"] <= 1
    assert report["experiment"]["loss"] == "focal"


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(signal.SIGINT, id="ctrl-c", marks=pytest.mark.disaster),
        pytest.param(signal.SIGTERM, id="terminate"),
    ],
)
def test_a_signal_leaves_a_run_that_goes_on_when_the_command_is_typed_again(tiny_set, tmp_path, sign):
    """A real process, a real signal: one line, exit code 1, and the next call starts after the last finished epoch.

    While it trains, a second process that wants the same run is told who trains it, and nothing is lost by asking.
    """
    words = ["run", "resnet18", "--data", tiny_set, *QUICK, "--results", tmp_path]
    words += ["--epochs", "10", "--no-early-stopping"]
    process = start(*words)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/history.csv")) and time.monotonic() < deadline:
        time.sleep(0.05)
    second = call(*words)  # takes seconds, in which the first trains on
    assert "goes on after" not in second.stderr
    assert (second.exit_code, second.stdout) == (1, "")
    assert f"being trained by another process | Found: process {process.pid} on " in second.stderr
    assert f"`kill {process.pid}`" in second.stderr
    assert "running" in call("runs", "--results", tmp_path).stdout
    process.send_signal(sign)
    stdout, stderr = finish(process)
    assert (process.returncode, stdout) == (1, "")
    assert "interrupted: type the same command again" in stderr.strip().splitlines()[-1]
    assert "Traceback" not in stderr
    folder = next(tmp_path.glob("runs/*"))
    record = json.loads((folder / "record.json").read_text())
    assert record["status"] == "interrupted"
    before = (folder / "history.csv").read_text().splitlines()
    assert 1 <= record["epochs_run"] == len(before) - 1 < 10
    if sign == signal.SIGTERM:  # the rest is the same
        return
    resumed = call(*words)
    assert resumed.exit_code == 0
    assert f"goes on after epoch {record['epochs_run']}." in resumed.stderr
    after = (folder / "history.csv").read_text().splitlines()
    assert after[: len(before)] == before
    assert len(after) == 11


def test_a_person_at_a_terminal_sees_each_epoch_and_the_time_left(tiny_set, tmp_path):
    """Stderr is a real pseudo-terminal; stdout, which is none, gets the summary alone."""
    ours, theirs = pty.openpty()
    words = ["run", "resnet18", "--data", tiny_set, *QUICK, "--epochs", "2", "--results", tmp_path]
    process = start(*words, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the process is
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    stdout, _ = finish(process)
    assert process.returncode == 0, shown.decode()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    history = next(tmp_path.glob("runs/*/history.csv")).read_text().splitlines()[1:]
    for row in history:
        epoch, train_loss, _, val_loss, _, val_auroc, *_ = row.split(",")
        line = rf"{epoch}\s+{float(train_loss):.4f}\s+{float(val_loss):.4f}\s+{float(val_auroc):.4f}\s+[0-9.]+"
        assert re.search(line, text), text
    assert "left at most" in text
    assert "epoch 2/2" in text
    assert "left at most" not in stdout


def test_without_a_terminal_each_epoch_is_a_plain_line_on_stderr_and_none_when_quiet(tiny_set, tmp_path):
    words = ["run", "resnet18", "--data", tiny_set, *QUICK, "--epochs", "2", "--no-early-stopping"]
    done = call(*words, "--results", tmp_path)
    history = next(tmp_path.glob("runs/*/history.csv")).read_text().splitlines()[1:]
    lines = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert len(lines) == len(history) == 2
    for line, row in zip(lines, history, strict=True):
        epoch, train_loss, _, val_loss, _, val_auroc, *_ = row.split(",")
        losses = f"train loss {float(train_loss):.4f}, val loss {float(val_loss):.4f}"
        numbers = f"{losses}, val AUROC {float(val_auroc):.4f}"
        assert re.fullmatch(rf"epoch {epoch} of 2: {numbers}, \d+ s, \d+ s left at most", line), line
    assert lines[1].endswith(", 0 s left at most")
    assert "left at most" not in done.stdout
    assert call(*words, "--results", tmp_path, "--force", "--quiet").stderr == ""


def test_a_dry_run_trains_nothing_and_prints_the_record(tiny_set, tmp_path):
    result = call("run", "resnet18", "--data", tiny_set, *QUICK, "--results", tmp_path / "none", "--dry-run")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["data"]["splits"]["train"]["images"] == 24
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["resnet19"], ["unknown backbone 'resnet19'", "did you mean 'resnet18'?", "vgg16"]),
        (["resnet18", "--params", "p11"], ["unknown parameter set 'p11'", "did you mean 'p1'?"]),
        (["resnet18", "--loss", "focl"], ["unknown loss 'focl'", "did you mean 'focal'?"]),
        (["resnet18", "--fine-tune", "heed"], ["unknown fine_tune 'heed'", "did you mean 'head'?"]),
        (["resnet18", "--dropout", "2"], ["dropout cannot be 2.0", "from 0 to 0.95"]),
        (["resnet18", "--data", "nowhere"], ["nowhere"]),
        (["resnet18", "--weights", "nothing.pth"], ["no weights 'nothing.pth'"]),
    ],
)
def test_a_wrong_word_is_one_line_that_helps(tiny_set, tmp_path, words, expected):
    data = [] if "--data" in words else ["--data", tiny_set]
    fails(call("run", *words, *data, "--results", tmp_path, "--image-size", "64", "--quiet"), *expected)
    assert list(tmp_path.iterdir()) == []


def refused(data, tmp_path, *words, extra=()):
    result = fails(
        call("run", "resnet18", "--data", data, *QUICK, "--results", tmp_path / "r", "--quiet", *extra), *words
    )
    assert not (tmp_path / "r").exists()
    return result


def table(data, split):
    return next((data / {"train": "Training_Set", "test": "Test_Set"}[split]).glob("*.csv"))


def test_an_empty_split_is_named(make_set, tmp_path):
    refused(make_set(test=0), tmp_path, "test")


def test_a_split_of_one_class_is_named(make_set, tmp_path):
    refused(make_set(test=3), tmp_path, "test", "both classes")


def test_a_table_without_its_target_is_named(make_set, tmp_path):
    data = make_set()
    table(data, "train").write_text("ID,DR\n1,1\n")
    refused(data, tmp_path, "Disease_Risk", table(data, "train"))


def test_a_missing_image_is_named_and_can_be_left_out(make_set, tmp_path):
    data = make_set()
    (data / "Training_Set" / "Training" / "3.png").unlink()
    refused(data, tmp_path, "train/3", "--skip-bad")


@pytest.mark.parametrize("damage", ["empty", "truncated"])
def test_a_damaged_image_is_named_and_left_out_on_request(make_set, tmp_path, damage):
    data = make_set()
    image = data / "Training_Set" / "Training" / "3.png"
    image.write_bytes(b"" if damage == "empty" else image.read_bytes()[:2000])
    refused(data, tmp_path, "3.png", "--skip-bad")
    words = ["--data", data, *QUICK, "--results", tmp_path / "r", "--skip-bad", "--dry-run", "--quiet"]
    record = json.loads(call("run", "resnet18", *words).stdout)
    assert [(item["split"], item["id"]) for item in record["data"]["excluded"]] == [("train", "3")]
    assert record["data"]["splits"]["train"]["images"] == 7


def test_a_set_without_one_good_image_is_refused_even_with_skip_bad(make_set, tmp_path):
    data = make_set()
    for image in data.rglob("*.png"):
        image.write_bytes(b"no image")
    refused(data, tmp_path)
    refused(data, tmp_path, extra=["--skip-bad"])


def test_an_image_in_two_splits_is_a_warning_in_the_record_and_left_out_on_request(make_set, tmp_path):
    data = make_set()
    (data / "Test_Set" / "Test" / "1.png").write_bytes((data / "Training_Set" / "Training" / "2.png").read_bytes())
    words = ["run", "resnet18", "--data", data, *QUICK, "--results", tmp_path / "r", "--dry-run", "--quiet"]
    kept = json.loads(call(*words).stdout)["data"]
    assert any("train/2" in line and "test/1" in line for line in kept["warnings"])
    assert kept["splits"]["train"]["images"] == 8
    left = json.loads(call(*words, "--skip-bad").stdout)["data"]
    assert [(item["split"], item["id"]) for item in left["excluded"]] == [("train", "2")]
    assert left["splits"]["test"]["images"] == 8
    assert left["fingerprint"] != kept["fingerprint"]


def test_a_results_folder_that_cannot_be_written_is_one_line(tiny_set, tmp_path):
    (tmp_path / "file").write_text("")
    result = call("run", "resnet18", "--data", tiny_set, *QUICK, "--results", tmp_path / "file" / "deeper", "--quiet")
    fails(result, "--results DIR")


def test_the_built_in_set_trains_without_imagenet_weights_and_says_so_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "COUNTS", {"train": 12, "validation": 8, "test": 8})
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path / "cache"))
    words = [word for word in QUICK if word not in ("--weights", "random")]
    result = call("run", "resnet18", *words, "--results", tmp_path / "r")
    assert result.exit_code == 0, result.output
    for text in (result.stdout, result.stderr):
        assert "training starts from RANDOM weights" in text
        assert synthetic.NOTICE.rstrip(".") in text
    run = next((tmp_path / "r" / "runs").iterdir())
    record = json.loads((run / "record.json").read_text())
    assert record["weights"]["origin"] == "random"
    assert "RANDOM" in record["weights"]["notice"]


def test_a_drawn_set_says_what_it_is_wherever_it_lies(tmp_path):
    folder = synthetic.synthesize(tmp_path / "set", counts={"train": 12, "validation": 8, "test": 8}, quiet=True)
    words = ["--data", folder, *QUICK, "--results", tmp_path / "r", "--dry-run"]
    result = call("run", "resnet18", *words)
    assert json.loads(result.stdout)["data"]["notice"] == synthetic.NOTICE


def test_a_weights_file_that_is_none_is_refused_before_anything_is_written(tiny_set, tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    words = ["--data", tiny_set, "--results", tmp_path / "r", "--weights", tmp_path / "weights.pth", "--quiet"]
    fails(call("run", "resnet18", *words), "weights.pth")
    assert not (tmp_path / "r").exists()


def test_retina_data_names_a_default_folder(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setenv("RETINA_DATA", str(tiny_set))
    result = call("run", "resnet18", *QUICK, "--results", tmp_path / "r", "--dry-run", "--quiet")
    assert json.loads(result.stdout)["data"]["folder"] == str(tiny_set)
