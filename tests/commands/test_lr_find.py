"""`lr-find` as a user types it: its files, its grid, what is reused, what is replaced and what never is."""

import csv
import json

import numpy as np
import pytest
from command_line import call as typed
from command_line import fails
from small_runs import small_network

from retina.analysis.comparing import comparison
from retina.analysis.gathering import collection
from retina.machine import sealed
from retina.reporting import wording
from retina.reporting.language import Language
from retina.reporting.terminal.rate_grid import CAVEAT
from retina.runs import folder as runs
from retina.runs import searches
from retina.training import setup
from retina.training.searches import lr_range


@pytest.fixture(scope="module")
def tested(tiny_set, tmp_path_factory):
    """A results folder with a range test of two seeds on the real network, and what the command printed."""
    results = tmp_path_factory.mktemp("results")
    return results, call(results, tiny_set)


def call(results, data, *more, seeds=2, steps=10):
    words = ["lr-find", "resnet18", "--data", data, "--weights", "random", "--image-size", "64", "--batch-size", "8"]
    words += ["--precision", "float32", "--epochs", "1", "--results", results, "--seeds", seeds, "--steps", steps]
    return typed(*words, *more)


def test_the_command_writes_a_sealed_record_a_curve_and_a_figure_and_no_run(tested):
    results, done = tested
    assert done.exit_code == 0, done.output
    (folder,) = searches.range_folder(results).iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "curve.png", "curve.svg", "record.json"]
    record = sealed.read_sealed(folder / "record.json")
    assert [seed["seed"] for seed in record["seeds"]] == [0, 1]
    with (folder / "curve.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == sum(seed["steps"] for seed in record["seeds"])
    assert float(rows[0]["learning_rate"]) == 1e-7
    assert np.isfinite([float(row["train_loss"]) for row in rows]).all()
    assert (folder / "curve.png").read_bytes()[:4] == b"\x89PNG"
    assert runs.list_runs(results) == []
    assert f"Folder: {folder}" in done.stdout
    assert "no validation image" in done.stdout
    assert "A range test does not read epochs: only the runs of --check do." in done.stderr


def test_the_same_command_again_reuses_it_and_force_repeats_it_to_the_same_numbers(tested, tiny_set, monkeypatch):
    results, _ = tested
    (folder,) = searches.range_folder(results).iterdir()
    before = (folder / "curve.csv").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(lr_range, "measure", None)
        again = call(results, tiny_set, "--json")
    assert json.loads(again.stdout)["reused"] is True
    forced = call(results, tiny_set, "--force", "--json")
    assert json.loads(forced.stdout)["reused"] is False
    assert (folder / "curve.csv").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_wrong_range_is_refused(tiny_set, tmp_path):
    fails(call(tmp_path, tiny_set, "--low", "0.1", "--high", "0.01"), "--high must be larger than --low")
    assert call(tmp_path, tiny_set, "--learning-rate", "0.1").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_check_trains_ordinary_runs_and_says_what_validation_tells(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)
    done = call(tmp_path, tiny_set, "--check", "--seeds", 1)
    assert done.exit_code == 0, done.output
    found = runs.list_runs(tmp_path)
    assert sorted(run.record().experiment.learning_rate for run in found) == [1e-4, 3e-4, 1e-3]
    assert {run.record().experiment.seed for run in found} == {0}
    assert done.stdout.count("(DeLong, Holm)") == 3
    assert CAVEAT in done.stdout
    times = [run.record_path.stat().st_mtime_ns for run in found]
    again = json.loads(call(tmp_path, tiny_set, "--check", "--seeds", 1, "--json").stdout)
    assert [run.record_path.stat().st_mtime_ns for run in found] == times
    assert [item["rate"] for item in again["check"]["rates"]] == [1e-4, 3e-4, 1e-3]
    (folder,) = searches.range_folder(tmp_path).iterdir()
    assert sealed.read_sealed(folder / "check.json")["best"] == again["check"]["best"]


def test_the_diagnosis_quotes_the_range_test_of_the_same_setting_alone(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)
    assert call(tmp_path, tiny_set, "--check", "--seeds", 1, "--epochs", 6, "--no-early-stopping").exit_code == 0
    found = runs.list_runs(tmp_path)
    (folder,) = searches.range_folder(tmp_path).iterdir()
    record = sealed.read_sealed(folder / "record.json")
    record["seeds"] = [
        {"seed": seed, "suggestion": rate, "lower_bound": False, "steps": 16, "diverged": False}
        for seed, rate in enumerate((2e-4, 8e-4))
    ]
    for changed, quoted in (
        ({}, True),
        ({"batch_size": 16}, False),
        ({"image_size": 96}, False),
        ({"loss": "focal"}, False),
    ):
        said = record | {"experiment": record["experiment"] | changed}
        (folder / "record.json").write_text(sealed.seal(said))
        for language, words in (("en", "range test"), ("zh-TW", "範圍測試")):
            findings = [item for several in comparison.compare(found).findings.values() for item in several]
            advice = [wording.sentence(item, Language(language)) for item in findings if item.rule == "learning_rate"]
            assert advice
            assert all(
                (words in sentence and "0.0004" in sentence and "4.00" in sentence) is quoted for sentence in advice
            )


def test_a_damaged_record_is_named_and_changes_nothing_else(tested, tmp_path):
    results, _ = tested
    (folder,) = searches.range_folder(results).iterdir()
    home = searches.range_folder(tmp_path) / folder.name
    home.mkdir(parents=True)
    (home / "record.json").write_text((folder / "record.json").read_text().replace('"low": 1e-07', '"low": 1e-06'))
    found, damaged = searches.range_tests([tmp_path])
    assert found == []
    assert len(damaged) == 1
    assert str(home) in damaged[0]
    assert collection.collect([]) == ([], [])


def test_a_damaged_test_is_one_line_nothing_is_deleted_and_force_replaces_it(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)
    assert call(tmp_path, tiny_set, seeds=1).exit_code == 0
    (folder,) = searches.range_folder(tmp_path).iterdir()
    (folder / "record.json").write_text("{")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    fails(call(tmp_path, tiny_set, "--quiet", seeds=1), "an earlier range test is damaged", folder, "--force")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert call(tmp_path, tiny_set, "--force", seeds=1).exit_code == 0
    assert sealed.read_sealed(folder / "record.json")["kind"] == "lr-find"


def test_force_replaces_the_check_too_or_says_that_it_is_gone(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "build", small_network)
    assert call(tmp_path, tiny_set, "--check", seeds=1).exit_code == 0
    (path,) = tmp_path.glob("lr-find/*/check.json")
    first = path.stat().st_mtime_ns
    again = call(tmp_path, tiny_set, "--check", "--force", seeds=1)
    assert "check.json of the earlier test is removed" not in again.stderr
    assert path.stat().st_mtime_ns > first
    reused = call(tmp_path, tiny_set, seeds=1)
    assert "check.json" not in reused.stderr
    assert path.is_file()
    forced = call(tmp_path, tiny_set, "--force", seeds=1)
    assert not path.exists()
    assert "check.json of the earlier test is removed with it; --check compares the grid" in forced.stderr


def test_a_test_of_an_earlier_version_is_reused_under_its_name_and_the_user_is_told(tiny_set, tmp_path, monkeypatch):
    """Earlier versions kept the colon of a library's backbone in the folder's name."""
    monkeypatch.setattr(setup, "build", small_network)
    words = ["lr-find", "keras:MobileNetV3Small", "--data", tiny_set, "--weights", "random", "--image-size", 64]
    words += ["--seeds", 1, "--steps", 16, "--results", tmp_path]
    assert typed(*words).exit_code == 0
    (folder,) = searches.range_folder(tmp_path).iterdir()
    assert folder.name.startswith("keras.MobileNetV3Small-p1-ce-")
    former = folder.rename(folder.with_name(folder.name.replace("keras.", "keras:")))
    again = typed(*words, "--json")
    assert json.loads(again.stdout)["reused"] is True
    assert f"found under the name that an earlier version gave it: {former}" in again.stderr
    typed(*words, "--force")
    assert list(searches.range_folder(tmp_path).iterdir()) == [former], "no second one beside it"
