"""Figures of a comparison: plain tables in, a matplotlib `Figure` out, which `save` writes as PNG and SVG."""

from retina.reporting.figures.calibration import reliability_grid
from retina.reporting.figures.discrimination import confusion_grid, precision_recall_grid, roc_grid
from retina.reporting.figures.forest import forest
from retina.reporting.figures.pairs import loss_pair, params_pair
from retina.reporting.figures.pairwise import pairwise
from retina.reporting.figures.panels import Counts, Panel
from retina.reporting.figures.saving import Drawing, save
from retina.reporting.figures.times import epoch_time
from retina.reporting.figures.training import training_curves

__all__ = [
    "Counts",
    "Drawing",
    "Panel",
    "confusion_grid",
    "epoch_time",
    "forest",
    "loss_pair",
    "pairwise",
    "params_pair",
    "precision_recall_grid",
    "reliability_grid",
    "roc_grid",
    "save",
    "training_curves",
]
