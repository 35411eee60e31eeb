"""The splits of a data set, and by what an image is known in it: written here and nowhere else."""

SPLITS = ("train", "validation", "test")
PREDICTED_SPLITS = SPLITS[1:]
"""The splits that a finished run has predictions of; nothing is chosen on the last of them."""

IMAGE_KEY = ("split", "id")
"""What names an image in tables of labels and of predictions: ids may repeat between splits."""
