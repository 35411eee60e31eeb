"""What retina sets up for `fit` trains as stock Keras does: the same history, the same calls of callbacks."""

import keras
import numpy as np
import pytest

from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import TrainingBatches
from retina.models import classifier
from retina.training.loop.fit import compiled
from retina.training.loop.optimizer import FusedAdam

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
LABELS = (IMAGES.mean(axis=(1, 2, 3)) > np.median(IMAGES.mean(axis=(1, 2, 3)))).astype(int)


class Diary(keras.callbacks.Callback):
    """Notes every call that Keras makes, with the names of the logs and the loss."""

    def __init__(self):
        super().__init__()
        self.calls, self.losses = [], []

    def note(self, name, number, logs):
        self.calls.append((name, number, tuple(sorted(logs or {}))))
        if name == "train batch end":
            self.losses.append(logs["loss"])

    def on_train_begin(self, logs=None):
        self.note("train begin", None, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begin", epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.note("train batch begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note("train batch end", batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch end", epoch, logs)

    def on_train_end(self, logs=None):
        self.note("train end", None, logs)


def stock(network, learning_rate, loss):
    model = keras.Model(network.inputs, network.outputs)
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, metrics=[accuracy])
    return model


def trained(make, fine_tune):
    network = classifier.build("resnet18", fine_tune=fine_tune, seed=3)
    model = make(network, keras.losses.BinaryCrossentropy(from_logits=True))
    batches = TrainingBatches(
        IMAGES, np.arange(20), LABELS, batch_size=8, seed=0, augmentation=Augmentation(horizontal_flip=True)
    )
    diary = Diary()
    history = model.fit(batches, epochs=3, verbose=0, shuffle=False, callbacks=[diary])
    return history, diary, network


def numbers(network):
    """All trained weights in one vector."""
    return np.concatenate([weight.numpy().ravel() for weight in network.trainable_weights])


@pytest.mark.parametrize("fine_tune", classifier.FINE_TUNE)
def test_history_callbacks_and_weights_are_those_of_stock_keras(fine_tune):
    own = trained(lambda network, loss: compiled(network, "float32", FusedAdam(1e-4), loss), fine_tune)
    other = trained(lambda network, loss: stock(network, 1e-4, loss), fine_tune)
    assert own[1].calls == other[1].calls
    assert own[0].epoch == other[0].epoch
    assert own[0].params == other[0].params
    assert own[0].history.keys() == other[0].history.keys()
    np.testing.assert_allclose(own[1].losses, other[1].losses, rtol=2e-2)
    np.testing.assert_allclose(own[0].history["loss"], other[0].history["loss"], rtol=2e-2)
    np.testing.assert_allclose(own[0].history["accuracy"], other[0].history["accuracy"], atol=1 / 20 + 1e-6)
    assert [weight.path for weight in own[2].weights] == [weight.path for weight in other[2].weights]
    start = numbers(classifier.build("resnet18", fine_tune=fine_tune, seed=3))
    moved, apart = numbers(own[2]) - start, numbers(own[2]) - numbers(other[2])
    # Adam's first steps are as long for gradients that are mere rounding, so the two drift apart a little.
    assert np.linalg.norm(apart) < 0.1 * np.linalg.norm(moved)
