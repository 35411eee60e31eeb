"""What is trained, and on what: a whole network on images, or its head on the features of a frozen backbone."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import EvaluationBatches, ShuffledBatches, TrainingBatches
from retina.experiments.experiment import Experiment
from retina.machine import device as environment
from retina.models import classifier
from retina.models.running import prediction
from retina.training.features import FeatureBatches, Features
from retina.training.plan import Plan


@dataclass(frozen=True)
class Material:
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


def material(plan: Plan, network: keras.Model, *, quiet: bool = False) -> Material:
    """What a plan trains. Where only the head is trained, the backbone's features are computed first.

    Args:
        plan: The plan.
        network: The whole network, with its starting weights.
        quiet: Show no progress.

    Raises:
        RetinaError: features are not finite numbers, or cannot be written.
    """
    if plan.experiment.fine_tune == "head":
        return _of_features(plan, network, quiet=quiet)
    return Material(network, training_batches(plan), evaluation_batches(plan, "validation"))


def _of_features(plan: Plan, network: keras.Model, *, quiet: bool) -> Material:
    """The head, and features of every variant that its epochs need."""
    began = time.perf_counter()
    head, training = _training_features(plan, network, quiet=quiet)
    vectors = training.features.of("validation")
    device = environment.device()
    validation = EvaluationBatches(vectors, np.arange(len(vectors)), batch_size=len(vectors), device=device)
    return Material(head, training, validation, time.perf_counter() - began)


def training(plan: Plan, network: keras.Model, *, quiet: bool = False) -> tuple[keras.Model, ShuffledBatches]:
    """What a plan trains and its training batches alone: no other image is read.

    Args:
        plan: The plan.
        network: The whole network, with its starting weights.
        quiet: Show no progress.

    Raises:
        RetinaError: features are not finite numbers, or cannot be written.
    """
    if plan.experiment.fine_tune == "head":
        return _training_features(plan, network, quiet=quiet)
    return network, training_batches(plan)


def _training_features(plan: Plan, network: keras.Model, *, quiet: bool) -> tuple[keras.Model, FeatureBatches]:
    """The head, and the features of the training images in every variant that the epochs need."""
    backbone, head = classifier.split(network)
    experiment = plan.experiment
    features = Features(plan, backbone, augmentation(experiment), batch_size=prediction.batch_size(), quiet=quiet)
    for variant in features.variants:
        features.of("train", variant)
    labels = plan.data.splits["train"].labels
    given = {"batch_size": experiment.batch_size, "seed": experiment.seed, "device": environment.device()}
    return head, FeatureBatches(features, labels, **given)


def training_batches(plan: Plan) -> TrainingBatches:
    """The shuffled and augmented training batches of a plan."""
    train, experiment = plan.data.splits["train"], plan.experiment
    return TrainingBatches(
        plan.data.images,
        train.rows,
        train.labels,
        batch_size=experiment.batch_size,
        seed=experiment.seed,
        augmentation=augmentation(experiment),
        device=environment.device(),
    )


def evaluation_batches(plan: Plan, split: str) -> EvaluationBatches:
    """A split's images in order, as they are."""
    rows, device = plan.data.splits[split].rows, environment.device()
    return EvaluationBatches(plan.data.images, rows, batch_size=prediction.batch_size(), device=device)


def augmentation(experiment: Experiment) -> Augmentation:
    """The augmentation that an experiment names."""
    return Augmentation(
        horizontal_flip=experiment.horizontal_flip,
        vertical_flip=experiment.vertical_flip,
        rotation=experiment.rotation,
        brightness=experiment.brightness,
        contrast=experiment.contrast,
    )
