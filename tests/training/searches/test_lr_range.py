"""The learning-rate range test: its rule on curves made by hand, its files, its grid, and what it never looks at."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from small_runs import planned, small_network

from retina.analysis.comparing import comparison, rate_grid
from retina.analysis.gathering import collection
from retina.cli import main
from retina.machine import sealed
from retina.reporting import wording
from retina.reporting.language import Language
from retina.runs import folder as runs
from retina.runs import searches
from retina.training import weights
from retina.training.searches import lr_range, lr_rule

STEPS = 120


def valley(at, *, noise=0.0, seed=0, depth=0.5, low=1e-7, high=1.0, steps=STEPS):
    """A loss that falls to its lowest at a rate and climbs thereafter, as in a range test."""
    rates = lr_rule.rates(low, high, steps)
    apart = np.log10(rates / at)
    losses = 0.7 - depth * np.exp(-0.5 * (apart / 0.8) ** 2) + 0.5 * np.clip(apart, 0, None) ** 2
    return rates, losses + np.random.default_rng(seed).normal(0, noise, steps)


@given(at=st.floats(1e-5, 3e-2), scale=st.floats(0.01, 100), factor=st.floats(0.1, 10))
def test_the_rule_finds_a_tenth_of_the_lowest_place_whatever_the_scale_of_loss_and_rate(at, scale, factor):
    rates, losses = valley(at)
    said = lr_rule.suggest(rates, losses, STEPS)
    assert not said.at_end
    assert said.rate == pytest.approx(at / 10, rel=0.75)
    assert lr_rule.suggest(rates, scale * losses, STEPS).rate == said.rate
    assert lr_rule.suggest(factor * rates, losses, STEPS).rate == pytest.approx(factor * said.rate)


@given(at=st.floats(1e-4, 1e-2), seed=st.integers(0, 1000))
def test_the_noise_of_batches_moves_the_suggestion_by_less_than_half_a_decade(at, seed):
    said = lr_rule.suggest(*valley(at, noise=0.05, seed=seed), STEPS)
    assert abs(np.log10(said.rate / (at / 10))) < 0.5


@given(seed=st.integers(0, 300))
def test_a_flat_curve_suggests_nothing_or_stays_within_the_range(seed):
    rates, losses = valley(1e-3, noise=0.1, seed=seed, depth=0.0)
    said = lr_rule.suggest(rates, losses, STEPS)
    assert said.rate is None or rates[0] <= said.rate <= rates[-1]


def test_flat_curves_suggest_nothing_but_for_a_few():
    """A curve of noise alone has a lowest place, which means nothing."""
    said = [lr_rule.suggest(*valley(1e-3, noise=0.1, seed=seed, depth=0.0), STEPS).rate for seed in range(200)]
    assert sum(rate is not None for rate in said) <= 10


def test_a_loss_that_still_falls_at_the_end_gives_a_lower_bound():
    rates = lr_rule.rates(1e-6, 1e-3, 50)
    said = lr_rule.suggest(rates, np.linspace(0.8, 0.4, 50), 50)
    assert said.at_end
    assert said.rate == pytest.approx(1e-4)


def test_a_few_losses_are_no_curve():
    assert lr_rule.suggest(np.geomspace(1e-6, 1e-3, 5), np.linspace(1, 0.1, 5), 100).rate is None
    assert lr_rule.suggest(np.array([]), np.array([]), 100).rate is None


@pytest.mark.parametrize("end", [float("nan"), float("inf"), 50.0])
def test_divergence_is_seen(end):
    watch = lr_rule.Watch()
    assert not any(watch.diverged(0.7) for _ in range(30))
    assert any(watch.diverged(end) for _ in range(10))


@pytest.fixture(scope="module")
def tested(tiny_set, tmp_path_factory):
    """A results folder with a range test of two seeds on the real network, and what the command printed."""
    results = tmp_path_factory.mktemp("results")
    return results, call(results, tiny_set)


def call(results, data, *more, seeds=2, steps=16):
    words = ["lr-find", "resnet18", "--data", data, "--weights", "random", "--image-size", "64", "--batch-size", "8"]
    words += ["--precision", "float32", "--epochs", "1", "--results", results, "--seeds", seeds, "--steps", steps]
    return CliRunner().invoke(main, [str(word) for word in [*words, *more]])


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


def test_a_range_test_reads_training_images_alone(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "build", small_network)
    plan = planned(tiny_set, tmp_path)
    rows = set(plan.data.parts["train"].rows.tolist())
    seen = set()

    class Watched:
        def __getitem__(self, chosen):
            seen.update(np.asarray(chosen).tolist())
            return images[chosen]

    images = plan.data.images
    object.__setattr__(plan.data, "images", Watched())
    traces = lr_range.measure(plan, lr_range.Range(steps=20, seeds=1), quiet=True)
    assert len(traces[0].losses) > 0
    assert seen == rows


def test_the_range_test_of_a_head_reads_training_images_alone_too(tiny_set, tmp_path, monkeypatch):
    from retina.training.features import Features

    asked = []
    original = Features.of
    monkeypatch.setattr(
        Features, "of", lambda self, split, variant=0: asked.append(split) or original(self, split, variant)
    )
    plan = planned(tiny_set, tmp_path, fine_tune="head", feature_variants=0)
    lr_range.measure(plan, lr_range.Range(steps=12, seeds=1), quiet=True)
    assert set(asked) == {"train"}


def test_a_wrong_range_is_refused(tiny_set, tmp_path):
    assert call(tmp_path, tiny_set, "--low", "0.1", "--high", "0.01").exit_code == 2
    assert call(tmp_path, tiny_set, "--learning-rate", "0.1").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_check_trains_ordinary_runs_and_says_what_validation_tells(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "build", small_network)
    done = call(tmp_path, tiny_set, "--check", "--seeds", 1)
    assert done.exit_code == 0, done.output
    found = runs.list_runs(tmp_path)
    assert sorted(run.record().experiment.learning_rate for run in found) == [1e-4, 3e-4, 1e-3]
    assert {run.record().experiment.seed for run in found} == {0}
    assert done.stdout.count("(DeLong, Holm)") == 3
    assert rate_grid.CAVEAT in done.stdout
    times = [run.record_path.stat().st_mtime_ns for run in found]
    again = json.loads(call(tmp_path, tiny_set, "--check", "--seeds", 1, "--json").stdout)
    assert [run.record_path.stat().st_mtime_ns for run in found] == times
    assert [item["rate"] for item in again["check"]["rates"]] == [1e-4, 3e-4, 1e-3]
    (folder,) = searches.range_folder(tmp_path).iterdir()
    assert sealed.read_sealed(folder / "check.json")["best"] == again["check"]["best"]


def test_the_diagnosis_quotes_the_range_test_of_the_same_setting_alone(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "build", small_network)
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
