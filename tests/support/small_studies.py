"""Small studies: their runs planned."""

from pathlib import Path

from small_runs import SMALL

from retina.experiments import parameters
from retina.experiments.parameters import Choice
from retina.experiments.place import Place
from retina.training.plan import Plan
from retina.training.studies import agenda


def members(*names: str, **options) -> list[Choice]:
    """Runs of one epoch of 64 x 64 pixels, one a backbone."""
    settings = SMALL | {"epochs": 1} | options
    return [parameters.load(name, "p1", **settings) for name in names or ("resnet18", "vgg16")]


def plans_of(data: Path, results: Path, *names: str, **options) -> list[Plan]:
    """Their plans."""
    return agenda.plans(members(*names, **options), Place(results, data, quiet=True))
