"""The backbones: each a record of how it is built, what its weights are, and whom to cite.

build("resnet18", weights="imagenet")   RGB images (N, H, W, 3), 0-255, to features (N, H/32, W/32, 512)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from retina.models import imagenet, resnet, vgg
from retina.models.ends import IMAGENET_DEVIATION, IMAGENET_MEAN, Normalization
from retina.models.imagenet import PretrainedWeights
from retina.settings import unknown

LICENCE = "BSD 3-Clause (torchvision); trained on ImageNet, whose images are for non-commercial research"


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network up to its last feature map, and everything that a report has to say about it.

    Args:
        name: The word on the command line.
        features: Normalized images (N, H, W, 3) and a seed to the last feature map (N, H/32, W/32, channels).
        channels: Channels of that map.
        stages: Each stage, in order, with torchvision's modules in it.
        weights: ImageNet weights.
        mean: Mean of each RGB channel on the scale 0 to 1, as the weights expect.
        deviation: Standard deviation of each channel on that scale.
        parameters: Numbers that training can change; moving statistics are not counted.
        multiply_adds: Multiply-adds of the convolutions for one image of 224 x 224 pixels.
        licence: Terms of the weights.
        paper: What to cite.
    """

    name: str
    features: Callable[[keras.KerasTensor, int | None], keras.KerasTensor]
    channels: int
    stages: dict[str, tuple[str, ...]]
    weights: PretrainedWeights
    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION
    parameters: int
    multiply_adds: int
    licence: str = LICENCE
    paper: str

    def stage(self, layer: str) -> str | None:
        """The stage that a layer belongs to, by its name; `None` for layers of no stage, such as the head's."""
        for stage, modules in self.stages.items():
            for module in modules:
                path = module.replace(".", "_")
                if layer == path or layer.startswith(f"{path}_"):
                    return stage
        return None

    @property
    def last_stage(self) -> str:
        """The stage that `--fine-tune last` trains."""
        return list(self.stages)[-1]


BACKBONES: dict[str, Backbone] = {
    "vgg16": Backbone(
        name="vgg16",
        features=vgg.vgg16,
        channels=512,
        stages=vgg.STAGES,
        weights=PretrainedWeights("vgg16-397923af.pth", "397923af", 528, "IMAGENET1K_V1", 71.592),
        parameters=14_714_688,
        multiply_adds=15_346_630_656,
        paper="Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556",
    ),
    "resnet18": Backbone(
        name="resnet18",
        features=resnet.resnet18,
        channels=512,
        stages=resnet.STAGES,
        weights=PretrainedWeights("resnet18-f37072fd.pth", "f37072fd", 45, "IMAGENET1K_V1", 69.758),
        parameters=11_176_512,
        multiply_adds=1_813_561_344,
        paper="He et al. 2016, https://doi.org/10.1109/CVPR.2016.90",
    ),
    "resnet50": Backbone(
        name="resnet50",
        features=resnet.resnet50,
        channels=2048,
        stages=resnet.STAGES,
        weights=PretrainedWeights("resnet50-0676ba61.pth", "0676ba61", 98, "IMAGENET1K_V1", 76.130),
        parameters=23_508_032,
        multiply_adds=4_087_136_256,
        paper="He et al. 2016, https://doi.org/10.1109/CVPR.2016.90",
    ),
}


def get(name: str) -> Backbone:
    """The record of a backbone.

    Raises:
        ExperimentError: there is none of that name; the nearest is suggested.
    """
    if name not in BACKBONES:
        raise unknown("backbone", name, BACKBONES)
    return BACKBONES[name]


def build(name: str, weights: str | Path = "random", *, seed: int | None = None) -> keras.Model:
    """Build a backbone: RGB images (N, H, W, 3), 0 to 255, uint8 or float, to its last feature map, channels last.

    Args:
        name: A key of `BACKBONES`.
        weights: `random`, `imagenet` (fetched once), or the path of a state dict with torchvision's names.
        seed: Seed of random weights; `None` takes one from Keras' global generator.

    Returns:
        A flat functional model; ResNet18 gives (N, 7, 7, 512) float32 for images of 224 x 224 pixels.

    Raises:
        ExperimentError: no such backbone.
        WeightsError: the weights cannot be had or do not fit.
    """
    backbone = get(name)
    images, features = connect(backbone, seed)
    model = keras.Model(images, features, name=name)
    initialize(model, backbone, weights)
    return model


def connect(backbone: Backbone, seed: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Make a backbone's graph; its input (N, H, W, 3) 0 to 255, and its last feature map."""
    images = keras.Input((None, None, 3), name="images")
    normalized = Normalization(backbone.mean, backbone.deviation, name="normalization")(images)
    return images, backbone.features(normalized, seed)


def initialize(model: keras.Model, backbone: Backbone, weights: str | Path) -> None:
    """Give a model's backbone its starting weights; `random` ones are there since it was built."""
    if weights == "random":
        return
    path = imagenet.download(backbone.weights) if weights == "imagenet" else Path(weights)
    imagenet.assign(model, imagenet.load_state_dict(path), where=path)
