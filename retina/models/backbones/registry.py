"""The backbones: retina's own three, and those that libraries provide.

build("resnet18", weights="imagenet")   RGB images (N, H, W, 3), 0-255, to features (N, H/32, W/32, 512)
build("keras:MobileNetV3Small")         the same from Keras' own catalogue; `python cli.py backbones` lists all
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from retina.machine import files
from retina.models.backbones import catalogue, resnet, vgg
from retina.models.backbones.interface import Backbone
from retina.models.backbones.library import LibraryBackbone
from retina.models.weights import state_dict, torchvision
from retina.models.weights.torchvision import PretrainedWeights


@dataclass(frozen=True, kw_only=True)
class OwnBackbone(Backbone):
    """A backbone of retina's own layers, with torchvision's weights; its stages name torchvision's modules.

    Args:
        graph: Normalized images (N, H, W, 3) and a seed to the last feature map (N, H/32, W/32, channels).
        weights: ImageNet weights.
    """

    graph: Callable[[keras.KerasTensor, int | None], keras.KerasTensor]
    weights: PretrainedWeights

    def features(self, images: keras.KerasTensor, seed: int | None) -> keras.KerasTensor:
        """See `Backbone.features`."""
        return self.graph(images, seed)

    def stage(self, layer: str) -> str | None:
        """The stage that a layer belongs to, by its name; `None` for layers of no stage, such as the head's."""
        for stage, modules in self.stages.items():
            for module in modules:
                path = module.replace(".", "_")
                if layer == path or layer.startswith(f"{path}_"):
                    return stage
        return None

    def stages_of(self, model: keras.Model) -> dict[str, str]:
        """See `Backbone.stages_of`."""
        stages = {layer.name: self.stage(layer.name) for layer in model.layers}
        return {name: stage for name, stage in stages.items() if stage is not None}

    def pretrained(self, *, quiet: bool = False) -> tuple[Path | None, str]:
        """See `Backbone.pretrained`."""
        path = torchvision.fetch(self.weights, quiet=quiet)
        return path, files.sha256(path)

    def initialize(self, model: keras.Model, weights: str | Path) -> None:
        """See `Backbone.initialize`; a file is a state dict with torchvision's names."""
        if weights == "random":
            return
        path = torchvision.fetch(self.weights) if weights == "imagenet" else Path(weights)
        state_dict.assign(model, state_dict.load_state_dict(path), where=path)


BACKBONES: dict[str, OwnBackbone] = {
    "vgg16": OwnBackbone(
        facts=catalogue.facts_of("vgg16"),
        graph=vgg.vgg16,
        stages=vgg.STAGES,
        weights=PretrainedWeights("vgg16-397923af.pth", "397923af", 528, "IMAGENET1K_V1", 71.592),
    ),
    "resnet18": OwnBackbone(
        facts=catalogue.facts_of("resnet18"),
        graph=resnet.resnet18,
        stages=resnet.STAGES,
        weights=PretrainedWeights("resnet18-f37072fd.pth", "f37072fd", 45, "IMAGENET1K_V1", 69.758),
    ),
    "resnet50": OwnBackbone(
        facts=catalogue.facts_of("resnet50"),
        graph=resnet.resnet50,
        stages=resnet.STAGES,
        weights=PretrainedWeights("resnet50-0676ba61.pth", "0676ba61", 98, "IMAGENET1K_V1", 76.130),
    ),
}
"""retina's own."""


def get(name: str) -> Backbone:
    """A backbone, by its name; no network is built, and no library imported.

    Raises:
        ExperimentError: there is none of that name; the nearest is suggested.
    """
    return BACKBONES.get(name) or LibraryBackbone(facts=catalogue.facts_of(name))


def build(name: str, weights: str | Path = "random", *, seed: int | None = None) -> keras.Model:
    """Build a backbone: RGB images (N, H, W, 3), 0 to 255, uint8 or float, to its last feature map, channels last.

    Args:
        name: A name that `get` knows.
        weights: `random`, `imagenet` (fetched once), or, for retina's own, the path of a state dict with torchvision's
            names.
        seed: Seed of random weights; `None` takes one from Keras' global generator.

    Returns:
        A flat functional model; ResNet18 gives (N, 7, 7, 512) float32 for images of 224 x 224 pixels.

    Raises:
        ExperimentError: no such backbone, or its library is not installed.
        WeightsError: the weights are not available or do not fit.
    """
    backbone = get(name)
    images, features = backbone.connect(seed)
    model = keras.Model(images, features, name=name.replace(":", "_"))
    backbone.initialize(model, weights)
    return model
