"""A finished run's network, built anew from what its record says: weights alone are read, and only those it names."""

import re
import warnings

import keras
import pytest
import torch

from retina.errors import RunError, WeightsError
from retina.machine import files
from retina.models import classifier, saved
from retina.models.backbones import registry


@pytest.fixture(scope="module")
def network():
    return classifier.build("resnet18", seed=1, dropout=0.4, fine_tune="last")


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    """The network as a run saves it. Not to be changed by a test."""
    path = tmp_path_factory.mktemp("run") / "model.keras"
    network.save(path)
    return path


def test_a_network_built_anew_answers_what_the_saved_one_answered(network, path, eyes):
    again = saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18"))
    with torch.no_grad():
        assert torch.equal(again(eyes), network(eyes))


def test_a_model_is_never_loaded_whole(monkeypatch, path):
    """What a file says of classes and functions is not followed."""
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", lambda *_, **__: pytest.fail("deserialized"))
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("loaded whole"))
    saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18"))


def test_a_file_that_is_not_the_record_s_is_refused_before_it_is_opened(monkeypatch, path):
    monkeypatch.setattr(classifier, "build", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(RunError) as caught:
        saved.network(path, sha256="0" * 64, backbone=registry.get("resnet18"))
    assert str(caught.value) == (
        f"model.keras of a finished run is not as it was written | Expected: SHA-256 {'0' * 64} | "
        f"Found: {files.sha256(path)} | Where: {path} | Next: restore the file, or train the run again with --force"
    )


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(RunError, match=r"model\.keras of a finished run is missing .* Found: no file"):
        saved.network(tmp_path / "model.keras", sha256="0" * 64, backbone=registry.get("resnet18"))


@pytest.mark.parametrize("backbone", ["resnet50", "vgg16"])
def test_weights_of_another_backbone_are_refused_in_one_line(path, backbone):
    with pytest.raises(WeightsError, match="the weights of a run do not fit its backbone") as caught:
        saved.network(path, sha256=files.sha256(path), backbone=registry.get(backbone))
    assert f"Expected: a classifier on {backbone}" in str(caught.value)
    assert re.search(r"Where: \S+model\.keras$", str(caught.value))


class Nested(keras.Model):
    """A network with a layer in a list in a list, or with none."""

    def __init__(self, layers):
        super().__init__()
        self.blocks = [[keras.layers.Dense(1) for _ in range(layers)]]
        for layer in self.blocks[0]:
            layer.build((None, 1))
        self.built = True


@pytest.mark.filterwarnings("ignore")
def test_a_layer_that_would_keep_its_random_weights_is_refused(monkeypatch, tmp_path):
    """Keras says so by a warning alone where a file lacks the whole list that a layer is in."""
    path = tmp_path / "model.weights.h5"
    Nested(0).save_weights(path)
    monkeypatch.setattr(classifier, "build", lambda *_, **__: Nested(1))
    with pytest.raises(WeightsError, match=r"do not fit its backbone .* Found: Skipping nested container"):
        saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18"))


def test_another_warning_is_none_of_weights(monkeypatch, path):
    class Warns(keras.Model):
        def load_weights(self, *_, **__):
            warnings.warn("a setting is out of date", UserWarning, stacklevel=2)

    monkeypatch.setattr(classifier, "build", lambda *_, **__: Warns())
    with pytest.warns(UserWarning, match="out of date"):
        assert isinstance(saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18")), Warns)


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"no model")
    with pytest.raises(WeightsError, match="do not fit its backbone"):
        saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18"))
