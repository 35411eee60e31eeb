"""Best epoch and early stopping, as functions of the validation losses so far. Epochs count from 1.

The rules are those of `keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0)`, but that the best epoch may be
one before `start_from_epoch`. As functions of the history they need no state of their own: a resumed run stops where an
undisturbed one would, and a run without early stopping can still say where it would have stopped.
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
        after: First epochs that are not judged, as Keras' `start_from_epoch`: of the head alone and of the warm-up. The
            lowest loss is that of the epochs after them, since a loss at a small rate, or of a head at rest, is no mark
            that the whole network would have to reach at once.

    Returns:
        The epoch, or `None` where the losses so far give no reason to stop.
    """
    lowest, waited = float("inf"), 0
    for epoch, loss in enumerate(val_losses[after:], start=after + 1):
        lowest, waited = (loss, 0) if loss < lowest else (lowest, waited + 1)
        if waited >= patience:
            return epoch
    return None
