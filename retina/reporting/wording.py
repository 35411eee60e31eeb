"""A finding in words: its sentences in a language, and the finding as plain values with them."""

from typing import Any

from retina.analysis.diagnosis.finding import Finding
from retina.reporting.language import Language


def sentence(finding: Finding, language: Language) -> str:
    """The finding in words, one or more whole sentences."""
    joint = language.say("findings.joint")
    return joint.join(language.say(f"findings.{key}", **finding.numbers) for key in finding.keys)


def to_dict(finding: Finding, language: Language) -> dict[str, Any]:
    """The finding as plain JSON values, its sentence included."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "epochs": list(finding.epochs),
        "numbers": dict(finding.numbers),
        "sentence": sentence(finding, language),
    }
