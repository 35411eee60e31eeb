"""A package that a plain installation lacks is one line that says how to get it."""

import json

import pytest

from retina.errors import RetinaError
from retina.machine import extras


def test_a_module_that_is_there_is_given():
    assert extras.require("json", extra="fetch", purpose="data fetch") is json


def test_a_module_that_is_not_there_is_one_line_with_its_extra():
    with pytest.raises(RetinaError, match=r"data fetch needs .* Found: no module no_such_module .*\[fetch\]") as caught:
        extras.require("no_such_module.below", extra="fetch", purpose="data fetch")
    assert "\n" not in str(caught.value)


def test_a_module_that_fails_otherwise_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("raise ValueError('broken')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="broken"):
        extras.require("broken_extra", extra="fetch", purpose="data fetch")
