"""What a classifier asks of a backbone: its preprocessing, and the digest of its weights."""

import keras
import numpy as np
import pytest
import torch

from retina.errors import ExperimentError
from retina.models.backbones import catalogue, registry
from retina.models.backbones.interface import digest, preprocessed

PIXEL = (255, 102, 0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unit", (1, 0.4, 0)),
        ("symmetric", (1, -0.2, -1)),
        ("symmetric_128", (127 / 128, -26 / 128, -1)),
        ("standardized", (0.515 / 0.229, (0.4 - 0.456) / 0.224, -0.406 / 0.225)),
        ("caffe", (-103.939, 102 - 116.779, 255 - 123.68)),
    ],
)
def test_a_pixel_becomes_what_the_words_of_its_preprocessing_say(kind, expected):
    images = keras.Input((None, None, 3))
    network = keras.Model(images, preprocessed(images, catalogue.PREPROCESSING[kind]))
    with torch.no_grad():
        pixel = network(torch.tensor(PIXEL, dtype=torch.uint8).view(1, 1, 1, 3))
    assert pixel.dtype == torch.float32
    assert pixel.flatten().tolist() == pytest.approx(expected, abs=1e-4)


def dense(values):
    layer = keras.layers.Dense(len(values[0]), use_bias=False)
    layer.build((None, len(values)))
    layer.set_weights([np.array(values, np.float32)])
    return layer


def test_a_digest_follows_from_values_shapes_and_order_alone():
    one, other = dense([[1.0, 2.0]]), dense([[3.0, 4.0]])
    assert digest([one, other]) == digest([dense([[1.0, 2.0]]), dense([[3.0, 4.0]])])
    different = [[other, one], [one, dense([[3.0, 5.0]])], [one, dense([[3.0], [4.0]])], [one]]
    assert len({digest([one, other]), *map(digest, different)}) == 5
    assert len(digest([])) == 64


def test_a_backbone_tells_the_facts_of_the_catalogue_and_its_last_stage():
    backbone, facts = registry.get("resnet18"), catalogue.facts_of("resnet18")
    told = (backbone.name, backbone.channels, backbone.parameters, backbone.multiply_adds)
    assert told == ("resnet18", facts.channels, facts.parameters, facts.multiply_adds)
    assert backbone.last_stage == "layer4"


def test_an_unknown_setting_of_the_kernels_is_one_line_before_any_layer_is_made(monkeypatch):
    monkeypatch.setenv("RETINA_KERNELS", "fast")
    with pytest.raises(ExperimentError, match="RETINA_KERNELS"):
        registry.get("resnet18").connect(seed=0)
