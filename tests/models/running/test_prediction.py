"""Batches to answers: every image's, in order, in the precision of the network that is asked."""

import numpy as np
import pytest
import torch

from retina.data.feeding.batches import EvaluationBatches
from retina.machine import device
from retina.models import classifier
from retina.models.running import prediction
from retina.models.running.precision import MixedPrecision

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network():
    return classifier.build("resnet18", seed=1)


def batches(rows=(5, 0, 3, 1, 6)):
    """Some images, not in their order on disk, in batches of two: the last one has one."""
    return EvaluationBatches(IMAGES, np.array(rows), batch_size=2, device=device.device())


def test_logits_are_one_float32_number_an_image_in_the_order_of_the_batches(network):
    logits = prediction.logits(network, batches())
    with torch.no_grad():
        alone = [network(IMAGES[row : row + 1]).item() for row in (5, 0, 3, 1, 6)]
    assert (logits.shape, logits.dtype) == ((5,), np.float32)
    np.testing.assert_allclose(logits, alone, rtol=0, atol=1e-5)


def test_features_come_row_by_row_and_every_batch_is_told(network):
    backbone, head = classifier.split(network)
    told = []
    features = prediction.outputs(backbone, batches(), advance=told.append)
    assert features.shape == (5, 512)
    assert told == [1, 1, 1]
    logits = prediction.logits(head, EvaluationBatches(features, np.arange(5), batch_size=5, device=device.device()))
    np.testing.assert_allclose(logits, prediction.logits(network, batches()), rtol=0, atol=1e-5)


def test_a_network_answers_in_the_precision_that_it_is_wrapped_in(network):
    exact = prediction.logits(network, batches())
    same, rounded = (prediction.logits(MixedPrecision(network, name), batches()) for name in ("float32", "bfloat16"))
    np.testing.assert_array_equal(same, exact)
    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max() + 0.05


@pytest.mark.parametrize(("kind", "images"), [("cpu", 16), ("cuda", 128), ("mps", 128)])
def test_a_batch_is_small_where_memory_is_the_host_s(monkeypatch, kind, images):
    monkeypatch.setattr(device, "device", lambda: kind)
    assert prediction.batch_size() == images
