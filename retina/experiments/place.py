"""Where a job finds its data and leaves its results, and how much it shows meanwhile."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Self

RESULTS = Path("results")


@dataclass(frozen=True)
class Place:
    """What every job has beside its experiments, and what changes none of their results.

    Args:
        results: The folder of all results.
        data: The data folder; `None` takes `RETINA_DATA`, else the built-in set.
        skip_bad: Leave out images that are missing, cannot be decoded or are in two splits, and record which.
        quiet: Show no progress.
    """

    results: Path = RESULTS
    data: Path | None = None
    skip_bad: bool = False
    quiet: bool = False

    def quietly(self) -> Self:
        """The same place, where no progress is shown."""
        return dataclasses.replace(self, quiet=True)


HERE = Place()
"""The built-in set, or that of `RETINA_DATA`, and the folder `results` below the current one."""
