"""The head first, and then the rest."""

from typing import Any

import keras

from retina.models import classifier
from retina.models.backbones.interface import Backbone


class HeadFirst(keras.callbacks.Callback):
    """Trains the head alone in the first epochs; then all that the experiment trains, with an optimizer as new.

    As by hand (Keras' guide to transfer learning: train the head, unfreeze, compile again), but within one `fit`. The
    optimizer begins anew because its means hold nothing of the layers that were frozen: with the count of steps gone
    on, Adam would take their mean squares, which begin at zero, for settled ones, and step up to six times too far.

    Args:
        network: The whole network.
        backbone: Its backbone.
        fine_tune: What is trained after the first epochs: `last` or `full`.
        epochs: How many the first ones are, at least 1.
    """

    def __init__(self, network: keras.Model, backbone: Backbone, fine_tune: str, epochs: int) -> None:
        super().__init__()
        self.network = network
        self.backbone = backbone
        self.fine_tune = fine_tune
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Let the optimizer know all variables while all are trained."""
        del logs
        self.model.optimizer.build(self.model.trainable_variables)
        self.trained = self.fine_tune

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Freeze or unfreeze where this epoch trains other layers than the one before; epochs count from 0."""
        del logs
        trained = "head" if epoch < self.epochs else self.fine_tune
        if epoch == self.epochs:
            self.model.optimizer.reset()
        if trained != self.trained:
            classifier.freeze(self.network, self.backbone, trained)
            self.model.make_train_function(force=True)  # a recorded step would go on with the layers of before
            self.trained = trained
