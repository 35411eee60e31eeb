"""Learning rates of layers follow their stages."""

import dataclasses

import keras
import pytest

from retina.experiments import parameters
from retina.models import classifier
from retina.models.backbones import registry
from retina.training.loop import fit, layer_rates


@pytest.mark.parametrize("backbone", ["vgg16", "resnet18"])
def test_rates_grow_smaller_from_stage_to_stage_towards_the_input(backbone):
    network, body = classifier.build(backbone), registry.get(backbone)
    factors = layer_rates.multipliers(network, body, 0.5)
    stages = body.stages_of(network)
    for layer in network.layers:
        depth = len(body.stages) - list(body.stages).index(stages[layer.name]) if layer.name in stages else 0
        for variable in layer.trainable_variables:
            assert factors.get(variable.path, 1.0) == 0.5**depth
    assert layer_rates.multipliers(network, body, 1.0) == {}
    assert len({variable.path for variable in network.trainable_variables}) == len(network.trainable_variables)


@pytest.mark.parametrize("backbone", ["resnet18", "keras:MobileNetV3Small"])
def test_a_head_alone_has_one_rate_whatever_the_stages_of_the_backbone_it_comes_from(backbone):
    """A library's backbone tells its stages from the layers of a whole network, and a head has none of them."""
    settings = dataclasses.replace(parameters.load(backbone, fine_tune="head").experiment, layer_decay=0.5)
    features = keras.Input((8,), name="features")
    head = keras.Model(features, keras.layers.Dense(1)(features))
    assert fit.optimizer_of(settings, head, registry.get(backbone)).rate_multipliers == {}
