"""The first page: what was compared, what came out, what may and what may not be concluded from it."""

from collections import Counter
from typing import Any

import numpy as np

from retina.analysis.candidates import Candidate, Group
from retina.analysis.comparison import Comparison
from retina.language import Language
from retina.reporting import cells
from retina.reporting.document import Block, Heading, Items, Paragraph

SIGNIFICANT = 0.05
CHANCE = 0.5
NAMED_PAIRS = 5


def title(comparison: Comparison, language: Language) -> list[Block]:
    """The title, and where the numbers come from."""
    versions = {entry.record["environment"]["packages"].get("retina", "?") for entry in comparison.entries}
    lead = language.say("report.lead", version=", ".join(sorted(map(str, versions))) or "-")
    return [Heading(language.say("report.title"), 1, "report"), Paragraph(lead)]


def summary(comparison: Comparison, language: Language) -> list[Block]:
    """Five sentences on every group of models that answered the same images."""
    blocks: list[Block] = [Heading(language.say("report.summary.heading"), 2, "summary")]
    if not comparison.groups:
        blocks.append(Paragraph(language.say("report.summary.nothing")))
    for place, group in enumerate(comparison.groups):
        if len(comparison.groups) > 1:
            text = language.say("report.summary.group", data=group.name)
            blocks.append(Heading(text, 3, f"summary-{place}"))
        blocks.append(Items(tuple(sentences(comparison, group, language)), numbered=True))
    return blocks


def sentences(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """What was compared, the leader, the second, what could be detected, the curves."""
    rows = {row["model"]: row for row in cells.rows(comparison.scores, data=group.name, split="test")}
    said = []
    if rows:
        first = next(iter(rows.values()))
        counts = {key: first[key] for key in ("images", "positives", "prevalence")}
        published = len(group.candidates) - len(group.entries)
        key = "compared_published" if published else "compared"
        models = {"models": len(group.candidates), "runs": len(group.entries), "published": published}
        said.append(say(language, key, data=group.name, **models, **counts))
    leader = group.candidates[0]
    if leader.label in rows:
        said.append(lead(comparison, group, rows[leader.label], language))
    return [*said, *apart(comparison, group, language), *diagnosed(comparison, group, language)]


def say(language: Language, key: str, **fields: object) -> str:
    """A sentence of the summary."""
    return language.say(f"report.summary.{key}", **fields)


def lead(comparison: Comparison, group: Group, test: dict[str, Any], language: Language) -> str:
    """The sentence on the model that leads on validation."""
    leader = group.candidates[0]
    numbers = {"auroc": test["auroc"], "low": test["auroc_low"], "high": test["auroc_high"]}
    if leader.entry is None:
        return say(language, "leader_published", label=leader.label, **numbers)
    validation = cells.rows(comparison.scores, data=group.name, split="validation", model=leader.label)[0]["auroc"]
    histogram = leader.entry.record["baselines"]["colour_histogram"]["test"].get("auroc", float("nan"))
    return say(language, "leader", label=leader.label, validation=validation, histogram=histogram, **numbers)


def apart(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The sentences on the leader against the second, and on what this test set could have detected."""
    pairs = cells.rows(comparison.pairs, data=group.name)
    if not pairs:
        return [say(language, "alone")]
    pair = between(pairs, group.candidates[0], group.candidates[1])
    said = []
    if pair is not None and cells.known(pair["p_holm"]):
        key = "second_apart" if pair["p_holm"] < SIGNIFICANT else "second_alike"
        numbers = {name: pair[name] for name in ("difference", "low", "high")}
        said.append(say(language, key, label=group.candidates[1].label, p=pair["p_holm"], **numbers))
    limits = detectable(pairs)
    if limits:
        said.append(say(language, "detectable", pairs=len(pairs), significant=len(significant(pairs)), **limits))
    return said


def between(pairs: list[dict[str, Any]], first: Candidate, second: Candidate) -> dict[str, Any] | None:
    """The row of two models, the first minus the second."""
    for row in pairs:
        if (row["model_a"], row["model_b"]) == (first.label, second.label):
            return row
        if (row["model_a"], row["model_b"]) == (second.label, first.label):
            return row | {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
    return None


def significant(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pairs whose AUROCs differ after Holm's correction, the clearest first."""
    found = [row for row in pairs if cells.known(row["p_holm"]) and row["p_holm"] < SIGNIFICANT]
    return sorted(found, key=lambda row: (row["p_holm"], -abs(row["difference"])))


def detectable(pairs: list[dict[str, Any]]) -> dict[str, float] | None:
    """The median, least and largest of the smallest detectable differences."""
    values = [row["smallest_detectable"] for row in pairs if cells.known(row["smallest_detectable"])]
    values = [value for value in values if value > 0]
    return {"typical": float(np.median(values)), "low": min(values), "high": max(values)} if values else None


def diagnosed(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The sentence on the curves of a group: of finished runs and of those on the same data that are not."""
    prints = {entry.fingerprint for entry in group.entries}
    names = [entry.name for entry in comparison.entries if entry.fingerprint in prints]
    if not names:
        return []
    grave = {name: [f for f in comparison.findings[name] if f.severity != "info"] for name in names}
    rules = Counter(rule for found in grave.values() for rule in {finding.rule for finding in found})
    if not rules:
        return [say(language, "diagnosis_clean", runs=len(names))]
    rule, times = min(rules.items(), key=lambda item: (-item[1], item[0]))
    warned = sum(bool(found) for found in grave.values())
    word = language.say(f"findings.names.{rule}")
    return [say(language, "diagnosis", runs=len(names), warned=warned, rule=word, times=times)]


def conclusions(comparison: Comparison, language: Language) -> list[Block]:
    """What can be concluded and what cannot, for every group."""
    blocks: list[Block] = [Heading(language.say("report.conclusions.heading"), 2, "conclusions")]
    can = [text for group in comparison.groups for text in conclusive(comparison, group, language)]
    cannot = [text for group in comparison.groups for text in inconclusive(comparison, group, language)]
    for key, texts in (("can", can), ("cannot", cannot)):
        if texts:
            blocks.append(Heading(language.say(f"report.conclusions.{key}"), 3, f"conclusions-{key}"))
            blocks.append(Items(tuple(dict.fromkeys(texts))))
    return blocks


def conclusive(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """What the test images of a group do show."""
    pairs = cells.rows(comparison.pairs, data=group.name)
    found = significant(pairs)
    said = []
    for row in found[:NAMED_PAIRS]:
        better, worse = (row["model_a"], row["model_b"]) if row["difference"] > 0 else (row["model_b"], row["model_a"])
        numbers = {"difference": abs(row["difference"]), "p": row["p_holm"]}
        said.append(language.say("report.conclusions.can_pair", better=better, worse=worse, **numbers))
    if len(found) > NAMED_PAIRS:
        said.append(language.say("report.conclusions.can_more", more=len(found) - NAMED_PAIRS))
    if pairs and not found:
        said.append(language.say("report.conclusions.can_none"))
    leader = group.candidates[0].label
    own = cells.rows(comparison.scores, data=group.name, split="test", model=leader)
    if own and cells.known(own[0]["auroc_low"]) and own[0]["auroc_low"] > CHANCE:
        said.append(language.say("report.conclusions.can_chance", label=leader))
    return said


def inconclusive(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """What they do not show, however much one would like them to."""
    records = [entry.record for entry in group.entries]
    origins = sorted({record["weights"]["origin"] for record in records})
    test = cells.rows(comparison.scores, data=group.name, split="test")
    leader = group.candidates[0].label
    area = next(({"low": row["auroc_low"], "high": row["auroc_high"]} for row in test if row["model"] == leader), None)
    unsure = area is not None and area["low"] <= CHANCE <= area["high"]
    limits = detectable(cells.rows(comparison.pairs, data=group.name))
    seeds = max((int(row["seeds"]) for row in test if cells.known(row.get("seeds"))), default=0)
    found: list[tuple[bool, str, dict[str, object]]] = [
        (any(record["data"]["source"] == "built-in" for record in records), "drawn", {}),
        (unsure, "chance", {"label": leader, **(area or {})}),
        (bool(records) and not seeds, "seed", {}),
        (seeds > 0, "seeds", {"seeds": seeds}),
        (bool(limits), "small", limits or {}),
        (bool(test), "majority", {"majority": test[0]["majority_accuracy"]} if test else {}),
        (origins == ["random"], "random", {}),
        (len(origins) > 1, "mixed", {"origins": ", ".join(origins)}),
        (any(record["data"]["warnings"] for record in records), "duplicates", {}),
        (True, "external", {}),
    ]
    return [language.say(f"report.conclusions.cannot_{key}", **fields) for holds, key, fields in found if holds]
