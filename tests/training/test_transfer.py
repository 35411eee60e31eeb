"""Real pretrained weights on real photographs: both parameter sets learn from them, and do not destroy them."""

import pytest

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.pretraining import best_constant
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.training import execution
from retina.training.plan import plan

pytestmark = [pytest.mark.extra, pytest.mark.timeout(1800)]
TENTH = 0.9
SMALL = {"image_size": 64, "early_stopping": False, "precision": "float32"}
"""A twelfth of the pixels, a few epochs: what destroys the weights does it in the first steps, at any size."""
AS_THE_STUDY = {"head_start": "random", "warmup_epochs": 0.0, "clip_norm": 0.0, "layer_decay": 1.0}


def trained(shared, results, params, **options):
    """The curves of VGG16 from ImageNet's weights on the photographs, and the loss of the best constant answer."""
    weights = shared / "data" / "weights" / "vgg16_imagenet.pth"
    choice = parameters.load("vgg16", params, weights=str(weights), **(SMALL | options))
    prepared = plan(choice, Place(results, shared / "data" / "fundus", quiet=True))
    execution.execute(prepared)
    record, history = prepared.run.record(), prepared.run.history()
    return history, best_constant(Curve.of(record, history))


def learns(history, constant):
    """Whether training loss comes a tenth below that of the best constant answer."""
    return history["train_loss"].min() < TENTH * constant


@pytest.mark.parametrize(("params", "loss", "epochs"), [("p1", "ce", 6), ("p2", "focal", 8)])
def test_both_parameter_sets_learn_from_pretrained_weights(shared, tmp_path, params, loss, epochs):
    history, constant = trained(shared, tmp_path, params, loss=loss, epochs=epochs)
    assert learns(history, constant)
    assert history["val_auroc"][history["val_loss"].idxmin()] > 0.65


def test_without_the_gentle_start_the_first_steps_destroy_them(shared, tmp_path):
    """That the test above can fail: with all else alike nothing is learned."""
    history, constant = trained(shared, tmp_path, "p1", epochs=6, **AS_THE_STUDY)
    assert not learns(history, constant)
