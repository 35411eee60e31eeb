"""What is predicted: which column of the label table, of what kind, and which of its classes is positive.

Every target is binary for now: one column that holds 0 and 1, one logit, AUROC as the headline metric. The name of the
default target is written here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from retina.errors import ExperimentError

DISEASE_RISK = "Disease_Risk"
"""RFMiD's column for any disease, the default target."""

LONGEST_NAME = 100
"""Characters of a column's name at most."""


@dataclass(frozen=True)
class Target:
    """A column of the label table that a classifier predicts.

    Args:
        name: What tables and reports call it.
        columns: The columns of the label table that it is read from; one for a binary target.
        kind: `binary`.
        classes: What the values 0 and 1 stand for, in that order.
        positive: The class whose probability the model gives.
        metric: The headline metric: `auroc`.

    Raises:
        ExperimentError: the name is empty, too long or not printable.
    """

    name: str
    columns: tuple[str, ...]
    kind: str = "binary"
    classes: tuple[str, ...] = ("negative", "positive")
    positive: str = "positive"
    metric: str = "auroc"

    def __post_init__(self) -> None:
        for text in (self.name, *self.columns):
            if not (0 < len(text.strip()) == len(text) <= LONGEST_NAME and text.isprintable()):
                raise ExperimentError(
                    "the target is no name of a column",
                    expected=f"1 to {LONGEST_NAME} printable characters, no space around them",
                    found=repr(text)[: LONGEST_NAME + 2],
                    advice="name a column of the label table that holds 0 and 1",
                )

    @property
    def column(self) -> str:
        """The column of a binary target."""
        return self.columns[0]

    def to_dict(self) -> dict[str, Any]:
        """The target as recorded with every run: plain JSON values."""
        return asdict(self) | {"columns": list(self.columns), "classes": list(self.classes)}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """The target that a record tells of.

        Raises:
            KeyError: an entry is missing.
            TypeError: an entry is of another type.
            ExperimentError: see the class.
        """
        texts = {key: said[key] for key in ("name", "kind", "positive", "metric")}
        lists = {key: tuple(said[key]) for key in ("columns", "classes")}
        if not all(isinstance(text, str) for text in (*texts.values(), *lists["columns"], *lists["classes"])):
            raise TypeError("a target holds texts")
        return cls(**texts, **lists)


def binary(column: str) -> Target:
    """The target of a column that holds 0 and 1.

    Args:
        column: Its name as the label table writes it.

    Raises:
        ExperimentError: see `Target`.
    """
    if column == DISEASE_RISK:
        return Target(column, (column,), classes=("healthy", "diseased"), positive="diseased")
    return Target(column, (column,))


DEFAULT = binary(DISEASE_RISK)
