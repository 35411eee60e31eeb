"""The loop of training: it moves what it should."""

import dataclasses

import pytest
import torch
from small_runs import fitted
from small_runs import planned_by_eights as prepare

from retina.experiments import experiment
from retina.models import classifier
from retina.models.backbones import registry
from retina.runs import folder as runs
from retina.training import setup
from retina.training.loop import fit
from retina.training.loop.optimizer import FusedAdam, FusedSGD


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


def test_the_optimizer_of_an_experiment_has_its_settings_and_leaves_vectors_alone():
    network, body = classifier.build("resnet18"), registry.get("resnet18")
    chosen = experiment.load("resnet18", optimizer="sgd", weight_decay=0.1, ema=0.9, clip_norm=2.0, layer_decay=0.5)[0]
    made = fit.optimizer_of(chosen, network, body)
    assert isinstance(made, FusedSGD)
    assert (made.weight_decay, made.ema_momentum, made.global_clipnorm) == (0.1, 0.9, 2.0)
    decayed = [variable for variable in network.trainable_variables if made._use_weight_decay(variable)]
    assert {variable.name for variable in decayed} == {"kernel"}
    plain = fit.optimizer_of(dataclasses.replace(chosen, optimizer="adam", ema=0.0, clip_norm=0.0), network, body)
    assert isinstance(plain, FusedAdam)
    assert (plain.weight_decay, plain.use_ema, plain.global_clipnorm) == (None, False, None)
