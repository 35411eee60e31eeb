"""What a result has to beat: the majority guess, and a logistic regression that sees colours but no shapes."""

from typing import TYPE_CHECKING

import numpy as np

from retina.experiments.splits import PREDICTED_SPLITS
from retina.numbers import ranking

if TYPE_CHECKING:
    from retina.data.dataset import Dataset

BINS = 8
REGULARISATION = 1.0


def majority(labels: np.ndarray, majority_class: int) -> float:
    """Accuracy of calling every image the class that is the majority in training.

    Args:
        labels: (N,) 0 or 1.
        majority_class: 0 or 1.
    """
    return float(np.mean(labels == majority_class))


def colour_histogram(image: np.ndarray) -> np.ndarray:
    """Share of the pixels in each of 8 x 8 x 8 RGB bins, (512,) float32.

    Args:
        image: (H, W, 3) uint8.
    """
    bins = (image // (256 // BINS)).reshape(-1, 3).astype(np.int64)
    codes = (bins[:, 0] * BINS + bins[:, 1]) * BINS + bins[:, 2]
    return (np.bincount(codes, minlength=BINS**3) / len(codes)).astype(np.float32)


def measure(dataset: "Dataset") -> dict[str, dict[str, dict[str, float]]]:
    """Both baselines on validation and test, trained on the training images alone.

    The colour baseline is scikit-learn's logistic regression (L2, C = 1) on standardised histograms.

    Returns:
        `majority` -> split -> accuracy; `colour_histogram` -> split -> accuracy, auroc.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    histograms = {
        name: np.stack([colour_histogram(dataset.images[row]) for row in split.rows])
        for name, split in dataset.splits.items()
    }
    train = dataset.splits["train"].labels
    model = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=5000))
    model.fit(histograms["train"], train)
    majority_class = int(train.mean() >= 0.5)  # noqa: PLR2004
    results: dict[str, dict[str, dict[str, float]]] = {"majority": {}, "colour_histogram": {}}
    for name in PREDICTED_SPLITS:
        labels = dataset.splits[name].labels
        scores = model.decision_function(histograms[name])
        results["majority"][name] = {"accuracy": majority(labels, majority_class)}
        results["colour_histogram"][name] = {
            "accuracy": float(np.mean((scores > 0) == (labels == 1))),
            "auroc": ranking.auroc_of_curve(labels, scores),
        }
    return results
