"""Backbones that libraries build: Keras' own applications, KerasCV and KerasHub.

The library makes its network as it always does. Its graph is then built again on retina's input: one flat graph,
with preprocessing as a layer of its own, names that are the same in every process, and every initial weight and random
stream drawn from the run's seed. Layers are the library's; under `torch.autocast` they are right and not fast, since
Keras casts what goes into each back to float32.
"""

import contextlib
import importlib
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from retina.errors import ExperimentError, WeightsError
from retina.machine import installation
from retina.machine.stdout import off_stdout
from retina.models.backbones.catalogue import Facts
from retina.models.backbones.interface import HEAD, INPUT, Backbone, digest
from retina.models.layers.base import seed_of
from retina.models.weights.download import FetchErrors

PREPROCESSING_LAYERS = (keras.layers.Rescaling, keras.layers.Normalization)
"""Layers of a library's network that retina's preprocessing replaces.

EfficientNet's functions always begin with them: /255, ImageNet's mean, and twice the square root
of its deviation (https://github.com/tensorflow/tensorflow/issues/49930), which together are what torchvision does.
"""
SIDE = 224
# TensorFlow, which comes with two of the libraries, prints notices when it is imported. Level 1 keeps its warnings.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")


@dataclass(frozen=True, kw_only=True)
class LibraryBackbone(Backbone):
    """A backbone whose layers are a library's.

    Its last stage is the layers after the last downsampling that have weights, the downsampling one included.
    """

    stages: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"earlier": (), "last": ()})

    def features(self, images: keras.KerasTensor, seed: int | None) -> keras.KerasTensor:
        """See `Backbone.features`."""
        with seeded(seed_of(seed, self.name)):
            return rebuilt(self.network("random"), images)

    def network(self, weights: str) -> keras.Model:
        """The library's own network up to its last feature map, with `random` or `imagenet` weights.

        Raises:
            ExperimentError: the library is not installed, or cannot be imported.
        """
        self.facts.require()
        try:
            library = importlib.import_module(self.facts.package)
        except ImportError as error:
            advice = installation.command(self.facts.extra)
            problem = f"{self.facts.title} cannot be imported"
            raise ExperimentError(problem, found=error, where=self.facts.package, advice=advice) from error
        return BUILDERS[self.facts.provider](library, self.facts, weights)

    def stages_of(self, model: keras.Model) -> dict[str, str]:
        """See `Backbone.stages_of`."""
        own = own_layers(model)
        outputs = [layer.output for layer in own]
        # The graph is of images of any size, so its maps have no heights: one of a given size has.
        shapes = keras.Model(model.inputs, outputs).compute_output_shape((1, SIDE, SIDE, 3))
        heights = [shape[1] if len(shape) == len("NHWC") else 0 for shape in shapes]
        weighted = [height for layer, height in zip(own, heights, strict=True) if layer.weights]
        # What is smaller than the last map is no stage: squeeze-and-excitation shrinks maps to 1 x 1 or vectors on the
        # way.
        last = min(height for height in weighted if height >= heights[-1])
        first = next(place for place, layer in enumerate(own) if layer.weights and heights[place] == last)
        return {
            layer.name: "last" if place >= first and heights[place] <= last else "earlier"
            for place, layer in enumerate(own)
        }

    def pretrained(self, *, quiet: bool = False) -> tuple[Path | None, str]:
        """See `Backbone.pretrained`; the library keeps the files, and the weights themselves are digested."""
        return None, digest(replaced_out(self.fetched(quiet=quiet)))

    def fetched(self, *, quiet: bool) -> keras.Model:
        """The library's network with its ImageNet weights.

        Raises:
            WeightsError: none are published, or they cannot be fetched.
        """
        if not self.facts.pretrained:
            raise WeightsError(
                f"{self.facts.title} publishes no ImageNet weights of {self.name}",
                found="none are published",
                advice="use --weights random, or the name of an earlier run",
            )
        with FetchErrors(self.facts.source), off_stdout(quiet=quiet):
            return self.network("imagenet")

    def initialize(self, model: keras.Model, weights: str | Path) -> None:
        """See `Backbone.initialize`; there are no files that all libraries share."""
        if weights == "random":
            return
        if weights != "imagenet":
            raise WeightsError(
                f"{self.name} reads no weights file",
                expected="imagenet, random, or an earlier run",
                found=weights,
                advice="state dicts are for vgg16, resnet18 and resnet50",
            )
        theirs = [variable for layer in replaced_out(self.fetched(quiet=True)) for variable in layer.weights]
        ours = [variable for layer in own_layers(model) for variable in layer.weights]
        if [variable.shape for variable in ours] != [variable.shape for variable in theirs]:
            raise WeightsError("the weights belong to another network", expected=self.name, where=self.facts.source)
        for own, published in zip(ours, theirs, strict=True):
            own.assign(published)


def rebuilt(network: keras.Model, images: keras.KerasTensor) -> keras.KerasTensor:
    """Build a network's graph again on preprocessed images, with new weights.

    Layers that Keras named by counting all that were made in this process are counted afresh.
    """
    # On a tensor within a graph `clone_model` would make a new input, and the preprocessing would be left out. So it is
    # given the input before that, and whatever would read the input is given the preprocessed images.
    source, counts = keras.utils.get_source_inputs(images)[0], Counter()

    def again(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        stem = re.sub(r"_\d+$", "", config["name"])
        if stem.replace("_", "") == type(layer).__name__.lower():
            counts[stem] += 1
            config["name"] = f"{stem}_{counts[stem]}"
        return type(layer).from_config(config)

    def call(layer: keras.Operation, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the layer's own
        arguments, named = keras.tree.map_structure(
            lambda tensor: images if tensor is source else tensor, (arguments, named)
        )
        return arguments[0] if isinstance(layer, PREPROCESSING_LAYERS) else layer(*arguments, **named)

    return keras.models.clone_model(network, source, clone_function=again, call_function=call).output


def own_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The library's layers in a backbone or a classifier, in the order of the graph."""
    return [layer for layer in model.layers if layer.name not in (*INPUT, *HEAD)]


def replaced_out(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a library's network in the order of the graph, less those that retina's preprocessing replaces."""
    left_out = (keras.layers.InputLayer, *PREPROCESSING_LAYERS)
    return [layer for layer in network.layers if not isinstance(layer, left_out)]


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Let everything that Keras draws while the block lasts follow from a seed, and put its generator back after.

    Initializers and random layers that are given no seed draw one from Python's global generator when they are made
    (`keras.random.SeedGenerator`).
    """
    before = random.getstate()
    if seed is not None:
        random.seed(seed)
    try:
        yield
    finally:
        if seed is not None:
            random.setstate(before)


def keras_network(library: ModuleType, facts: Facts, weights: str) -> keras.Model:
    """A network of `keras.applications`."""
    arguments = {"input_shape": (None, None, 3)} | dict(facts.arguments)
    published = None if weights == "random" else weights
    return getattr(library.applications, facts.plain_name)(include_top=False, weights=published, **arguments)


def keras_cv_network(library: ModuleType, facts: Facts, weights: str) -> keras.Model:
    """A backbone of KerasCV."""
    layout = getattr(library.models, facts.layout)
    if weights == "imagenet":
        return layout.from_preset(facts.preset)
    return layout(include_rescaling=False, input_shape=(None, None, 3), **facts.arguments)


def keras_hub_network(library: ModuleType, facts: Facts, weights: str) -> keras.Model:
    """A backbone of KerasHub.

    Raises:
        WeightsError: the preset comes with another preprocessing than the catalogue says.
    """
    layout = getattr(library.models, facts.layout)
    if weights == "random":
        return layout(**facts.arguments)
    converter = library.layers.ImageConverter.from_preset(facts.preset)
    expected = facts.preprocessing
    scale = [1 / (255 * deviation) for deviation in expected.deviation]
    offset = [-mean / deviation for mean, deviation in zip(expected.mean, expected.deviation, strict=True)]
    applied = [np.broadcast_to(0 if value is None else value, 3) for value in (converter.scale, converter.offset)]
    if not np.allclose(applied, [scale, offset], rtol=1e-3):
        raise WeightsError(
            f"the weights of {facts.name} expect another preprocessing",
            expected=expected.words,
            found=f"scale {applied[0].tolist()}, offset {applied[1].tolist()}",
            where=facts.preset,
        )
    return layout.from_preset(facts.preset)


BUILDERS: dict[str, Callable[[ModuleType, Facts, str], keras.Model]] = {
    "keras": keras_network,
    "keras_cv": keras_cv_network,
    "keras_hub": keras_hub_network,
}
"""How each provider makes a network up to its last feature map."""
