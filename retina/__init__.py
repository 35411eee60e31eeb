"""retina: transfer-learning experiments on fundus photographs, with the statistics and the diagnosis they need."""

import os
from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).parent
"""The folder of the package. No other module counts the parents of its own file, so that modules can be moved."""

# retina's layers stand on torch's kernels. Keras reads its backend once, when it is imported: it is named before that.
os.environ["KERAS_BACKEND"] = "torch"
