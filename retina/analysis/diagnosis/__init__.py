"""Training curves -> findings. Epochs count from 1.

A rule takes a `Curve` and returns a `Finding`, with its evidence, or `None`; its docstring is its definition, and
`RULES` lists them. `diagnose` applies all of them and adds learning-rate advice. `compare_params` and
`compare_losses` compare two curves; `imbalance` reads the labels alone. No rule depends on the scale of a loss, so the
same constants serve every backbone and both losses; whether a value has changed is judged by the curve's own scatter,
or by the standard error of a metric on that many images.
"""

from retina.analysis.diagnosis.advice import advise
from retina.analysis.diagnosis.contrasts import compare_params
from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.finding import SEVERITIES, Finding
from retina.analysis.diagnosis.focal import compare_losses, imbalance
from retina.analysis.diagnosis.registry import RULES, Rule, diagnose

__all__ = [
    "RULES",
    "SEVERITIES",
    "Curve",
    "Finding",
    "Rule",
    "advise",
    "compare_losses",
    "compare_params",
    "diagnose",
    "imbalance",
]
