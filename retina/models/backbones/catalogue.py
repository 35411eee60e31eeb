"""What is known of every backbone before one is built: names, sizes, papers, preprocessing, where weights come from.

The facts are in `providers/*.toml`, a file for each provider, and the measured figures in `providers/figures.toml`.
Neither Keras nor torch is needed to read them.
"""

import functools
import importlib.metadata
import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retina import PACKAGE
from retina.errors import ExperimentError, unknown
from retina.machine import installation

FOLDER = PACKAGE / "models" / "backbones" / "providers"
OURS = "retina"
PROVIDERS = (OURS, "keras", "keras_cv", "keras_hub")
"""Whose backbones there are. Names of the first are plain, others follow their provider: `keras:MobileNetV3Small`."""


@dataclass(frozen=True)
class Preprocessing:
    """How a network's first layer turns RGB pixels, 0 to 255, into what its weights expect.

    Args:
        words: The same for a reader.
        mean: Mean of each RGB channel, on the scale 0 to 1.
        deviation: What each channel is divided by, on that scale.
        reverse: The channels are handed on as BGR.
    """

    words: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    reverse: bool = False


PREPROCESSING = {
    "standardized": Preprocessing(
        "RGB, x / 255 less 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    ),
    "unit": Preprocessing("RGB, x / 255", (0.0,) * 3, (1.0,) * 3),
    "symmetric": Preprocessing("RGB, x / 127.5 - 1", (0.5,) * 3, (0.5,) * 3),
    "symmetric_128": Preprocessing("RGB, x / 128 - 1", (128 / 255,) * 3, (128 / 255,) * 3),
    "caffe": Preprocessing(
        "BGR, x less 103.939, 116.779, 123.68",
        (123.68 / 255, 116.779 / 255, 103.939 / 255),
        (1 / 255,) * 3,
        reverse=True,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a backbone.

    Args:
        name: The word on the command line.
        provider: One of `PROVIDERS`.
        title: The provider's name for a reader.
        package: The module that is imported to build it.
        extra: The extra of this package that brings the module; `None` where the base install does.
        channels: Channels of the last feature map.
        parameters: Numbers that training can change; moving statistics are not counted.
        multiply_adds: Multiply-adds of convolutions and matrix products for one image of 224 x 224 pixels.
        preprocessing: What the pixels go through.
        smallest: Side in pixels of the smallest image that leaves a feature map.
        pretrained: Whether ImageNet weights are published.
        recipe: How the published weights were trained, as far as a comparison has to tell recipes apart.
        source: Where they come from.
        licence: Terms of the weights.
        paper: What to cite.
        preset: The library's name of the published weights, where it has one.
        layout: The class in the library, where a name alone does not say it.
        arguments: What the class or the function is called with.
    """

    name: str
    provider: str
    title: str
    package: str
    extra: str | None = None
    channels: int
    parameters: int
    multiply_adds: int
    preprocessing: Preprocessing
    smallest: int = 32
    pretrained: bool
    recipe: str
    source: str
    licence: str
    paper: str
    preset: str | None = None
    layout: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain_name(self) -> str:
        """The name without its provider."""
        return self.name.rpartition(":")[2]

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions beyond torch on whose versions the network depends."""
        return () if self.provider == OURS else tuple(dict.fromkeys(("keras", self.extra or "keras")))

    @property
    def installed(self) -> bool:
        """Whether the library that builds it is there."""
        return importlib.util.find_spec(self.package) is not None

    def require(self, image_size: int | None = None) -> None:
        """Refuse what cannot be built here.

        Args:
            image_size: Side in pixels of the images.

        Raises:
            ExperimentError: the extra is missing, or the images are too small.
        """
        if not self.installed:
            raise ExperimentError(
                f"the backbone {self.name} needs {self.title}, which is not installed",
                advice=installation.command(self.extra),
            )
        if image_size is not None and image_size < self.smallest:
            raise ExperimentError(
                f"the images are too small for {self.name}",
                expected=f"--image-size {self.smallest} or more",
                found=image_size,
            )

    def versions(self) -> dict[str, str]:
        """The installed version of each of its packages."""
        return {name: importlib.metadata.version(name) for name in self.packages}


@functools.cache
def figures() -> dict[str, dict[str, int]]:
    """Name -> `channels`, `parameters` and `multiply_adds`, as `retina.models.backbones.measure` finds them."""
    return tomllib.loads((FOLDER / "figures.toml").read_text(encoding="utf-8"))


@functools.cache
def of_provider(provider: str) -> dict[str, Facts]:
    """The backbones of a provider, by name, in the order of its file.

    Raises:
        ExperimentError: there is no such provider.
    """
    if provider not in PROVIDERS:
        raise unknown("provider", provider, PROVIDERS)
    table = tomllib.loads((FOLDER / f"{provider}.toml").read_text(encoding="utf-8"))
    shared = {key: table.get(key) for key in ("title", "package", "extra", "licence", "source")}
    backbones = {}
    for family in table["families"]:
        for plain_name, member in family["members"].items():
            name = plain_name if provider == OURS else f"{provider}:{plain_name}"
            preset = member.get("preset")
            backbones[name] = Facts(
                name=name,
                provider=provider,
                **shared,
                **figures()[name],
                preprocessing=PREPROCESSING[family["preprocessing"]],
                smallest=family.get("smallest", 32),
                pretrained=table.get("pretrained", preset is not None),
                recipe=family["recipe"],
                paper=family["paper"],
                preset=preset,
                layout=family.get("class"),
                arguments=family.get("arguments", {}) | {key: member[key] for key in member if key != "preset"},
            )
    return backbones


def every() -> dict[str, Facts]:
    """All backbones of all providers, by name, retina's own first."""
    return {name: facts for provider in PROVIDERS for name, facts in of_provider(provider).items()}


def facts_of(name: str) -> Facts:
    """What is known of a backbone.

    Raises:
        ExperimentError: there is none of that name; the nearest is suggested.
    """
    provider = name.partition(":")[0] if ":" in name else OURS
    choices = of_provider(provider) if provider in PROVIDERS else every()
    if name not in choices:
        raise unknown("backbone", name, choices)
    return choices[name]
