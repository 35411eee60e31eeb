"""`retina.load_model` for whoever has a `model.keras`: old and new ones, in a process that knows no layer yet."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

import retina
from retina.errors import ExperimentError, WeightsError
from retina.models import layers

OLD_PLACES = {
    "retina.models.layers.body": "retina.models.layers",
    "retina.models.layers.dropout": "retina.models.ends",
    "retina.models.layers.head": "retina.models.ends",
    "retina.models.layers.input": "retina.models.ends",
}
"""Where the layers lived when earlier runs were saved."""

LOAD = """
import pathlib, sys, warnings
warnings.simplefilter("error")
import numpy, retina, torch
images = numpy.load(sys.argv[1])
with torch.no_grad():
    for path in map(pathlib.Path, sys.argv[2:]):
        numpy.save(path.with_suffix(".npy"), retina.load_model(path)(images).numpy())
"""


def small_network():
    """A network of a few weights with every layer that a saved run can have."""
    images = keras.Input((None, None, 3), name="images")
    x = layers.ReversedChannels()(layers.Normalization()(images))
    x = layers.BatchNormalization(relu=True)(layers.Convolution(4, 3, padding=1, seed=1)(x))
    x = layers.Add(relu=True)([x, layers.Convolution(4, 1, seed=2)(x)])
    x = layers.GlobalAveragePooling()(layers.MaxPooling(3, stride=2, padding=1)(x))
    return keras.Model(images, layers.Logit(seed=3)(layers.Dropout(0.2, seed=4)(x)))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.keras"
    small_network().save(path)
    return path


def rewrite(path, change):
    """Let a saved model's description of itself be another."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = json.dumps(change(json.loads(parts["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def moved_back(config):
    """A description in which every layer lies where it lay before."""
    text = json.dumps(config)
    assert all(f'"module": "{place}"' in text for place in OLD_PLACES)
    for place, before in OLD_PLACES.items():
        text = text.replace(f'"module": "{place}"', f'"module": "{before}"')
    return json.loads(text)


def test_new_and_old_models_answer_in_a_fresh_process_what_they_answered_when_they_were_saved(path, tmp_path):
    """Registered names count; the modules that an old file names need not be there any more."""
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 20, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = keras.saving.load_model(path)(images).numpy()
    old = Path(shutil.copy(path, tmp_path / "old.keras"))
    rewrite(old, moved_back)
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-c", LOAD, str(tmp_path / "images.npy"), str(path), str(old)]
    subprocess.run(command, check=True, timeout=200)
    for answered in (path, old):
        np.testing.assert_array_equal(np.load(answered.with_suffix(".npy")), expected)


def test_every_layer_of_retina_is_in_the_example():
    """So that a further layer cannot be forgotten here."""
    assert {type(layer) for layer in small_network().layers} == {
        keras.layers.InputLayer,
        *(vars(layers)[name] for name in layers.__all__),
    }


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(WeightsError, match=r"^no such model .* Where: .*none\.keras$"):
        retina.load_model(tmp_path / "none.keras")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 half a zip file"])
def test_a_file_that_is_no_model_is_one_line(tmp_path, content):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="the model cannot be read") as caught:
        retina.load_model(path)
    assert str(path) in str(caught.value)


def test_an_archive_of_something_else_is_one_line(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no model")
    with pytest.raises(WeightsError, match="the model cannot be read"):
        retina.load_model(path)


def test_a_layer_of_a_library_that_is_not_imported_is_one_line_that_says_what_to_do(path):
    rewrite(path, lambda config: json.loads(json.dumps(config).replace("retina>Logit", "elsewhere>Logit")))
    rewrite(path, lambda config: json.loads(json.dumps(config).replace("retina.models.layers.head", "elsewhere")))
    with pytest.raises(WeightsError, match="import keras_hub"):
        retina.load_model(path)


def test_a_model_that_brings_code_is_refused(tmp_path):
    images = keras.Input((4, 4, 3))
    keras.Model(images, keras.layers.Lambda(lambda x: x + 1)(images)).save(tmp_path / "model.keras")
    with pytest.raises(WeightsError, match="the model cannot be read"):
        retina.load_model(tmp_path / "model.keras")


def test_an_unknown_setting_of_the_kernels_is_one_line(path, monkeypatch):
    monkeypatch.setenv("RETINA_KERNELS", "fast")
    with pytest.raises(ExperimentError, match="unknown setting 'fast'"):
        retina.load_model(path)
