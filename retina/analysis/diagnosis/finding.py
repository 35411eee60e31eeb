"""A finding: what a rule saw on a curve, with its evidence, to be said in any language."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

SEVERITIES = ("critical", "warning", "info")  # most severe first
Number = int | float | str


@dataclass(frozen=True)
class Finding:
    """What a rule saw on a curve.

    Args:
        rule: Name of the rule.
        severity: `critical`, `warning` or `info`.
        epochs: The epochs concerned, from 1; may be empty.
        numbers: The evidence, plain numbers and short texts; every number of the sentence stands here.
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
            ValueError: a number is not finite; a rule has another sentence for what cannot be known.
        """
        said = (keys,) if isinstance(keys, str) else tuple(keys)
        plainly = {name: plain(value) for name, value in numbers.items()}
        return cls(said[0].split(".")[0], severity, tuple(int(epoch) for epoch in epochs), plainly, said)

    @property
    def alarming(self) -> bool:
        """Whether it is more than information."""
        return self.severity != "info"


def plain(value: Any) -> Number:  # noqa: ANN401 - numbers of Python and of numpy
    """A number or a text of Python's own types.

    Raises:
        ValueError: a number is not finite.
    """
    plainly = value.item() if hasattr(value, "item") else value
    if not isinstance(plainly, str) and not math.isfinite(plainly):
        raise ValueError(f"a finding carries finite numbers, not {plainly}")
    return plainly


def listed(epochs: Iterable[int]) -> str:
    """Epochs for a sentence: `3, 5, 8`."""
    return ", ".join(str(int(epoch)) for epoch in epochs)
