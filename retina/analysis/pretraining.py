"""How the weights that runs started from had been pretrained: whether a comparison mixes recipes."""

from collections.abc import Iterable, Mapping
from typing import Any

from retina.analysis.collection import Entry

ONLY_ONE = "torchvision IMAGENET1K_V1"
"""What ImageNet weights were before records named their recipe: retina knew no other."""


def recipe_of(record: Mapping[str, Any]) -> str | None:
    """The pretraining recipe of a run; `None` where it started from random weights, or from a file nobody knows."""
    weights = record["weights"]
    return weights.get("recipe") or (ONLY_ONE if weights["origin"] == "imagenet" else None)


def preprocessing_of(record: Mapping[str, Any]) -> str | None:
    """What a run's network does to the pixels before its first layer; `None` where the record does not say."""
    return record["weights"].get("preprocessing")


def recipes(entries: Iterable[Entry]) -> list[str]:
    """The pretraining recipes of runs, each once, in alphabetical order."""
    return sorted({recipe for entry in entries if (recipe := recipe_of(entry.record)) is not None})
