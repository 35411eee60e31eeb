"""retina: transfer-learning experiments on fundus photographs, with the statistics and the diagnosis they need."""

import os

# retina's layers stand on torch's kernels. Keras reads its backend once, when it is imported: it is named before that.
os.environ["KERAS_BACKEND"] = "torch"
