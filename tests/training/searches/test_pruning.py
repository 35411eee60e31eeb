"""A trial is judged after every epoch, and ended where that saves something."""

import dataclasses

import pytest
from made_runs import make_run

from retina.errors import PrunedError
from retina.training.searches import pruning


def test_the_objective_is_that_of_the_epoch_with_the_lowest_validation_loss():
    rows = [{"val_loss": loss, "val_auroc": auroc} for loss, auroc in ((0.6, 0.7), (0.5, 0.8), (0.55, 0.9))]
    assert pruning.objective(rows) == 0.8
    assert pruning.objective(rows[:1]) == 0.7


class Trial:
    """Stands for Optuna's: notes what is reported, and says at which epochs it would prune."""

    def __init__(self, prunes=()):
        self.prunes, self.reported = prunes, []

    def report(self, value, epoch):
        self.reported.append((epoch, value))

    def should_prune(self):
        return self.reported[-1][0] in self.prunes


def hear(results, trial, losses, *, of=10, **settings):
    """Let a trial hear of the epochs of a run, one after the other, `of` as many as it may have."""
    run = make_run(results, status="running", epochs=len(losses), **settings)
    rows = [
        row | {"val_loss": loss, "val_auroc": 0.1 * row["epoch"]}
        for row, loss in zip(run.history().to_dict("records"), losses, strict=True)
    ]
    watcher = pruning.Prune(trial, run, dataclasses.replace(run.record().experiment, epochs=of))
    for count in range(1, len(rows) + 1):
        run.write_history(rows[:count])
        watcher.on_epoch_end(count - 1)


def test_every_epoch_is_reported_once_with_the_auroc_of_the_best_so_far(tmp_path):
    trial = Trial()
    hear(tmp_path, trial, [0.6, 0.5, 0.55, 0.4], early_stopping=False)
    assert trial.reported == [(1, 0.1), (2, 0.2), (3, 0.2), (4, 0.4)]


def test_a_trial_that_is_expected_to_lose_is_ended_and_says_after_which_epoch(tmp_path):
    with pytest.raises(PrunedError, match=r"pruned after epoch 2 .*at most 0\.2000 so far") as caught:
        hear(tmp_path, Trial(prunes=(2,)), [0.6, 0.5, 0.4])
    assert caught.value.epoch == 2


def test_a_trial_that_is_over_is_not_pruned(tmp_path):
    """After its last epoch, or where early stopping ends it, nothing is saved by that."""
    hear(tmp_path / "a", Trial(prunes=(3,)), [0.6, 0.5, 0.4], of=3)
    hear(tmp_path / "b", Trial(prunes=(3,)), [0.6, 0.7, 0.8], patience=2)
    with pytest.raises(PrunedError):
        hear(tmp_path / "c", Trial(prunes=(3,)), [0.6, 0.7, 0.8], patience=2, early_stopping=False)


def test_epochs_of_the_head_alone_and_of_the_warm_up_are_reported_and_not_judged(tmp_path):
    trial = Trial(prunes=(1, 2, 3))
    with pytest.raises(PrunedError, match="pruned after epoch 3"):
        hear(tmp_path, trial, [0.6, 0.5, 0.4, 0.3], freeze_epochs=1, warmup_epochs=0.5)
    assert [epoch for epoch, _ in trial.reported] == [1, 2, 3]


def test_epochs_of_earlier_sessions_are_reported_and_not_judged(tmp_path):
    run = make_run(tmp_path, status="running", epochs=3)
    trial = Trial(prunes=(1, 2))
    pruning.Prune(trial, run, run.record().experiment).on_train_begin()
    assert [epoch for epoch, _ in trial.reported] == [1, 2, 3]
