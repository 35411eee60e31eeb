"""A search from Python: what is refused before anything is read; `tests/commands/test_tune.py` searches."""

import pytest

from retina.errors import ExperimentError
from retina.experiments.place import Place
from retina.training.searches.tuning import Trial
from retina.workflows import tune as workflow


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"low": 1e-2, "high": 1e-3}, "--high must be larger than --low"),
        ({"low": 0.0}, "--low cannot be 0"),
        ({"high": 100.0}, "--high cannot be 100"),
        ({"batch_sizes": (0, 8)}, "--batch-sizes cannot be 0"),
    ],
)
def test_a_space_that_no_run_may_have_is_refused_before_anything_is_read(tmp_path, space, words):
    with pytest.raises(ExperimentError, match=words):
        workflow.tune("resnet18", trials=2, place=Place(tmp_path / "r", tmp_path / "nowhere"), **space)


def test_a_trial_in_words():
    trial = Trial(1, 3e-4, 16, "a-run", "finished", 0.91234, 5)
    assert workflow.in_words(trial) == "learning rate 0.0003, batch 16: validation AUROC 0.9123 after 5 epochs"
    pruned = Trial(2, 3e-4, 16, "a-run", "pruned", None, 3)
    assert workflow.in_words(pruned) == "learning rate 0.0003, batch 16: pruned after 3 epochs"
