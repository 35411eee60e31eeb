"""What a classifier needs from a backbone, retina's own or a library's."""

import abc
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from retina.models.backbones.catalogue import Facts, Preprocessing
from retina.models.kernels import dispatch
from retina.models.layers.input import Normalization, ReversedChannels

INPUT = ("images", "normalization", "reversed_channels")
HEAD = ("pool", "dropout", "logit")
"""The names of the layers before a backbone and after it."""


@dataclass(frozen=True, kw_only=True)
class Backbone(abc.ABC):
    """A network up to its last feature map, and everything that a report has to say about it.

    Args:
        facts: What is known of it before it is built.
        stages: Its stages in order, with what is in each as far as that is known before it is built.
    """

    facts: Facts
    stages: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """The word on the command line."""
        return self.facts.name

    @property
    def channels(self) -> int:
        """Channels of the last feature map."""
        return self.facts.channels

    @property
    def parameters(self) -> int:
        """Numbers that training can change; moving statistics are not counted."""
        return self.facts.parameters

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image of 224 x 224 pixels."""
        return self.facts.multiply_adds

    @property
    def last_stage(self) -> str:
        """The stage that `--fine-tune last` trains."""
        return list(self.stages)[-1]

    def connect(self, seed: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Make the graph, preprocessing first: its input (N, H, W, 3), RGB, 0 to 255, and its last feature map.

        Args:
            seed: Seed of the random weights; `None` takes one from Keras' global generator.

        Raises:
            ExperimentError: the library that builds it is not installed, or does not work, or `RETINA_KERNELS` is
                neither `auto` nor `torch`.
        """
        dispatch.setting()  # what is refused here is one line; within a layer's call Keras would wrap it in many
        images = keras.Input((None, None, 3), name="images")
        return images, self.features(preprocessed(images, self.facts.preprocessing), seed)

    @abc.abstractmethod
    def features(self, images: keras.KerasTensor, seed: int | None) -> keras.KerasTensor:
        """Preprocessed images (N, H, W, 3) to the last feature map (N, H/32, W/32, channels), with random weights."""

    @abc.abstractmethod
    def stages_of(self, model: keras.Model) -> dict[str, str]:
        """The stage of each layer of a classifier that belongs to one, in any order; those of the head do not."""

    @abc.abstractmethod
    def pretrained(self, *, quiet: bool = False) -> tuple[Path | None, str]:
        """Make sure that the ImageNet weights are here; fetch them where needed.

        Returns:
            Their file, where there is a file of them alone, and the SHA-256 that identifies them.

        Raises:
            WeightsError: they are not available.
        """

    @abc.abstractmethod
    def initialize(self, model: keras.Model, weights: str | Path) -> None:
        """Give the backbone in a model its starting weights; `random` ones are there since it was built.

        Args:
            model: The backbone, or a classifier on it.
            weights: `random`, `imagenet`, or a file of a kind that this backbone reads.

        Raises:
            WeightsError: the weights are not available or do not fit.
        """


def preprocessed(images: keras.KerasTensor, preprocessing: Preprocessing) -> keras.KerasTensor:
    """RGB images (N, H, W, 3), 0 to 255, to what a network's weights expect, float32."""
    x = Normalization(preprocessing.mean, preprocessing.deviation, name="normalization")(images)
    return ReversedChannels(name="reversed_channels")(x) if preprocessing.reverse else x


def digest(layers: Iterable[keras.layers.Layer]) -> str:
    """The SHA-256 of every weight of layers, with shapes and dtypes, in their order, as 64 hexadecimal digits."""
    sha256 = hashlib.sha256()
    for place, layer in enumerate(layers):
        for variable in layer.weights:
            value = variable.numpy()
            # Without shapes, other arrays of the same bytes would have the same digest.
            sha256.update(f"{place} {value.shape} {value.dtype}\n".encode())
            # A kernel in channels_last memory has the same digest as one in any other layout.
            sha256.update(np.ascontiguousarray(value))
    return sha256.hexdigest()
