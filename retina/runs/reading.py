"""JSON values to frozen dataclasses and back, driven by the annotations of their fields.

A field's annotation says what its value must be: `str`, `bool`, `int`, `float` (JSON's whole numbers are numbers too),
another dataclass, `tuple[X, ...]` for a list, `dict[str, X]` for an object with keys of its own, `X | None`, or `Any`.
`Annotated[X, rule]` adds a `Range`, `OneOf`, `Needs` or `Least`. A field with a default may be missing. Keys that no
field has are ignored: another version of retina wrote them, and it raises the schema where their meaning matters.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, TypeVar

from retina.errors import RetinaError

T = TypeVar("T")
LONGEST = 50
"""Characters of a wrong value that an error quotes at most."""


class MisfitError(ValueError):
    """A value that is missing, of another type, or out of its range.

    Args:
        key: Its dotted key.
        expected: What would have been right, in words.
        found: What is there instead, in words.
    """

    def __init__(self, key: str, expected: str, found: str) -> None:
        super().__init__(f"{key}: {expected}, not {found}")
        self.key = key
        self.expected = expected
        self.found = found


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both included; NaN is outside."""

    low: float = -inf
    high: float = inf

    def check(self, value: float, key: str) -> None:
        """Raise MisfitError where a number lies outside."""
        if not self.low <= value <= self.high:
            raise MisfitError(key, f"{self.low:g} to {self.high:g}", _quoted(value))


@dataclass(frozen=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def check(self, value: str, key: str) -> None:
        """Raise MisfitError where it is another."""
        if value not in self.words:
            raise MisfitError(key, "one of " + ", ".join(self.words), _quoted(value))


@dataclass(frozen=True)
class Needs:
    """Keys that an object must have, whatever its fields' defaults."""

    keys: tuple[str, ...]

    def check(self, value: Mapping[str, Any], key: str) -> None:
        """Raise MisfitError where one is missing."""
        for name in self.keys:
            if name not in value:
                raise MisfitError(_dotted(key, name), "a value", "nothing")


@dataclass(frozen=True)
class Least:
    """The smallest numbers that an object may have below some of its keys."""

    values: tuple[tuple[str, float], ...]

    def check(self, value: Mapping[str, Any], key: str) -> None:
        """Raise MisfitError where one is smaller; a key that is missing has its default."""
        for name, low in self.values:
            Range(low).check(value.get(name, low), _dotted(key, name))


@dataclass(frozen=True)
class Absent:
    """Not written where it is `None`."""


Count = Annotated[int, Range(0, inf)]
LeftOut = Annotated[T | None, Absent()]


def read(kind: type[T], value: object, key: str = "") -> T:
    """Read a JSON value as the type that an annotation names.

    A class with a method `of` reads its own values; any other dataclass is made without its constructor, whose checks
    are those of today's users: what was written under other limits stays readable.

    Args:
        kind: The annotation.
        value: What `json.loads` gave.
        key: The dotted key of the value, for errors.

    Raises:
        MisfitError: the first value within that is missing, of another type or out of its range.
    """
    inner, rules, nullable = _without_rules(kind)
    if value is None and nullable:
        return None
    if not _fits(inner, value):
        raise MisfitError(key, _type_names(kind), type(value).__name__)
    item = _inner(inner, value, key)
    for rule in rules:
        if not isinstance(rule, Absent):
            rule.check(value, key)
    return item


def _without_rules(kind: Any) -> tuple[Any, list[Any], bool]:  # noqa: ANN401 - an annotation
    """An annotation without its rules and its `| None`; the rules; whether null is allowed."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        outer, *rules = typing.get_args(kind)
        inner, more, nullable = _without_rules(outer)
        return inner, [*more, *rules], nullable
    if origin in (types.UnionType, typing.Union):
        (member,) = (item for item in typing.get_args(kind) if item is not types.NoneType)
        inner, rules, _ = _without_rules(member)
        return inner, rules, True
    return kind, [], False


def _fits(kind: Any, value: object) -> bool:  # noqa: ANN401 - an annotation
    """Whether a value has the JSON type of an annotation without rules; a bool is no number."""
    return kind is Any or (isinstance(value, _json_type(kind)) and (kind is bool or not isinstance(value, bool)))


def _inner(kind: Any, value: Any, key: str) -> Any:  # noqa: ANN401 - an annotation, and what it says
    """Read a value of the right JSON type as an annotation without rules names it."""
    if dataclasses.is_dataclass(kind):
        return _by_its_own_reader(kind, value, key) if hasattr(kind, "of") else _object(kind, value, key)
    members = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return tuple(read(members[0], item, _dotted(key, place)) for place, item in enumerate(value))
    if typing.get_origin(kind) is dict:
        return {name: read(members[1], item, _dotted(key, name)) for name, item in value.items()}
    return value


def _object(kind: type[T], value: Mapping[str, Any], key: str) -> T:
    """An object as a dataclass, made without its constructor."""
    # `__post_init__` checks today's limits, see `read`.
    instance = object.__new__(kind)
    for item in dataclasses.fields(kind):
        hint = _hints(kind)[item.name]
        if item.name in value:
            member = read(hint, value[item.name], _dotted(key, item.name))
        elif item.default is dataclasses.MISSING:
            raise MisfitError(_dotted(key, item.name), _type_names(hint), "nothing")
        else:
            member = item.default
        object.__setattr__(instance, item.name, member)
    return instance


def _by_its_own_reader(kind: Any, value: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - a class with `of`
    try:
        return kind.of(value)
    except KeyError as error:
        raise MisfitError(_dotted(key, error.args[0]), "a value", "nothing") from error
    except (TypeError, RetinaError) as error:
        raise MisfitError(key, f"a {kind.__name__.lower()}", _quoted(value)) from error


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a record
    """A value as plain JSON, from which `read` makes the same value again."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if dataclasses.is_dataclass(value):
        return members(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def members(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """The fields of a dataclass as a JSON object, in their order, without a `LeftOut` that is `None`."""
    every = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    hints = _hints(type(value))
    return {name: plain(inner) for name, inner in every.items() if inner is not None or not _is_left_out(hints[name])}


def _is_left_out(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    _, rules, _ = _without_rules(kind)
    return any(isinstance(rule, Absent) for rule in rules)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _json_type(kind: Any) -> Any:  # noqa: ANN401 - an annotation
    """The type, or types, that `json.loads` gives for an annotation without rules."""
    kind = typing.get_origin(kind) or kind
    # A whole number may have been written without a point.
    return dict if dataclasses.is_dataclass(kind) else {float: (int, float), tuple: list}.get(kind, kind)


def _type_names(kind: Any) -> str:  # noqa: ANN401 - an annotation
    """The JSON types of an annotation, for an error."""
    inner, _, nullable = _without_rules(kind)
    json_type = object if inner is Any else _json_type(inner)
    names = [item.__name__ for item in (json_type if isinstance(json_type, tuple) else (json_type,))]
    return " or ".join([*names, *(["null"] if nullable else [])])


def _dotted(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _quoted(value: object) -> str:
    return repr(value)[:LONGEST]
