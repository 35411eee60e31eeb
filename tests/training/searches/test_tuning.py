"""A search: its trials are ordinary runs, its memory are their folders, its winner was chosen on validation."""

import warnings

import keras
import pytest
from made_runs import make_run, rewrite
from small_runs import planned, small_network

from retina import PACKAGE
from retina.analysis.comparing import comparison
from retina.analysis.gathering import collection, design
from retina.experiments import search_space
from retina.machine import sealed
from retina.reporting import report
from retina.reporting.language import Language
from retina.reporting.terminal import comparison as terminal
from retina.reporting.writers import markdown
from retina.runs import folder as runs
from retina.runs import searches
from retina.runs.record import Selection
from retina.training import execution
from retina.training.searches import tuning

pytestmark = pytest.mark.extra
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Optuna's, of what is experimental in it
    pytest.importorskip("optuna")
ROOT = PACKAGE.parent
SPACE = search_space.Space(1e-5, 1e-1, (4, 8))
TRIALS = 9


@pytest.fixture(autouse=True)
def small(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("optuna")
    stand_in(monkeypatch)


def stand_in(patch):
    """A pruner that needs few trials to judge by."""
    patch.setattr(tuning, "STARTUP", 2)
    patch.setattr(tuning, "WARMUP", 0)


def search(results, data, trials=TRIALS, **more):
    first = planned(data, results, epochs=5, early_stopping=False)
    return first, tuning.search(first, SPACE, trials=trials, build=small_network, **more)


@pytest.fixture(scope="module")
def searched(tiny_set, tmp_path_factory):
    """A search of nine trials, which no test changes."""
    results = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        return results, *search(results, tiny_set)


def table(results):
    """Every run of a results folder, timings left out."""
    return {
        run.folder.name: (run.record().status, run.record().pruned_epoch, run.history()["val_loss"].tolist())
        for run in runs.list_runs(results)
    }


def test_a_trial_says_what_stood_in_its_file_and_not_what_the_first_trial_had(tiny_set, tmp_path):
    first, space = planned(tiny_set, tmp_path, ema=0.9), search_space.Space(varied={"ema": (0.9, 0.0)})
    own = {"learning_rate": 3e-4, "batch_size": 32}
    one, other = (tuning.trial_plan(first, space, 1, own | {"ema": ema}).overrides for ema in (0.9, 0.0))
    assert one["ema"] == {"file": 0.0, "option": 0.9}
    assert "ema" not in other
    assert other["learning_rate"] == {"file": 1e-4, "option": 3e-4}
    assert "batch_size" not in other


def test_every_trial_is_an_ordinary_run_that_says_what_it_is(searched):
    results, first, trials = searched
    assert {trial.run for trial in trials} == {run.folder.name for run in runs.list_runs(results)}
    assert len({trial.learning_rate for trial in trials}) > 5
    for trial in trials:
        record = runs.find(results, trial.run).record()
        assert record.selection == Selection(by="tune", search=tuning.name(first, SPACE), trial=trial.number)
        assert record.to_dict()["selection"]["trial"] == trial.number
        settings = record.experiment
        assert (settings.learning_rate, settings.batch_size) == (trial.learning_rate, trial.batch_size)
        assert SPACE.low <= trial.learning_rate <= SPACE.high
        assert trial.batch_size in SPACE.batch_sizes
        if trial.state == "finished":
            row = runs.find(results, trial.run).history().iloc[record.best_epoch - 1]
            assert trial.objective == row["val_auroc"]


def test_a_pruned_trial_says_so_never_counts_as_finished_and_keeps_no_checkpoint(searched):
    results, _, trials = searched
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned, "the space reaches rates that learn nothing"
    for trial in pruned:
        run = runs.find(results, trial.run)
        record = run.record()
        assert record.status == "interrupted"
        assert record.error.startswith(f"pruned after epoch {trial.epochs}")
        assert record.pruned_epoch == trial.epochs == len(run.history()) < 5
        assert sorted(path.name for path in run.folder.iterdir()) == ["history.csv", "record.json"]
        assert trial.objective is None


def test_typed_again_nothing_is_trained_and_more_trials_go_on_from_there(searched, tiny_set, tmp_path, monkeypatch):
    results, _, trials = searched
    assert search(results, tiny_set, trials=4)[1] == trials[:4]
    with monkeypatch.context() as patch:
        patch.setattr(execution, "train", None)
        assert search(results, tiny_set)[1] == trials
    few = search(tmp_path, tiny_set, trials=3)[1]
    assert few == trials[:3]


class Stop(keras.callbacks.Callback):
    """Ctrl-C after the first epoch of a trial, before the search hears of it."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [2, 7])
def test_an_interrupted_search_goes_on_and_ends_as_an_undisturbed_one(searched, tiny_set, tmp_path, monkeypatch, at):
    results, _, trials = searched
    original = execution.execute

    def interrupted(plan, *, watchers, **named):
        stop = [Stop()] if plan.selection.trial == at else []
        return original(plan, watchers=[*stop, *watchers], **named)

    with monkeypatch.context() as patch:
        patch.setattr(execution, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path, tiny_set)
    assert len(runs.list_runs(tmp_path)) == at
    assert search(tmp_path, tiny_set)[1] == trials
    assert table(tmp_path) == table(results)


def test_a_trial_that_diverges_is_counted_and_not_tried_again(tiny_set, tmp_path, monkeypatch):
    from retina.errors import DivergedError

    class Explode(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise DivergedError("training diverged", step=1)

    original = execution.execute
    with monkeypatch.context() as patch:
        patch.setattr(
            execution,
            "execute",
            lambda plan, *, watchers, **named: original(
                plan, watchers=[*watchers, Explode()] if plan.selection.trial == 2 else watchers, **named
            ),
        )
        first, trials = search(tmp_path, tiny_set, trials=3)
    assert [trial.state for trial in trials] == ["finished", "failed", "finished"]
    assert search(tmp_path, tiny_set, trials=3)[1] == trials
    said = tuning.record(first, SPACE, trials)
    assert (said["tried"], said["failed"], said["pruned"]) == (3, 1, 0)


def test_the_winner_is_named_in_a_sealed_file_and_in_the_comparison_of_both_languages(searched, tmp_path):
    results, first, trials = searched
    content = tuning.record(first, SPACE, trials)
    path = tuning.write(results, content)
    assert sealed.read_sealed(path)["winner"] == tuning.winner(trials).run
    compared = comparison.compare(runs.list_runs(results))
    assert compared.damaged == ()
    for name, words in (("en", f"by a search of {TRIALS} trials"), ("zh-TW", f"經 {TRIALS} 次試驗的搜尋選出")):
        language = Language(name)
        label = next(entry.label for entry in compared.entries if entry.name == content["winner"])
        text = markdown.render(report.compose(compared, language))
        assert words in text
        assert f"{content['objective']:.3f}" in text
        assert words in terminal.render(compared, language)
        assert label in text
    pruned = next(trial for trial in trials if trial.state == "pruned")
    assert f"pruned after epoch {pruned.epochs}" in markdown.render(report.compose(compared, Language("en")))


def test_without_a_search_the_report_says_nothing_of_one(tmp_path):
    make_run(tmp_path)
    text = markdown.render(report.compose(comparison.compare(runs.list_runs(tmp_path)), Language("en")))
    assert "selected on validation" not in text


def test_a_trial_speaks_for_no_parameter_set(tmp_path):
    make_run(tmp_path, params="p1", digest="00000001")
    trial = make_run(tmp_path, params="p1", digest="00000002", learning_rate=3e-3)
    rewrite(trial, selection=Selection(by="tune", search="s", trial=1))
    make_run(tmp_path, params="p2", digest="00000003")
    entries, damaged = collection.collect(runs.list_runs(tmp_path))
    assert not damaged
    ((first, _),) = design.parameter_pairs(entries)
    assert first.name.endswith("00000001")


def test_a_damaged_file_of_a_search_is_named(searched, tmp_path):
    _, first, trials = searched
    path = tuning.write(tmp_path, tuning.record(first, SPACE, trials))
    path.write_text(path.read_text().replace('"pruned"', '"prunes"', 1))
    found, damaged = searches.tunings([tmp_path])
    assert found == []
    assert str(path) in damaged[0]
