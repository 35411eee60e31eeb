"""From the `model.keras` of a finished run to its network: built from the record, only weights are read from the file.

A whole Keras model can name any function to be called; weights are numbers. So retina never loads its own models whole:
it builds the network that the record names, checks that the file is the one the record was written for, and reads only
its weights. For users, who have the file and no record, there is `retina.load_model`.
"""

import warnings
import zipfile
from pathlib import Path

import keras

from retina.errors import RunError, WeightsError, first_line
from retina.machine import files
from retina.models import classifier
from retina.models.backbones.interface import Backbone

RANDOM_STAYS = "Skipping nested container"
"""How Keras' warning begins where it lets layers keep the random weights that they were built with."""

# What Keras raises where a file holds other weights than the network has, or none, and that warning as an error.
UNFIT = (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile, UserWarning)


def network(path: Path, *, sha256: str, backbone: Backbone) -> keras.Model:
    """The classifier of a finished run.

    Args:
        path: Its `model.keras`.
        sha256: What the run's record says of that file, 64 hexadecimal digits.
        backbone: The backbone that the record names.

    Returns:
        RGB images (N, H, W, 3), 0 to 255, uint8 or float, to logits (N, 1) float32, as `classifier.build` makes it.
        Everything in it is trainable, and its dropout is that function's default; neither changes an answer.

    Raises:
        RunError: the file is missing, or is not the one that the record was written for.
        WeightsError: its weights are not those of this backbone.
        ExperimentError: the backbone's library is not installed.
    """
    _require_written(path, sha256)
    model = classifier.build(backbone)
    try:
        with warnings.catch_warnings():
            # With a file of other layers Keras warns and leaves these as they are: a network of random weights would
            # answer.
            warnings.filterwarnings("error", message=RANDOM_STAYS, category=UserWarning)
            model.load_weights(path)
    except UNFIT as error:
        raise WeightsError(
            "the weights of a run do not fit its backbone",
            expected=f"a classifier on {backbone.name}",
            found=first_line(error),
            where=path,
        ) from error
    return model


def _require_written(path: Path, sha256: str) -> None:
    """Check that a file of a finished run is the one that its record was written for.

    Raises:
        RunError: it is missing, or has another SHA-256.
    """
    digest = files.sha256(path) if path.is_file() else None
    if digest != sha256:
        raise RunError(
            f"{path.name} of a finished run is {'missing' if digest is None else 'not as it was written'}",
            expected=f"SHA-256 {sha256}",
            found=digest or "no file",
            where=path,
            advice="restore the file, or train the run again with --force",
        )
