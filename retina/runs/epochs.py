"""Best epoch and early stopping, as functions of the validation losses so far. Epochs count from 1.

The rules are those of `keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0)`. As functions of the history
they need no state of their own: a resumed run stops where an undisturbed one would, and a run without early stopping
can still say where it would have stopped.
"""

from collections.abc import Sequence


def best_epoch(val_losses: Sequence[float]) -> int | None:
    """The first epoch with the lowest finite validation loss, or `None` where there is none."""
    # NaN is not below infinity either. The smallest pair is the earliest of equal losses, as Keras' callback keeps it.
    finite = [(loss, epoch) for epoch, loss in enumerate(val_losses, start=1) if loss < float("inf")]
    return min(finite)[1] if finite else None


def stop_epoch(val_losses: Sequence[float], patience: int, *, after: int = 0) -> int | None:
    """The epoch after which training stops: the first that ends `patience` epochs in a row without a new lowest loss.

    Args:
        val_losses: Validation loss of epochs 1, 2, ..., finite.
        patience: Epochs without improvement that are waited for, at least 1.
        after: Epochs before training's main part, such as those of the head alone: a head at rest is no reason to stop.

    Returns:
        The epoch, or `None` where the losses so far give no reason to stop.
    """
    lowest, waited = float("inf"), 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < lowest:
            lowest, waited = loss, 0
        else:
            waited += epoch > after
        if waited >= patience:
            return epoch
    return None
