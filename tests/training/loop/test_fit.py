"""The loop of training: it moves what it should."""

import dataclasses

import numpy as np
import pytest
import torch
from small_runs import fitted, run_of, small_network
from small_runs import planned_by_eights as prepare
from tiny_sets import write_set

from retina.experiments import parameters
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
    chosen = parameters.load("resnet18", optimizer="sgd", weight_decay=0.1, ema=0.9, clip_norm=2.0, layer_decay=0.5)[0]
    made = fit.optimizer_of(chosen, network, body)
    assert isinstance(made, FusedSGD)
    assert (made.weight_decay, made.ema_momentum, made.global_clipnorm) == (0.1, 0.9, 2.0)
    decayed = [variable for variable in network.trainable_variables if made._use_weight_decay(variable)]
    assert {variable.name for variable in decayed} == {"kernel"}
    plain = fit.optimizer_of(dataclasses.replace(chosen, optimizer="adam", ema=0.0, clip_norm=0.0), network, body)
    assert isinstance(plain, FusedAdam)
    assert (plain.weight_decay, plain.use_ema, plain.global_clipnorm) == (None, False, None)


@pytest.mark.parametrize(("gamma", "settings"), [(0.0, {"loss": "ce"}), (2.0, {"loss": "focal", "focal_alpha": None})])
def test_validation_is_scored_by_the_smoothed_loss_with_the_weights_of_the_training_classes(tmp_path, gamma, settings):
    data = write_set(tmp_path / "set", {"train": 10, "validation": 8, "test": 8})  # 8 of 10, and 6 of 8, are diseased
    options = {"class_weight": "balanced", "label_smoothing": 0.2, "precision": "float32"}
    run = run_of(data, tmp_path, build=small_network, epochs=1, **options, **settings)
    rows = run.predictions().query("split == 'validation'")
    right = 1 / (1 + np.exp(-rows["logit"].to_numpy()))
    positive, negative = (-((1 - p) ** gamma) * np.log(p) for p in (right, 1 - right))
    diseased = rows["label"].to_numpy() == 1
    each = np.where(diseased, 0.9 * positive + 0.1 * negative, 0.1 * positive + 0.9 * negative)
    expected = (each * np.where(diseased, 10 / (2 * 8), 10 / (2 * 2))).mean()
    assert run.history()["val_loss"].tolist() == pytest.approx([expected], rel=1e-5)
