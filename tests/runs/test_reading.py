"""JSON values become what annotations say, or the first misfit is named by its dotted key; and back."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.errors import RunError
from retina.runs import reading
from retina.runs.reading import Count, Least, LeftOut, MisfitError, Needs, OneOf, Range


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str
    share: Annotated[float, Range(0, 1)] | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Limited:
    """Refuses today what it took before."""

    size: int = 64

    def __post_init__(self):
        raise AssertionError("made by its constructor")


@dataclass(frozen=True)
class Pair:
    """Reads itself."""

    first: int

    @classmethod
    def of(cls, value):
        if value["first"] == 13:
            raise RunError("unlucky")
        return cls(value["first"] + 0)

    def to_dict(self):
        return {"first": self.first}


@dataclass(frozen=True, kw_only=True)
class Tree:
    kind: Annotated[str, OneOf(("oak", "elm"))]
    age: Count
    height: float
    leaves: tuple[Leaf, ...]
    by_name: Annotated[dict[str, Leaf], Needs(("top",))]
    limited: Annotated[Limited, Least((("size", 8),))]
    pair: Pair
    anything: Any = None
    note: LeftOut[str] = None


TREE = {
    "kind": "oak",
    "age": 3,
    "height": 2,
    "leaves": [{"name": "a", "share": 0.5, "tags": ["x"]}],
    "by_name": {"top": {"name": "b"}},
    "limited": {},
    "pair": {"first": 1},
}


def test_a_value_is_read_into_nested_dataclasses():
    tree = reading.read(Tree, TREE)
    assert tree.leaves == (Leaf(name="a", share=0.5, tags=("x",)),)
    assert tree.by_name == {"top": Leaf(name="b")}
    assert (tree.height, tree.limited.size, tree.pair, tree.note) == (2, 64, Pair(1), None)


@pytest.mark.parametrize(
    ("change", "key", "expected", "found"),
    [
        ({"kind": "pine"}, "kind", "one of oak, elm", "'pine'"),
        ({"age": -1}, "age", "0 to inf", "-1"),
        ({"age": True}, "age", "int", "bool"),
        ({"age": 1.5}, "age", "int", "float"),
        ({"height": "2"}, "height", "int or float", "str"),
        ({"height": None}, "height", "int or float", "NoneType"),
        ({"leaves": {}}, "leaves", "list", "dict"),
        ({"leaves": [{}]}, "leaves.0.name", "str", "nothing"),
        ({"leaves": [{"name": "a", "share": 2}]}, "leaves.0.share", "0 to 1", "2"),
        ({"leaves": [{"name": "a", "share": float("nan")}]}, "leaves.0.share", "0 to 1", "nan"),
        ({"leaves": [{"name": "a", "share": "x"}]}, "leaves.0.share", "int or float or null", "str"),
        ({"leaves": [{"name": "a", "tags": [1]}]}, "leaves.0.tags.0", "str", "int"),
        ({"by_name": {}}, "by_name.top", "a value", "nothing"),
        ({"limited": {"size": 4}}, "limited.size", "8 to inf", "4"),
        ({"limited": {"size": "x"}}, "limited.size", "int", "str"),
        ({"pair": {}}, "pair.first", "a value", "nothing"),
        ({"pair": {"first": "x"}}, "pair", "a pair", "{'first': 'x'}"),
        ({"pair": {"first": 13}}, "pair", "a pair", "{'first': 13}"),
        ({"note": 7}, "note", "str or null", "int"),
    ],
)
def test_the_first_misfit_is_named(change, key, expected, found):
    with pytest.raises(MisfitError) as caught:
        reading.read(Tree, TREE | change)
    assert (caught.value.key, caught.value.expected, caught.value.found) == (key, expected, found)


@pytest.mark.parametrize("key", list(TREE))
def test_a_missing_key_without_a_default_is_named(key):
    with pytest.raises(MisfitError) as caught:
        reading.read(Tree, {name: value for name, value in TREE.items() if name != key})
    assert (caught.value.key, caught.value.found) == (key, "nothing")


@given(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["oak", "elm"]),
            "age": st.integers(0),
            "height": st.floats(allow_nan=False) | st.integers(),
            "leaves": st.lists(
                st.fixed_dictionaries(
                    {"name": st.text(), "share": st.none() | st.floats(0, 1), "tags": st.lists(st.text())}
                )
            ),
            "by_name": st.just({"top": {"name": "b", "share": None, "tags": []}}),
            "limited": st.just({"size": 9}),
            "pair": st.just({"first": 2}),
            "anything": st.none() | st.dictionaries(st.text(), st.lists(st.booleans())),
        },
        optional={"note": st.text()},
    )
)
def test_what_is_read_is_written_as_it_was(value):
    assert reading.plain(reading.read(Tree, value)) == value
