"""State dicts are read without running code, and fit a backbone whole or not at all."""

import contextlib
import pathlib
import pickle

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from retina.errors import WeightsError
from retina.models import classifier
from retina.models.backbones import registry
from retina.models.weights import state_dict


class Trap:
    """Unpickled by an ordinary reader, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return pathlib.Path.touch, (self.mark,)


@pytest.mark.parametrize("wrap", ["torch", "legacy torch", "pickle"])
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path, wrap):
    mark, path = tmp_path / "mark", tmp_path / "trap.pth"
    content = {"conv1.weight": torch.zeros(1), "trap": Trap(mark)}
    if wrap == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=wrap == "torch")
    with pytest.raises(WeightsError, match="cannot be read") as caught:
        state_dict.load_state_dict(path)
    assert not mark.exists()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 half a zip file", b"\x80\x02}q\x00."])
def test_a_damaged_file_is_one_line(tmp_path, content):
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged\.pth"):
        state_dict.load_state_dict(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("page.pth", b"<html>no such file</html>", "Found: a file of another kind .*Next: save one"),
        ("model.keras", b"PK\x03\x04 half a zip file", "Next: to start from a run, give its name or its folder"),
    ],
)
def test_a_file_of_another_kind_is_called_that(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        state_dict.load_state_dict(tmp_path / name)


KINDS = {
    "sparse": (lambda weight: weight.to_sparse(), "no plain tensor .*layout torch.sparse_coo"),
    "meta": (lambda weight: weight.to("meta"), "no plain tensor .*a meta tensor"),
    "nested": (
        lambda weight: torch.nested.nested_tensor([*weight], layout=torch.jagged),
        "no plain tensor .*layout torch.jagged",
    ),
    "too large for float32": (
        lambda weight: weight.double() * 0 + 1e300,
        "hold NaN or infinity .*finite as torch.float32",
    ),
    "NaN of 8 bits": (lambda weight: (weight * torch.nan).to(torch.float8_e4m3fn), "hold NaN or infinity"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_of_an_unusual_kind_is_refused_in_one_line_and_nothing_is_copied(kind):
    model = registry.build("resnet18")
    change, words = KINDS[kind]
    state = {name: tensor.clone() for name, tensor in state_dict.state_dict(model).items()}
    before = {name: tensor.clone() for name, tensor in state.items()}
    state["conv1.weight"] = change(state["conv1.weight"])
    with pytest.raises(WeightsError, match=words):
        state_dict.assign(model, state)
    assert all(tensor.equal(before[name]) for name, tensor in state_dict.state_dict(model).items())


def test_floats_of_8_bits_are_read_and_negative_variances_refused():
    model = registry.build("resnet18")
    state = {name: tensor.clone() for name, tensor in state_dict.state_dict(model).items()}
    state["conv1.weight"] = state["conv1.weight"].to(torch.float8_e4m3fn)
    state_dict.assign(model, state)
    state["bn1.running_var"][0] = -1.0
    with pytest.raises(WeightsError, match=r"the variances at bn1\.running_var are negative"):
        state_dict.assign(model, state)


@settings(max_examples=150)
@given(data=st.data(), zipped=st.booleans())
def test_a_file_damaged_anywhere_is_read_or_refused(tmp_path_factory, data, zipped):
    path = tmp_path_factory.getbasetemp() / "flipped.pth"
    torch.save({"a": torch.arange(4.0)}, path, _use_new_zipfile_serialization=zipped)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(WeightsError):
        assert set(map(type, state_dict.load_state_dict(path).values())) == {torch.Tensor}


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"state_dict": {"a": torch.zeros(1)}, "epoch": 3}, {1: 2}])
def test_anything_but_named_tensors_is_not_a_state_dict(tmp_path, content):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="not a state dict"):
        state_dict.load_state_dict(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(WeightsError, match="weights not found"):
        state_dict.load_state_dict(tmp_path / "none.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_both_of_torch_s_file_formats_are_read(tmp_path, zipped):
    path = tmp_path / "net.pth"
    torch.save({"a": torch.arange(3.0)}, path, _use_new_zipfile_serialization=zipped)
    assert torch.equal(state_dict.load_state_dict(path)["a"], torch.arange(3.0))


@pytest.fixture(scope="module")
def model():
    return registry.build("resnet18", seed=0)


@pytest.fixture
def state(model):
    """A state dict that fits, different from the model's own weights."""
    return {name: torch.rand_like(tensor) for name, tensor in state_dict.state_dict(model).items()}


def broken(change, state):
    """Break a state dict in one way."""
    tensor = state["layer1.0.conv1.weight"]
    if change == "missing":
        del state["layer1.0.conv1.weight"]
    elif change == "extra":
        state["layer1.0.conv9.weight"] = tensor
    elif change == "shape":
        state["layer1.0.conv1.weight"] = tensor[:, :32]
    elif change == "integer":
        state["layer1.0.conv1.weight"] = tensor.int()
    elif change == "nan":
        state["layer1.0.conv1.weight"] = tensor / 0 * 0
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "missing layer1.0.conv1.weight"),
        ("extra", "unknown layer1.0.conv9.weight"),
        ("shape", "layer1.0.conv1.weight | Expected: shape (64, 64, 3, 3) | Found: shape (64, 32, 3, 3)"),
        ("integer", "layer1.0.conv1.weight are not floating-point"),
        ("nan", "layer1.0.conv1.weight hold NaN"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named_and_nothing_is_changed(model, state, change, message):
    before = {name: tensor.clone() for name, tensor in state_dict.state_dict(model).items()}
    with pytest.raises(WeightsError) as caught:
        state_dict.assign(model, broken(change, state), where="net.pth")
    assert message in str(caught.value)
    assert "net.pth" in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in state_dict.state_dict(model).items())


def test_the_weights_of_another_backbone_are_refused_in_one_short_line(state):
    with pytest.raises(WeightsError, match=r"and \d+ more") as caught:
        state_dict.assign(registry.build("vgg16", seed=0), state)
    assert len(str(caught.value)) < 600


def test_imagenet_s_classifier_and_torch_s_counters_are_left_aside(model, state):
    extra = {
        "fc.weight": torch.zeros(1000, 512),
        "fc.bias": torch.zeros(1000),
        "bn1.num_batches_tracked": torch.tensor(9),
    }
    state_dict.assign(model, state | extra)
    assert all(torch.equal(state[name], tensor) for name, tensor in state_dict.state_dict(model).items())


def test_half_precision_weights_are_read(model, state):
    state_dict.assign(model, {name: tensor.half() for name, tensor in state.items()})
    for name, tensor in state_dict.state_dict(model).items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, state[name].half().float())


def test_kernels_stay_in_channels_last_memory(model, state):
    state_dict.assign(model, state)
    kernels = [tensor for tensor in state_dict.state_dict(model).values() if tensor.ndim == 4]
    assert len(kernels) == 20
    assert all(kernel.permute(0, 2, 3, 1).is_contiguous() for kernel in kernels)


def test_a_state_dict_leaves_a_classifier_s_head_as_it_was(state):
    network = classifier.build("resnet18")
    head = network.get_layer("logit")
    before = head.get_weights()
    state_dict.assign(network, state)
    assert all((now == then).all() for now, then in zip(head.get_weights(), before, strict=True))
