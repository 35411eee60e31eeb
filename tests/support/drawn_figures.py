"""What the tests of figures draw, and how they read a figure."""

import matplotlib as mpl
import numpy as np
import pandas as pd

from retina.reporting import figures

NAMES = [f"resnet18-p1-focal-seed{seed}-7abc45f3" for seed in range(45)]


def history(val, train=None):
    count = len(val)
    number = np.arange(1, count + 1)
    return pd.DataFrame(
        {
            "epoch": number,
            "train_loss": np.linspace(0.7, 0.2, count) if train is None else train,
            "val_loss": np.asarray(val, np.float64),
            "val_accuracy": 0.9 - 0.2 / number,
            "val_auroc": 0.95 - 0.4 / number,
            "seconds": 10.0 + number,
        }
    )


def training(table, title="a run", **marks):
    marks = {"best_epoch": None, "stop_epoch": None, "onset": None, "majority": 0.791} | marks
    return figures.training_curves(table, title=title, **marks)


def roc(label="a run", text="AUROC 0.930 (0.900\N{EN DASH}0.950)"):
    x = np.linspace(0, 1, 9)
    curve = pd.DataFrame({"false_positive_rate": x, "sensitivity": x**0.3, "low": x**0.4, "high": x**0.2})
    return figures.Panel(label, curve, text)


def precision(label="a run", prevalence=0.791):
    x = np.linspace(0, 1, 9)
    curve = pd.DataFrame({"sensitivity": x, "precision": 1 - 0.2 * x, "low": 0.95 - 0.2 * x, "high": 1 - 0.1 * x})
    return figures.Panel(label, curve, "AP 0.95 (0.93\N{EN DASH}0.97)", prevalence)


def reliability(label="a run"):
    x = np.array([0.1, 0.5, 0.9])
    curve = pd.DataFrame({"mean_probability": x, "observed": x, "low": x - 0.1, "high": x + 0.1, "images": [5, 10, 40]})
    return figures.Panel(label, curve, "ECE 0.043 (10 bins); a calibrated model of this size: 0.011\N{EN DASH}0.038")


def counts(label="a run"):
    return figures.Counts(label, 480, 26, 40, 94, "threshold 0.312: validation sensitivity at least 95%")


def intervals(names, groups=("validation", "test")):
    rows = [(name, 0.9, 0.85, 0.94, group) for name in names for group in groups]
    return pd.DataFrame(rows, columns=["label", "auroc", "low", "high", "group"])


def texts(figure):
    """Every text that is drawn."""
    return [text for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]


def written(figure):
    return [text.get_text() for text in texts(figure)]


def vertical_lines(axes):
    return sorted({float(line.get_xdata()[0]) for line in axes.lines if list(line.get_ydata()) == [0, 1]})


def line(axes, label):
    return next(found for found in axes.lines if found.get_label() == label)
