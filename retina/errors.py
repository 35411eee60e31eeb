"""The errors a user of retina can meet. This is the bottom room: it imports nothing of retina.

    RetinaError
    ├── ExperimentError   an option or a key of an experiment file is wrong
    ├── DataError         a data folder, a label table or a cache is wrong
    │   ├── LabelError    a label table cannot be read or contradicts itself
    │   ├── ImageError    an image cannot be decoded
    │   └── AuditError    the audit found something that would corrupt a result
    ├── WeightsError      pretrained weights cannot be had, or do not fit
    ├── RunError          a run folder cannot be read or written
    │   └── HeldError      a living process trains the run
    ├── DivergedError     training produced a loss that is not finite
    └── PrunedError       a search ended a run that promised too little

Each is raised with what is wrong and, where they help, what was expected, what was found, where, and what to do next.
The command line prints one of them as one line and exits with 1; a traceback is a bug.
"""

import difflib
from collections.abc import Iterable


class RetinaError(Exception):
    """Something the user can mend.

    Args:
        problem: What is wrong, as a clause without a full stop.
        expected: What would have been right.
        found: What was there instead.
        where: The file, key or option concerned.
        advice: What to do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        found: object = None,
        where: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.found = found
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        """The whole message on one line."""
        parts = [self.problem]
        parts += [
            f"{name}: {value}"
            for name, value in (
                ("Expected", self.expected),
                ("Found", self.found),
                ("Where", self.where),
                ("Next", self.advice),
            )
            if value is not None
        ]
        return " ".join(" | ".join(parts).split())


class ExperimentError(RetinaError):
    """An option, or a key of an experiment file, is unknown, of the wrong type or out of range."""


class DataError(RetinaError):
    """A data folder, a label table or a cache is missing or wrong."""


class LabelError(DataError):
    """A label table cannot be read or contradicts itself."""


class ImageError(DataError):
    """An image file cannot be decoded."""


class AuditError(DataError):
    """The audit found something that would corrupt a result."""


class WeightsError(RetinaError):
    """Pretrained weights cannot be fetched, fail their digest, or do not fit the backbone."""


class RunError(RetinaError):
    """A run folder cannot be found, read or written."""


class HeldError(RunError):
    """A living process, or one that may be alive, trains the run."""


class DivergedError(RetinaError):
    """Training produced a loss, or weights, that are not finite numbers.

    Args:
        problem: As in `RetinaError`.
        step: The step of the epoch, from 1, at which it was found; `None` where it was found between epochs.
        **parts: As in `RetinaError`.
    """

    def __init__(self, problem: str, *, step: int | None = None, **parts: object) -> None:
        super().__init__(problem, **parts)
        self.step = step


class PrunedError(RetinaError):
    """A search ended a run that promised too little.

    Args:
        problem: As in `RetinaError`.
        epoch: The last epoch that was trained, from 1.
        **parts: As in `RetinaError`.
    """

    def __init__(self, problem: str, *, epoch: int, **parts: object) -> None:
        super().__init__(problem, **parts)
        self.epoch = epoch


def some(words: Iterable[str], most: int = 5) -> str:
    """The first few of many words, and how many more there are: `a, b and 3 more`; empty where there are none."""
    words = list(words)
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or `None` where none is near."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, word: str, known: Iterable[str], where: object = None) -> ExperimentError:
    """An error for an unknown word, which suggests the nearest known one."""
    guess = nearest(word, known)
    return ExperimentError(
        f"unknown {kind} {word!r}",
        expected="one of " + ", ".join(sorted(known)),
        where=where,
        advice=f"did you mean {guess!r}?" if guess else "choose one of them",
    )
