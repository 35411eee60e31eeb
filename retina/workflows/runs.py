"""The runs below a results folder: listed, or checked file by file."""

from dataclasses import dataclass
from pathlib import Path

from retina.analysis.comparing import summary
from retina.analysis.comparing.summary import Summary
from retina.experiments.place import RESULTS
from retina.runs import status


@dataclass(frozen=True)
class RunList:
    """Every run below a results folder.

    Args:
        summaries: One of each that can be read, see `retina.analysis.comparing.summary`.
        damaged: One line for each that is damaged.
    """

    summaries: list[Summary]
    damaged: list[str]


@dataclass(frozen=True)
class Verification:
    """What a check of every file of every finished run says.

    Args:
        verified: How many runs are as they were written.
        damaged: One line for each that is not.
    """

    verified: int
    damaged: list[str]


def list_runs(results: Path = RESULTS) -> RunList:
    """Summarise every run below a results folder."""
    return RunList(*summary.summarize_all(results))


def verify_runs(results: Path = RESULTS) -> Verification:
    """Compare every file of every finished run with its SHA-256."""
    return Verification(*status.verify(results))
