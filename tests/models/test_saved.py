"""A finished run's network, built anew from what its record says: weights alone are read, and only those it names."""

import re

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


def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"no model")
    with pytest.raises(WeightsError, match="do not fit its backbone"):
        saved.network(path, sha256=files.sha256(path), backbone=registry.get("resnet18"))
