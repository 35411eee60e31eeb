"""Findings and the classes of a target in words, in the language of a report."""

import shlex
from typing import Any

from retina.analysis.comparing.comparison import Comparison
from retina.analysis.diagnosis.finding import Finding
from retina.experiments.target import Target
from retina.machine import installation
from retina.reporting.language import Language

CLASS_WORDS = ("positive_class", "negative_class", "positive_class_first", "condition", "missed", "false_alarm")
"""The fields of sentences and heads that name a class."""


def classes(target: Target | None, language: Language) -> dict[str, str]:
    """What a report calls the classes of a target, in all its sentences and tables: the words for `CLASS_WORDS`.

    Args:
        target: The target; `None` for words that name none.
        language: The report's.
    """
    vocabulary, name = ("several", "") if target is None else (target.positive, target.name)
    return {word: language.say(f"classes.{vocabulary}.{word}", target=name) for word in CLASS_WORDS}


def class_names(target: Target | None) -> tuple[str, str]:
    """What figures, which are English in every report, call the positive and the negative class of a target."""
    if target is None:
        return "positive", "negative"
    return target.positive, target.negative


def sentence(finding: Finding, language: Language, target: Target | None = None) -> str:
    """The finding in words, one or more whole sentences.

    Args:
        finding: The finding.
        language: The report's.
        target: The target that a finding on the classes is about; others name no class.
    """
    words = classes(target, language)
    joint = language.say("findings.joint")
    return joint.join(language.say(f"findings.{key}", **finding.numbers, **words) for key in finding.keys)


def to_dict(finding: Finding, language: Language, target: Target | None = None) -> dict[str, Any]:
    """The finding as plain JSON values, its sentence included; arguments as of `sentence`."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "epochs": list(finding.epochs),
        "numbers": dict(finding.numbers),
        "sentence": sentence(finding, language, target),
    }


def compare_command(comparison: Comparison, language: Language, *more: str) -> str:
    """What to type for this comparison again, in its language, with further options."""
    words = [*installation.program().split(), "compare", *comparison.arguments, *more]
    return shlex.join(words if language.name == "en" else [*words, "--lang", language.name])
