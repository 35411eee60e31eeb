"""`RULES`: every rule by its name, and `diagnose`, which applies all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retina.analysis.diagnosis.advice import advise
from retina.analysis.diagnosis.budget import budget_limited, early_stop, time_per_epoch
from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.finding import SEVERITIES, Finding
from retina.analysis.diagnosis.generalisation import (
    best_epoch,
    lost_ranking,
    mild_overfitting,
    over_confidence,
    overfitting,
)
from retina.analysis.diagnosis.learning import fast_convergence, majority_trap, plateau, slow_start, underfitting
from retina.analysis.diagnosis.pretraining import lost_pretraining
from retina.analysis.diagnosis.stability import (
    collapse,
    divergence,
    oscillation,
    too_short,
    training_oscillation,
    unfinished,
)
from retina.runs.searches import RangeTest


@dataclass(frozen=True)
class Rule:
    """A rule and its definition.

    Args:
        function: Curve -> finding, or `None` where the curve does not show it.
        sees_all: Whether it sees the whole curve; other rules see it up to the first loss that is no number.
    """

    function: Callable[[Curve], Finding | None]
    sees_all: bool = False

    @property
    def definition(self) -> str:
        """What the rule looks for, so that a person can check it on the curve."""
        return self.function.__doc__ or ""

    def __call__(self, curve: Curve) -> Finding | None:
        """The finding of the rule on a curve, or `None`."""
        return self.function(curve if self.sees_all else curve.whole())


RULES = {
    "divergence": Rule(divergence, sees_all=True),
    "unfinished": Rule(unfinished, sees_all=True),
    "too_short": Rule(too_short),
    "best_epoch": Rule(best_epoch),
    "collapse": Rule(collapse),
    "lost_pretraining": Rule(lost_pretraining),
    "overfitting": Rule(overfitting),
    "mild_overfitting": Rule(mild_overfitting),
    "over_confidence": Rule(over_confidence),
    "lost_ranking": Rule(lost_ranking),
    "oscillation": Rule(oscillation),
    "training_oscillation": Rule(training_oscillation),
    "majority_trap": Rule(majority_trap),
    "underfitting": Rule(underfitting),
    "slow_start": Rule(slow_start),
    "fast_convergence": Rule(fast_convergence),
    "plateau": Rule(plateau),
    "budget_limited": Rule(budget_limited),
    "early_stop": Rule(early_stop),
    "time_per_epoch": Rule(time_per_epoch),
}


def diagnose(curve: Curve, peers: Sequence[Curve] = (), range_test: RangeTest | None = None) -> list[Finding]:
    """Every finding on a curve, and the learning-rate advice that follows from them.

    Args:
        curve: The run to be diagnosed.
        peers: The other runs, for two things only: time per epoch under the same conditions, and the learning rate of
            a run with the same backbone and loss.
        range_test: A learning-rate range test of the run's setting, which the advice quotes.

    Returns:
        The most severe first; within a severity in the order of `RULES`, the advice last.
    """
    results = [rule(curve) for name, rule in RULES.items() if name != "time_per_epoch"]
    results.append(time_per_epoch(curve.whole(), peers))
    findings = [finding for finding in results if finding is not None]
    advice = advise(curve, findings, peers, range_test)
    findings += [advice] if advice is not None else []
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
