"""A finding: what a rule says about a curve, with its evidence; `retina.reporting.wording` has its sentences."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

SEVERITIES = ("critical", "warning", "info")  # most severe first
Number = int | float | str


@dataclass(frozen=True)
class Finding:
    """What a rule says about a curve.

    Args:
        rule: Name of the rule.
        severity: `critical`, `warning` or `info`.
        epochs: The epochs concerned, from 1; may be empty.
        numbers: The evidence, plain numbers and short texts: every number of the sentences.
        keys: The sentences, in order: keys below `findings` in the language files.
    """

    rule: str
    severity: str
    epochs: tuple[int, ...]
    numbers: Mapping[str, Number]
    keys: tuple[str, ...]

    @classmethod
    def make(cls, severity: str, keys: str | Iterable[str], epochs: Iterable[int] = (), **numbers: Any) -> Self:  # noqa: ANN401
        """A finding whose rule is the first part of its first key, its numbers made plain.

        Raises:
            ValueError: a number is not finite; a rule needs another sentence for a number that is unknown.
        """
        sentences = (keys,) if isinstance(keys, str) else tuple(keys)
        evidence = {name: plain(value) for name, value in numbers.items()}
        return cls(sentences[0].split(".")[0], severity, tuple(int(epoch) for epoch in epochs), evidence, sentences)

    @property
    def alarming(self) -> bool:
        """Whether it is a warning or critical."""
        return self.severity != "info"


def plain(value: Any) -> Number:  # noqa: ANN401 - numbers of Python and of numpy
    """A number or a text of Python's own types.

    Raises:
        ValueError: a number is not finite.
    """
    number = value.item() if hasattr(value, "item") else value
    if not isinstance(number, str) and not math.isfinite(number):
        raise ValueError(f"the numbers of a finding must be finite, not {number}")
    return number


def listed(epochs: Iterable[int]) -> str:
    """Epochs for a sentence: `3, 5, 8`."""
    return ", ".join(str(int(epoch)) for epoch in epochs)
