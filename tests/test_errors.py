"""An error a user can cause is one line; helpers that word it say no more than a reader can take in."""

import pytest

from retina.errors import ExperimentError, RetinaError, first_line, nearest, some, unknown


def test_an_error_is_one_line_with_the_parts_that_are_there():
    error = RetinaError("it\nbroke", expected=1, found=0, where="a  b", advice="fix it")
    assert str(error) == "it broke | Expected: 1 | Found: 0 | Where: a b | Next: fix it"
    assert str(RetinaError("it broke", found="")) == "it broke | Found:"
    assert str(RetinaError("it broke")) == "it broke"


@pytest.mark.parametrize(
    ("words", "most", "shown"),
    [
        ((), 2, ""),
        (("a",), 2, "a"),
        (("a", "b"), 2, "a, b"),
        (("a", "b", "c"), 2, "a, b and 1 more"),
        (iter("abcdefg"), 5, "a, b, c, d, e and 2 more"),
    ],
)
def test_many_words_are_the_first_few_and_how_many_more(words, most, shown):
    assert some(words, most) == shown


def test_an_unknown_word_is_answered_by_the_nearest_known_one():
    error = unknown("backbone", "ResNet19", ["vgg16", "resnet18"], where="the options")
    assert isinstance(error, ExperimentError)
    assert error.expected == "one of resnet18, vgg16"
    assert error.advice == "did you mean 'resnet18'?"
    assert nearest("zzz", ["vgg16"]) is None
    assert "did you mean" not in str(unknown("backbone", "zzz", ["vgg16"]))


def test_of_another_packages_error_the_first_line_is_told_or_its_kind():
    assert first_line(RuntimeError("\n out of memory\nat x.cc:7")) == "out of memory"
    assert first_line(MemoryError()) == "MemoryError"
