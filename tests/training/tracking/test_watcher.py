"""A watcher hears of every epoch that is in the run folder, those of earlier sessions too."""

import pytest
from made_runs import make_run

from retina.errors import RunError
from retina.training.tracking.watcher import Watcher, history


class Noted(Watcher):
    """Notes how many epochs there are each time it is called."""

    def __init__(self, run):
        super().__init__(run)
        self.counts = []

    def hear(self):
        self.counts.append(len(self.rows()))


def test_it_is_called_when_training_begins_and_after_every_epoch(tmp_path):
    run = make_run(tmp_path, status="running", epochs=2)
    watcher = Noted(run)
    watcher.on_train_begin()
    run.write_history([*watcher.rows(), watcher.rows()[-1] | {"epoch": 3}])
    watcher.on_epoch_end(2, {})
    assert watcher.counts == [2, 3]
    assert [row["epoch"] for row in watcher.rows()] == [1, 2, 3]


def test_there_are_no_epochs_before_the_first_and_a_damaged_table_is_named(tmp_path):
    run = make_run(tmp_path, status="running", epochs=0)
    assert history(run) == []
    run.history_path.write_text("epoch\nx\n")
    with pytest.raises(RunError, match=r"history\.csv"):
        history(run)
