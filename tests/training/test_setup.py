"""What is trained, and on what: with which starting weights, on images or on features."""

import keras
import pytest
import torch
from keras.utils import PyDataset
from small_runs import planned_by_eights as prepare

from retina.models import classifier
from retina.models.running import prediction
from retina.training import setup


def test_a_run_starts_from_the_backbone_of_an_earlier_one(finished, tiny_set):
    results = finished.folder.parent.parent
    prepared = prepare(tiny_set, results, weights=finished.folder.name, head_start="random")
    assert (prepared.start.origin, prepared.start.sha256) == ("run", finished.record().files["model.keras"])
    network = setup.build(prepared)
    trained = keras.saving.load_model(finished.model_path)
    for layer in network.layers:
        if layer.name.startswith(("conv1", "bn1", "layer")):
            for ours, theirs in zip(layer.weights, trained.get_layer(layer.name).weights, strict=True):
                assert torch.equal(ours.value, theirs.value)
    fresh = classifier.build("resnet18", seed=prepared.experiment.seed)
    assert torch.equal(network.get_layer("logit").weights[0].value, fresh.get_layer("logit").weights[0].value)


def test_batches_of_features_are_keras_data(tiny_set, tmp_path):
    prepared = prepare(tiny_set, tmp_path, fine_tune="head")
    given = setup.setup(prepared, setup.build(prepared))
    assert isinstance(given.training, PyDataset)
    assert [len(given.training[index][1]) for index in range(given.training.num_batches)] == [8, 8, 8]
    assert given.validation[0][0].shape == (12, 512)


@pytest.mark.parametrize("fine_tune", ["full", "head"])
def test_a_run_that_starts_at_the_prior_answers_with_the_prevalence_of_its_training_images(
    tiny_set, tmp_path, fine_tune
):
    prepared = prepare(tiny_set, tmp_path, fine_tune=fine_tune, head_start="prior")
    answers = torch.sigmoid(torch.from_numpy(predict(prepared, setup.build(prepared))))
    assert answers.tolist() == pytest.approx([prepared.data.splits["train"].prevalence] * 12)
    random = prepare(tiny_set, tmp_path, fine_tune=fine_tune)
    assert len(set(predict(random, setup.build(random)).tolist())) > 1
    assert prepared.digest != random.digest


def predict(prepared, network):
    """The logits of the validation images."""
    return prediction.logits(network, setup.evaluation_batches(prepared, "validation"))
