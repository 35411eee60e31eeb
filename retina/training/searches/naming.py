"""The names of searches: how they begin as their runs' do, and those that earlier versions gave."""

from pathlib import Path

from retina.training.plan import Plan


def name(plan: Plan, rest: str, folder: Path, ending: str = "") -> str:
    """The name of a search, under which it is written and found.

    Earlier versions kept the colon of a library's backbone in it. A search that is there under such a name keeps it, so
    that it is found, and no second one is written beside it.

    Args:
        plan: The plan of a run of its settings.
        rest: The part of the name that differs between searches of one backbone, parameter set and loss.
        folder: Where such searches are written.
        ending: The ending of its file; empty for a folder.
    """
    item = plan.experiment
    former = f"{item.backbone}-{item.params}-{item.loss}-{rest}"
    return former if (folder / f"{former}{ending}").exists() else f"{plan.stem}-{rest}"
