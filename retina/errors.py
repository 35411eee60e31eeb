"""The errors a user of retina can meet. This module imports nothing else of retina.

    RetinaError
    ├── ExperimentError   an option or a key of an experiment file is wrong
    ├── DataError         a data folder, a label table or a cache is wrong
    │   ├── LabelError    a label table cannot be read or contradicts itself
    │   ├── ImageError    an image cannot be decoded
    │   └── AuditError    the audit found something that would corrupt a result
    ├── WeightsError      pretrained weights cannot be fetched, or do not fit
    ├── RunError          a run folder cannot be read or written
    │   └── HeldError      a process that is alive is training the run
    ├── DivergedError     training produced a loss that is not finite
    └── PrunedError       a search stopped a run that was not promising

Each is raised with what is wrong and, where they help, what was expected, what was found, where, and what to do next.
The command line prints the error on one line and exits with 1; a traceback is a bug.
"""

import difflib
from collections.abc import Iterable


class RetinaError(Exception):
    """An error that the user can fix.

    Args:
        problem: What is wrong, as a clause without a full stop.
        expected: What would have been right.
        found: What was found instead.
        where: The file, key or option concerned.
        advice: What to do next, as an instruction.
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
        clauses = [self.problem]
        clauses += [
            f"{name}: {value}"
            for name, value in (
                ("Expected", self.expected),
                ("Found", self.found),
                ("Where", self.where),
                ("Next", self.advice),
            )
            if value is not None
        ]
        return " ".join(" | ".join(clauses).split())  # a path or a cause may hold line breaks


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
    """A process that is alive, or may be, is training the run."""


class DivergedError(RetinaError):
    """Training produced a loss, or weights, that are not finite numbers.

    Args:
        problem: As in `RetinaError`.
        step: The step of the epoch, from 1, at which it was noticed; `None` between epochs.
        **details: As in `RetinaError`.
    """

    def __init__(self, problem: str, *, step: int | None = None, **details: object) -> None:
        super().__init__(problem, **details)
        self.step = step


class PrunedError(RetinaError):
    """A search stopped a run that was not promising.

    Args:
        problem: As in `RetinaError`.
        epoch: The last epoch that was trained, from 1.
        **details: As in `RetinaError`.
    """

    def __init__(self, problem: str, *, epoch: int, **details: object) -> None:
        super().__init__(problem, **details)
        self.epoch = epoch


def some(words: Iterable[str], most: int = 5) -> str:
    """The first few of many words, and how many more there are: `a, b and 3 more`; empty where there are none."""
    words = list(words)
    first = ", ".join(words[:most])
    return first if len(words) <= most else f"{first} and {len(words) - most} more"


def shown(value: object, most: int = 200) -> str:
    """A value as Python writes it, cut where it is long; a whole number may have too many digits to be written."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= most else f"{text[:most]}..."


def first_line(error: BaseException) -> str:
    """The first line of what another package's error says; its kind where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that is most like `word`, or `None` where none is near.

    Args:
        word: The word, compared in lower case.
        allowed: The words that are allowed.
    """
    # Below 0.5 difflib suggests words that share only a few letters.
    matches = difflib.get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown(kind: str, word: str, allowed: Iterable[str], where: object = None) -> ExperimentError:
    """The error for an unknown word, which suggests the nearest allowed one.

    Args:
        kind: What the word should name, such as `backbone`.
        word: The unknown word.
        allowed: The words that are allowed.
        where: The file or option that has the word.
    """
    guess = nearest(word, allowed)
    return ExperimentError(
        f"unknown {kind} {word!r}",
        expected="one of " + ", ".join(sorted(allowed)),
        where=where,
        advice=f"did you mean {guess!r}?" if guess else "choose one of the expected names",
    )
