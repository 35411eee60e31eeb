"""A data set before any training: audited, fetched or drawn."""

from pathlib import Path

from retina.data.auditing import audit as auditing
from retina.data.auditing.audit import Audit
from retina.data.drawing import synthetic
from retina.data.sources import fetch as fetching
from retina.data.sources import labels
from retina.errors import RetinaError
from retina.experiments.target import DEFAULT, Target
from retina.machine.progress import Say, silent


def audit(folder: Path, *, target: Target = DEFAULT, quiet: bool = False, say: Say = silent) -> Audit:
    """Check the labels of a data set and decode every one of its images.

    Args:
        folder: A folder in any layout of `retina.data.sources.layouts`, or one CSV.
        target: What would be predicted.
        quiet: Show no progress.
        say: Called with the notice of a set that a program drew.

    Raises:
        RetinaError: the labels cannot be read.
    """
    report = auditing.check(labels.read(folder, target), thorough=True, quiet=quiet)
    if synthetic.is_drawn(folder):
        say(synthetic.NOTICE)
    return report


def fetch(folder: Path, *, quiet: bool = False, say: Say = silent) -> Audit:
    """Download RFMiD into a folder, see `retina.data.sources.fetch.fetch`, and audit it.

    Args:
        folder: Where the data goes.
        quiet: Show no progress.
        say: Called with how to get the data by hand where the download fails.

    Raises:
        RetinaError: the data could not be had, or the folder holds something else.
    """
    try:
        rfmid = fetching.fetch(folder, quiet=quiet)
    except RetinaError:
        say(fetching.BY_HAND)
        raise
    return audit(rfmid, quiet=quiet)


def draw(folder: Path, *, seed: int = 0, quiet: bool = False, say: Say = silent) -> None:
    """Draw the built-in set, procedural fundus photographs without clinical meaning, in RFMiD's layout.

    Args:
        folder: A folder that is empty or does not exist.
        seed: Random seed; the same one draws the same pixels.
        quiet: Show no progress.
        say: Called with the sentence that belongs beside every number measured on the set.

    Raises:
        RetinaError: the folder is not empty or cannot be written.
    """
    synthetic.synthesize(folder, seed=seed, quiet=quiet)
    say(synthetic.NOTICE)
