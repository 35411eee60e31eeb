"""What is trained, and on what: a whole network on images, or its head on the features of a frozen backbone."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from retina.data.feeding.batches import EvaluationBatches, ShuffledBatches, TrainingBatches
from retina.machine.device import device
from retina.models import classifier, saved
from retina.models.running import prediction
from retina.training.features import FeatureBatches, Features
from retina.training.plan import Plan


@dataclass(frozen=True)
class Setup:
    """What `fit` works with.

    Args:
        network: What is trained: the whole network, or its head, which shares the network's layers.
        training: Its training batches.
        validation: The validation images, or their features, in order.
        feature_seconds: Time spent on computing or reading features; `None` where there are none.
    """

    network: keras.Model
    training: ShuffledBatches
    validation: EvaluationBatches
    feature_seconds: float | None = None


def build(plan: Plan) -> keras.Model:
    """Build the network that a plan trains, with its starting weights.

    Returns:
        RGB images (N, H, W, 3), 0 to 255, uint8 or float, to logits (N, 1) float32.

    Raises:
        WeightsError: the weights do not fit the backbone.
        RunError: the model of the earlier run changed since the weights were resolved.
    """
    start, experiment = plan.start, plan.experiment
    # A library keeps its weights in files of its own; then there is no path, and it is asked for them by name.
    published = {"imagenet": start.path or "imagenet", "file": start.path}
    network = classifier.build(
        plan.backbone,
        weights=published.get(start.origin, "random"),
        fine_tune=experiment.fine_tune,
        dropout=experiment.dropout,
        seed=experiment.seed,
    )
    if start.origin == "run":
        source = saved.network(start.path, sha256=start.sha256, backbone=plan.backbone)
        classifier.transfer_backbone(source, network)
    if experiment.head_start == "prior":
        classifier.start_at(network, plan.data.splits["train"].prevalence)
    return network


def setup(plan: Plan, network: keras.Model) -> Setup:
    """What a plan trains. Where only the head is trained, the backbone's features are computed first.

    Args:
        plan: The plan.
        network: The whole network, with its starting weights.

    Raises:
        RetinaError: features are not finite numbers, or cannot be written.
    """
    if plan.experiment.fine_tune == "head":
        return _of_features(plan, network)
    return Setup(network, training_batches(plan), evaluation_batches(plan, "validation"))


def _of_features(plan: Plan, network: keras.Model) -> Setup:
    """The head, and features of every variant that its epochs need."""
    began = time.perf_counter()
    head, training = _training_features(plan, network)
    vectors = training.features.of("validation")
    validation = EvaluationBatches(vectors, np.arange(len(vectors)), batch_size=len(vectors), device=device())
    return Setup(head, training, validation, time.perf_counter() - began)


def training(plan: Plan, network: keras.Model) -> tuple[keras.Model, ShuffledBatches]:
    """What a plan trains and its training batches alone: no other image is read.

    Args:
        plan: The plan.
        network: The whole network, with its starting weights.

    Raises:
        RetinaError: features are not finite numbers, or cannot be written.
    """
    if plan.experiment.fine_tune == "head":
        return _training_features(plan, network)
    return network, training_batches(plan)


def _training_features(plan: Plan, network: keras.Model) -> tuple[keras.Model, FeatureBatches]:
    """The head, and the features of the training images in every variant that the epochs need."""
    experiment, labels = plan.experiment, plan.data.splits["train"].labels
    backbone, head = classifier.split(network)
    features = Features(plan, backbone)
    for variant in features.variants:
        features.of("train", variant)
    return head, FeatureBatches(
        features, labels, batch_size=experiment.batch_size, seed=experiment.seed, device=device()
    )


def training_batches(plan: Plan) -> TrainingBatches:
    """The shuffled and augmented training batches of a plan."""
    train, experiment = plan.data.splits["train"], plan.experiment
    return TrainingBatches(
        plan.data.images,
        train.rows,
        train.labels,
        batch_size=experiment.batch_size,
        seed=experiment.seed,
        augmentation=plan.augmentation,
        device=device(),
    )


def evaluation_batches(plan: Plan, split: str) -> EvaluationBatches:
    """A split's images in order, as they are."""
    rows = plan.data.splits[split].rows
    return EvaluationBatches(plan.data.images, rows, batch_size=prediction.batch_size(), device=device())
