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

LONGEST_COLUMN = 100
"""The most characters of a column's name."""

COLUMN_RULE = f"the name of a column: 1 to {LONGEST_COLUMN} printable characters, no space around them"
"""What `is_column` accepts, in words."""


def is_column(name: str) -> bool:
    """Whether a text can be the name of a column: label tables are read without spaces around names, on one line."""
    return 0 < len(name.strip()) == len(name) <= LONGEST_COLUMN and name.isprintable()


@dataclass(frozen=True)
class Target:
    """A column of the label table that a classifier predicts.

    Args:
        name: What tables and reports call it.
        columns: The columns of the label table that it is read from; one for a binary target.
        kind: `binary`, the only kind so far.
        classes: What the values 0 and 1 mean, in that order.
        positive: The class whose probability the model gives.
        metric: The headline metric: `auroc`.

    Raises:
        ExperimentError: the name or a column cannot be a column's name, see `is_column`; or the target is not binary,
            has more than one column, has not exactly two classes, or its positive class is neither of them.
    """

    name: str
    columns: tuple[str, ...]
    kind: str = "binary"
    classes: tuple[str, ...] = ("negative", "positive")
    positive: str = "positive"
    metric: str = "auroc"

    def __post_init__(self) -> None:
        for text in (self.name, *self.columns):
            if not is_column(text):
                raise ExperimentError(
                    "the target is not a column name",
                    expected=COLUMN_RULE,
                    found=repr(text)[: LONGEST_COLUMN + 2],
                    advice="name a column of the label table that holds 0 and 1",
                )
        if (self.kind, len(self.columns), len(self.classes)) != ("binary", 1, 2) or self.positive not in self.classes:
            raise ExperimentError(
                "the target is of an unknown kind",
                expected="a binary target: one column, two classes, one of them positive",
                found=f"{self.kind}, columns {self.columns}, classes {self.classes}, positive {self.positive}",
            )

    @property
    def column(self) -> str:
        """The column of a binary target."""
        return self.columns[0]

    @property
    def negative(self) -> str:
        """The class that is not the positive one."""
        return self.classes[1 - self.classes.index(self.positive)]

    def to_dict(self) -> dict[str, Any]:
        """The target as recorded with every run: plain JSON values."""
        return asdict(self) | {"columns": list(self.columns), "classes": list(self.classes)}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The target that a record names: the inverse of `to_dict`.

        Raises:
            KeyError: an entry is missing.
            TypeError: an entry is of another type.
            ExperimentError: see the class.
        """
        texts = {key: content[key] for key in ("name", "kind", "positive", "metric")}
        lists = {key: content[key] for key in ("columns", "classes")}
        if not all(isinstance(words, list) for words in lists.values()):
            raise TypeError("columns and classes of a target are lists")
        if not all(isinstance(text, str) for text in (*texts.values(), *lists["columns"], *lists["classes"])):
            raise TypeError("a target holds texts")
        return cls(**texts, **{key: tuple(words) for key, words in lists.items()})


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
