"""Smaller learning rates towards the input."""

import keras

from retina.models.backbones.interface import Backbone


def multipliers(network: keras.Model, backbone: Backbone, layer_decay: float) -> dict[str, float]:
    """Factors of the learning rate, smaller towards the input (Howard and Ruder 2018, arXiv 1801.06146, section 3.2).

    Args:
        network: What is trained; the layers of its head, and a head alone, have the whole rate.
        backbone: Its backbone. Its last stage has `layer_decay` of the rate, the one before `layer_decay` of that.
        layer_decay: The factor from a stage to the one before, 0-1; 1 gives all layers one rate.

    Returns:
        Path of a variable -> its factor; those with the whole rate are left out.
    """
    if layer_decay == 1:
        return {}
    depth = {stage: number for number, stage in enumerate(reversed(backbone.stages), start=1)}
    stages = backbone.stages_of(network)
    return {
        variable.path: layer_decay ** depth[stages[layer.name]]
        for layer in network.layers
        if layer.name in stages
        for variable in layer.trainable_variables
    }
