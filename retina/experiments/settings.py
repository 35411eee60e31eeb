"""What a setting may be: one declaration for checks, command-line options and tables of help."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retina.errors import ExperimentError, shown, unknown
from retina.experiments.target import COLUMN_RULE, DISEASE_RISK, is_column

LONGEST_NAME = 100
"""The most bytes of a parameter set's name: it is part of a run folder's name, for which file systems allow 255."""


@dataclass(frozen=True)
class Setting:
    """What a field of an experiment may be.

    Args:
        help: One clause for a reader, with the unit.
        kind: `str`, `int`, `float` or `bool`.
        low: Smallest value allowed, for numbers.
        high: Largest value allowed, for numbers.
        choices: The words allowed, for strings.
        prefixes: `PREFIX:NAME` is allowed beside the choices, with one of these and a plain NAME, as in `keras:VGG19`.
        optional: `None` is allowed; in a file, by leaving the key out, as an option by the word `none`.
        in_file: A parameter file may set the field.
        plain: The text is used in folders' names and in tables, so only letters and digits of any script, `.`, `_` and
            `-` are allowed.
        column: The text names a column of the label table.
    """

    help: str
    kind: type
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    optional: bool = False
    in_file: bool = True
    plain: bool = False
    column: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The choices, and `PREFIX:NAME` for each prefix."""
        return (*self.choices, *(f"{prefix}:NAME" for prefix in self.prefixes))

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            return "one of " + ", ".join(self.words)
        if self.plain:
            return f"a name of letters, digits, ., _ and -, at most {LONGEST_NAME} bytes"
        if self.column:
            return COLUMN_RULE
        names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        words = names[self.kind]
        if math.isfinite(self.low) or math.isfinite(self.high):
            words += " from {:g} to {}".format(self.low, f"{self.high:g}" if self.kind is float else self.high)
        return words + (", or none" if self.optional else "")

    def value_of(self, word: str) -> Any:  # noqa: ANN401 - of the setting's kind
        """A typed word as a value of the setting; one that is none is left as it is, for `check` to refuse."""
        words = {"true": True, "false": False} if self.kind is bool else {"none": None} if self.optional else {}
        if word.lower() in words:
            return words[word.lower()]
        try:
            return word if self.kind is bool else self.kind(word)
        except ValueError:
            return word

    def accepts(self, value: object) -> bool:
        """Whether a value has the right type and lies in range. An integer is a number; a bool is not."""
        if value is None:
            return self.optional
        if self.kind is float:
            right_type = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            right_type = type(value) is self.kind
        if not right_type:
            return False
        if self.choices:
            prefix, _, name = value.partition(":")
            return value in self.choices or (prefix in self.prefixes and is_plain(name))
        if self.plain:
            return is_plain(value)
        if self.column:
            return is_column(value)
        return self.kind in (str, bool) or self.low <= value <= self.high


DEPENDS_ON: dict[str, tuple[str, tuple[Any, ...]]] = {
    "focal_gamma": ("loss", ("focal",)),
    "focal_alpha": ("loss", ("focal",)),
    "feature_variants": ("fine_tune", ("head",)),
    "layer_decay": ("fine_tune", ("full", "last")),
    "freeze_epochs": ("fine_tune", ("full", "last")),
    "weight_decay": ("optimizer", ("adamw", "sgd")),
    "plateau_patience": ("schedule", ("plateau",)),
    "plateau_factor": ("schedule", ("plateau",)),
    "deterministic": ("deterministic", (True,)),
}
"""Setting -> (other setting, values): the setting has an effect only where the other has one of these values.

`deterministic` depends on itself: switched off, it has none.
"""

ADDED = {
    "target": DISEASE_RISK,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "schedule": "constant",
    "plateau_patience": 1,
    "plateau_factor": 0.5,
    "layer_decay": 1.0,
    "freeze_epochs": 0,
    "head_start": "random",
    "warmup_epochs": 0.0,
    "clip_norm": 0.0,
    "ema": 0.0,
    "class_weight": "none",
    "label_smoothing": 0.0,
}
"""Settings that were added after runs had been recorded -> the value that every earlier run had.

A setting with that value is left out of digests and comparisons, so that earlier runs are reused and compared.
"""


def without_added(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment without those of `ADDED` that have the value of earlier runs."""
    return {name: value for name, value in values.items() if name not in ADDED or value != ADDED[name]}


def effective(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment without those that have no effect in it, see `DEPENDS_ON`."""
    return {
        name: value
        for name, value in values.items()
        if name not in DEPENDS_ON or values[DEPENDS_ON[name][0]] in DEPENDS_ON[name][1]
    }


def meaningful(values: Mapping[str, Any]) -> dict[str, Any]:
    """What tells an experiment from others: its settings that have an effect, without those of `without_added`."""
    return without_added(effective(values))


def check(rules: Mapping[str, Setting], values: Mapping[str, object], where: object) -> None:
    """Check values against their settings.

    Args:
        rules: Name of a setting -> what it may be.
        values: Name -> value.
        where: The file or the options that hold them, for the error.

    Raises:
        ExperimentError: the first value with the wrong type or out of range, with its key and what is allowed.
    """
    for key, value in values.items():
        rule = rules[key]
        if not rule.accepts(value):
            if rule.choices and isinstance(value, str):
                raise unknown(key, value, rule.words, where)
            found = shown(value)
            raise ExperimentError(f"{key} cannot be {found}", expected=rule.allowed, found=found, where=where)


def is_plain(name: str) -> bool:
    """Whether a name is safe in a folder's name, in a table and on a page, see `Setting.plain`."""
    letters = all(letter.isalnum() or letter in "._-" for letter in name)
    return letters and name[:1].isalnum() and len(name.encode()) <= LONGEST_NAME


def setting(help: str, kind: type, default: object = dataclasses.MISSING, **limits: Any) -> Any:  # noqa: A002, ANN401
    """Declare a field of an experiment together with its rule.

    Args:
        help: As in `Setting`.
        kind: As in `Setting`.
        default: The field's default; without one the field must be given.
        **limits: The other fields of `Setting`.
    """
    return field(default=default, metadata={"setting": Setting(help, kind, **limits)})
