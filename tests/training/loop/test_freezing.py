"""The head first: in its epochs nothing else moves, and what follows is as if begun by hand."""

import keras
import pytest
import torch
from small_runs import planned_by_eights as prepare

from retina.models.layers import BatchNormalization
from retina.runs import folder as runs
from retina.training import setup
from retina.training.loop import fit
from retina.training.saving.writer import Writer


class Watch(keras.callbacks.Callback):
    """Notes, after each epoch, what moved in it, and how often the optimizer has stepped."""

    def on_epoch_begin(self, epoch, logs=None):
        self.before = values(self.model)

    def on_epoch_end(self, epoch, logs=None):
        now = values(self.model)
        self.moved.append({path for path, value in now.items() if not torch.equal(value, self.before[path])})
        self.steps.append(int(self.model.optimizer.iterations))

    def on_train_begin(self, logs=None):
        self.moved, self.steps = [], []


def values(model):
    return {item.path: item.value.detach().clone() for item in model.weights if item.value.is_floating_point()}


@pytest.mark.parametrize("fine_tune", ["full", "last"])
def test_in_the_first_epochs_the_head_alone_moves_and_then_all_that_is_trained(tiny_set, tmp_path, fine_tune):
    prepared = prepare(tiny_set, tmp_path, fine_tune=fine_tune, epochs=3, freeze_epochs=2, early_stopping=False)
    network, watch = setup.build(prepared), Watch()
    statistics = {layer.name for layer in network.layers if isinstance(layer, BatchNormalization)}
    with Writer(runs.create(tmp_path, "x")) as writer:
        fit.fit(prepared, setup.setup(prepared, network), writer, listeners=[watch])
    head = {item.path for item in network.get_layer("logit").weights}
    assert watch.moved[:2] == [head, head]
    trained = {path for path in values(network) if fine_tune == "full" or path.startswith(("logit", "layer4"))}
    assert watch.moved[2] == trained
    assert any(path.endswith("moving_mean") for path in trained), f"none of {statistics} moved its statistics"
    steps = setup.setup(prepared, network).training.num_batches
    assert watch.steps == [steps, 2 * steps, steps], "the optimizer does not begin anew"
