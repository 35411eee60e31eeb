"""The loop of training: it moves what it should."""

import pytest
import torch
from small_runs import fitted
from small_runs import planned_by_eights as prepare

from retina.runs import folder as runs
from retina.training import setup


@pytest.mark.parametrize("fine_tune", ["head", "last"])
def test_training_moves_what_it_should_and_nothing_else(tiny_set, tmp_path, fine_tune):
    """Frozen weights and frozen moving statistics are bit for bit those of the start."""
    prepared = prepare(tiny_set, tmp_path, fine_tune=fine_tune, epochs=1)
    network = setup.build(prepared)
    before = {item.path: item.value.detach().clone() for item in network.weights}
    fitted(prepared, setup.setup(prepared, network), runs.create(tmp_path, "x"))
    moved = {item.path for item in network.weights if not torch.equal(before[item.path], item.value)}
    expected = {path for path in before if path.startswith(("logit", "layer4") if fine_tune == "last" else "logit")}
    assert moved == expected
