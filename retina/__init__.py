"""retina: transfer-learning experiments on fundus photographs, with the statistics and the diagnosis they need."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__version__ = "0.1.0"

PACKAGE = Path(__file__).parent
"""The folder of the package. No other module counts the parents of its own file, so that modules can be moved."""

# retina's layers call torch's kernels. Keras reads its backend once, when it is imported: it is named before that.
os.environ["KERAS_BACKEND"] = "torch"


def load_model(path: str | Path) -> "keras.Model":
    """The whole network of a `model.keras`, as a run folder holds one.

    Keras reads it in its safe mode, in which a file cannot bring code of its own; even so, load files that you trust.
    Where the backbone is `keras_cv:` or `keras_hub:`, import that library first.

    Args:
        path: The file.

    Returns:
        RGB images (N, H, W, 3), 0 to 255, uint8 or float, preprocessing inside, to logits (N, 1) float32. A sigmoid of
        a logit is the probability that the network was trained to give. Images must be cropped to the fundus disc
        and resized as in training for the answers to be those of `predictions.csv`.

    Raises:
        WeightsError: there is no such file, or it is no Keras model, or needs a library that is not imported.
        ExperimentError: `RETINA_KERNELS` is neither `auto` nor `torch`.
    """
    import zipfile

    import keras

    import retina.models.layers  # noqa: F401 - makes retina's layers known to Keras
    from retina.errors import WeightsError, first_line
    from retina.models.kernels import dispatch

    dispatch.setting()
    path = Path(path)
    if not path.is_file():
        raise WeightsError("no such model", expected="the model.keras of a run folder", found="no file", where=path)
    # What Keras, h5py and zipfile raise for a file that is damaged, of another kind, or names a layer that is not
    # known.
    unreadable = (
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        zipfile.BadZipFile,
    )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except unreadable as error:
        raise WeightsError(
            "the model cannot be read",
            expected="the model.keras of a run folder",
            found=first_line(error),
            where=path,
            advice="a model with a library's backbone needs `import keras_cv` or `import keras_hub` before",
        ) from error
