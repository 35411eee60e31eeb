"""The classifier: a backbone, and on it a head of global average pooling, dropout and one logit."""

import math
from pathlib import Path

import keras
import numpy as np

from retina.errors import ExperimentError, WeightsError, unknown
from retina.models.backbones import registry
from retina.models.backbones.interface import HEAD, Backbone
from retina.models.layers import Dropout, GlobalAveragePooling, Logit
from retina.models.layers.base import seed_of

FINE_TUNE = ("head", "last", "full")


def build(
    backbone: Backbone | str,
    *,
    weights: str | Path = "random",
    fine_tune: str = "full",
    dropout: float = 0.2,
    seed: int = 0,
) -> keras.Model:
    """Build a classifier: RGB images (N, H, W, 3), 0 to 255, uint8 or float, to logits (N, 1) float32.

    The model is one flat functional graph, so that any feature map can be tapped by its layer's name. Its initial
    weights and its dropout are functions of the seed alone, whatever was built or drawn before.

    Args:
        backbone: A backbone, or a name that `registry.get` knows.
        weights: See `registry.build`.
        fine_tune: What is trained: the `head`, the head and the backbone's `last` stage, or everything (`full`).
        dropout: Share of the pooled features set to 0 in training, in [0, 1).
        seed: Seed of the random weights and of dropout.

    Raises:
        ExperimentError: no such backbone or fine-tuning, or dropout out of range.
        WeightsError: the weights are not available or do not fit.
    """
    body = registry.get(backbone) if isinstance(backbone, str) else backbone
    if not 0 <= dropout < 1:
        raise ExperimentError(f"dropout cannot be {dropout}", expected="a number from 0 to below 1")
    images, features = body.connect(seed)
    x = GlobalAveragePooling(name="pool")(features)
    x = Dropout(dropout, seed=seed_of(seed, "dropout"), name="dropout")(x)
    logit = Logit(seed=seed_of(seed, "logit"), name="logit")(x)
    model = keras.Model(images, logit, name=f"{body.name.replace(':', '_')}_classifier")
    body.initialize(model, weights)
    freeze(model, body, fine_tune)
    return model


def start_at(model: keras.Model, prevalence: float) -> None:
    """Let a classifier begin with one answer for every image, the prevalence, and no opinion about any feature.

    With weights of zero the first gradients that reach the backbone are zero too, and grow as the head learns; random
    weights send it gradients of noise at full size. The bias is the log-odds of the prevalence, as Lin et al. 2017,
    arXiv 1708.02002, sections 3.3 and 4.1, begin at an assumed prevalence of 0.01. For cross-entropy no other constant
    answer has a lower loss; for a focal loss, class weights or smoothed labels another one has.

    Args:
        model: The classifier; its logit's weights are replaced.
        prevalence: The share of positives among the training images, strictly between 0 and 1.
    """
    logit = model.get_layer("logit")
    logit.kernel.assign(np.zeros(logit.kernel.shape, np.float32))
    logit.bias.assign(np.full(logit.bias.shape, math.log(prevalence / (1 - prevalence)), np.float32))


def freeze(model: keras.Model, backbone: Backbone, fine_tune: str) -> None:
    """Set which layers of a classifier are trained; a frozen batch normalization also runs in inference mode.

    Raises:
        ExperimentError: `fine_tune` is not one of `head`, `last` and `full`.
    """
    if fine_tune not in FINE_TUNE:
        raise unknown("fine_tune", fine_tune, FINE_TUNE)
    trained = {"head": (), "last": (backbone.last_stage,), "full": tuple(backbone.stages)}[fine_tune]
    stages = backbone.stages_of(model)
    for layer in model.layers:
        layer.trainable = layer.name not in stages or stages[layer.name] in trained


def split(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a classifier in two: images to pooled features (N, C) float32, and these to logits (N, 1).

    Both parts share their layers, and so their weights, with the model.
    """
    pooled = model.get_layer("pool").output
    features = keras.Input(pooled.shape[1:], name="features")
    logit = model.get_layer("logit")(model.get_layer("dropout")(features))
    return keras.Model(model.inputs, pooled, name="backbone"), keras.Model(features, logit, name="head")


def transfer_backbone(source: keras.Model, target: keras.Model) -> None:
    """Copy the backbone's weights and moving statistics from one model to another of the same backbone.

    Raises:
        WeightsError: the two have different backbones.
    """
    ours, theirs = (
        [variable for layer in model.layers if layer.name not in HEAD for variable in layer.weights]
        for model in (target, source)
    )
    if [variable.shape for variable in ours] != [variable.shape for variable in theirs]:
        raise WeightsError("the weights belong to another network", expected=target.name, found=source.name)
    for variable, value in zip(ours, theirs, strict=True):
        variable.assign(value)


def describe(model: keras.Model) -> dict[str, int]:
    """How many numbers a model has and how many of them are trained; moving statistics are not counted."""
    total = sum(variable.value.numel() for layer in model.layers for variable in _parameters(layer))
    trainable = sum(variable.value.numel() for variable in model.trainable_weights)
    return {"parameters": total, "trainable_parameters": trainable}


def _parameters(layer: keras.layers.Layer) -> list[keras.Variable]:
    """What gradient descent can change in a layer, frozen or not."""
    # A frozen layer calls all of its weights non-trainable, moving statistics and kernels alike.
    frozen = not layer.trainable
    layer.trainable = True
    trainable = layer.trainable_weights
    layer.trainable = not frozen
    return trainable
