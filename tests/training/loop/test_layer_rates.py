"""Learning rates of layers follow their stages."""

import pytest

from retina.models import classifier
from retina.models.backbones import registry
from retina.training.loop import layer_rates


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
