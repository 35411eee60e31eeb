"""Where a run takes place is described truthfully and in plain values."""

import pytest

from retina.errors import ExperimentError
from retina.machine import device


@pytest.mark.parametrize(("fast", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_bfloat16_only_where_the_device_is_fast_at_it(monkeypatch, fast, expected):
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: fast)
    assert device.resolve_precision("auto") == expected
    for named in ("float32", "bfloat16"):
        monkeypatch.setattr(device, "device", lambda: "cpu")
        assert device.resolve_precision(named) == named


def test_bfloat16_is_refused_where_the_device_has_none(monkeypatch):
    monkeypatch.setattr(device, "device", lambda: "mps")
    with pytest.raises(ExperimentError, match="float32"):
        device.resolve_precision("bfloat16")


def test_deterministic_kernels_are_asked_for_while_the_block_lasts():
    import torch

    for wanted in (False, True):
        with device.deterministic_kernels(wanted=wanted):
            assert torch.are_deterministic_algorithms_enabled() == wanted
        assert not torch.are_deterministic_algorithms_enabled()
