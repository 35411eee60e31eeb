"""The first page: what was compared, with which result, and what may and may not be concluded from it."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from retina.analysis.comparing.comparison import Comparison
from retina.analysis.comparing.pairing import is_complete, tested
from retina.analysis.gathering import design
from retina.analysis.gathering.candidates import Candidate, Group
from retina.reporting import cells, wording
from retina.reporting.document import Block, Heading, Items, Paragraph
from retina.reporting.language import Language

if TYPE_CHECKING:
    import pandas as pd

SIGNIFICANT = 0.05
INTERVAL = ("difference", "low", "high")
CHANCE = 0.5  # AUROC
NAMED_PAIRS = 5  # pairs that are named; more are only counted


def title(comparison: Comparison, language: Language) -> list[Block]:
    """The title, and where the numbers come from."""
    versions = {entry.record.environment.packages.get("retina", "?") for entry in comparison.entries}
    lead = language.say("report.lead", version=", ".join(sorted(versions)) or "-")
    return [Heading(language.say("report.title"), 1, "report"), Paragraph(lead)]


def summary(comparison: Comparison, language: Language) -> list[Block]:
    """The sentences on every group of models."""
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
    """The sentences on a group: what was compared, the leader, the second, what could be detected, the curves."""
    rows = {row["model"]: row for row in cells.rows(comparison.scores, data=group.name, split="test")}
    texts = []
    if rows:
        first = next(iter(rows.values()))
        counts = {key: first[key] for key in ("images", "positives", "prevalence")}
        published = sum(candidate.entry is None and candidate.label in rows for candidate in group.candidates)
        key = "compared_published" if published else "compared"
        models = {"models": len(rows), "runs": len(group.entries), "published": published}
        words = wording.classes(comparison.target_of(group), language)
        texts.append(say(language, key, data=group.name, **models, **counts, **words))
    leader = next((candidate for candidate in group.candidates if candidate.label in rows), None)
    if leader is not None:
        texts.append(leader_sentence(comparison, group, leader, language))
    texts += selection_sentences(comparison, group, language)
    texts += [*contrast_sentences(comparison, group, language), *diagnosis_sentences(comparison, group, language)]
    recipes = design.recipes(group.entries)
    return [*texts, say(language, "recipes", recipes="; ".join(recipes))] if len(recipes) > 1 else texts


def say(language: Language, key: str, **fields: object) -> str:
    """A sentence of the summary."""
    return language.say(f"report.summary.{key}", **fields)


def selection_sentences(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """A sentence on every run of a group that a search selected: among how many, and how that biases its scores."""
    labels = {entry.name: entry.label for entry in group.entries}
    tunings = [tuning for tuning in comparison.tunings if tuning.winner in labels]
    return [
        say(
            language,
            "selected",
            label=labels[tuning.winner],
            tried=tuning.tried,
            pruned=tuning.pruned,
            failed=tuning.failed,
            objective=tuning.objective,
        )
        for tuning in tunings
    ]


def leader_sentence(comparison: Comparison, group: Group, leader: Candidate, language: Language) -> str:
    """The sentence on the first of the models that have test scores."""
    scores = {row["split"]: row for row in cells.rows(comparison.scores, data=group.name, model=leader.label)}
    test, validation = scores["test"], scores.get("validation", {}).get("auroc")
    fields = {"label": leader.label}
    fields["auroc"] = cells.interval(language, test["auroc"], test["auroc_low"], test["auroc_high"]).text
    if not cells.known(validation):
        return say(language, "leader_by_name", **fields)
    fields["validation"] = cells.number(language, validation).text
    if leader.entry is None:
        return say(language, "leader_published", **fields)
    histogram = leader.entry.record.baselines.colour_histogram["test"].auroc
    return say(language, "leader", histogram=cells.number(language, histogram).text, **fields)


def contrast_sentences(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The sentences on the first model against the second, and on what this test set could have detected."""
    pairs = comparison.pairs_of(group)
    if pairs.empty:
        return [say(language, "alone")]
    first, second = tested(group)[:2]
    pair = between(pairs, first, second)
    fields = {"label": second.label}
    fields["difference"] = cells.interval(language, *(pair[key] for key in INTERVAL), signed=True).text
    fields["p"] = cells.p_value(language, pair["p_holm"]).text
    is_tested = cells.known(pair["p_holm"])
    key = "untested" if not is_tested else "apart" if pair["p_holm"] < SIGNIFICANT else "alike"
    sentences = [say(language, f"second_{key}", **fields)]
    limits = detectable(pairs)
    if limits:
        key = "detectable" if limits["low"] < limits["high"] else "detectable_one"
        sentences.append(say(language, key, pairs=len(pairs), significant=len(significant(pairs)), **limits))
    return sentences if is_complete(group, pairs) else [*sentences, say(language, "first_alone", label=first.label)]


def between(pairs: "pd.DataFrame", first: Candidate, second: Candidate) -> dict[str, Any]:
    """The row of two models, the first minus the second; the first stands before the second in its group."""
    (row,) = cells.rows(pairs, model_a=first.label, model_b=second.label)
    return row


def significant(pairs: "pd.DataFrame") -> "pd.DataFrame":
    """The pairs whose AUROCs differ after Holm's correction, the clearest first."""
    different = pairs[pairs["p_holm"] < SIGNIFICANT]
    order = np.lexsort((-different["difference"].abs(), different["p_holm"]))
    return different.iloc[order]


def detectable(pairs: "pd.DataFrame") -> dict[str, float] | None:
    """The median, least and largest of the smallest detectable differences."""
    values = pairs["smallest_detectable"].dropna().to_numpy(float)
    if not len(values):
        return None
    return {"typical": float(np.median(values)), "low": float(values.min()), "high": float(values.max())}


def diagnosis_sentences(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The sentence on the curves of a group: of its runs, and of unfinished runs on the same data."""
    questions = {entry.question for entry in group.entries}
    names = [entry.name for entry in comparison.entries if entry.question in questions]
    if not names:
        return []
    severe = {name: [f for f in comparison.findings[name] if f.severity != "info"] for name in names}
    rules = Counter(rule for findings in severe.values() for rule in {finding.rule for finding in findings})
    if not rules:
        return [say(language, "diagnosis_clean", runs=len(names))]
    # The most frequent rule, by name where several are
    rule, times = min(rules.items(), key=lambda item: (-item[1], item[0]))
    warned = sum(map(bool, severe.values()))
    word = language.say(f"findings.names.{rule}")
    return [say(language, "diagnosis", runs=len(names), warned=warned, rule=word, times=times)]


def conclusions(comparison: Comparison, language: Language) -> list[Block]:
    """What can be concluded and what cannot, in every group."""
    blocks: list[Block] = [Heading(language.say("report.conclusions.heading"), 2, "conclusions")]
    can = [text for group in comparison.groups for text in supported(comparison, group, language)]
    cannot = [text for group in comparison.groups for text in unsupported(comparison, group, language)]
    for key, texts in (("can", can), ("cannot", cannot)):
        if texts:
            blocks.append(Heading(language.say(f"report.conclusions.{key}"), 3, f"conclusions-{key}"))
            blocks.append(Items(tuple(dict.fromkeys(texts))))
    return blocks


def supported(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The conclusions that the test images of a group support."""
    different = significant(comparison.pairs_of(group))
    texts = []
    for row in cells.rows(different.head(NAMED_PAIRS)):
        better, worse = (row["model_a"], row["model_b"]) if row["difference"] > 0 else (row["model_b"], row["model_a"])
        numbers = {"difference": abs(row["difference"]), "p": cells.p_value(language, row["p_holm"]).text}
        texts.append(language.say("report.conclusions.can_pair", better=better, worse=worse, **numbers))
    if len(different) > NAMED_PAIRS:
        texts.append(language.say("report.conclusions.can_more", more=len(different) - NAMED_PAIRS))
    leader = group.candidates[0].label
    own = cells.rows(comparison.scores, data=group.name, split="test", model=leader)
    if own and cells.known(own[0]["auroc_low"]) and own[0]["auroc_low"] > CHANCE:
        texts.append(language.say("report.conclusions.can_chance", label=leader))
    return texts


def unsupported(comparison: Comparison, group: Group, language: Language) -> list[str]:
    """The conclusions that they do not support."""
    records = [entry.record for entry in group.entries]
    origins = sorted({record.weights.origin for record in records})
    recipes = design.recipes(group.entries)
    test = cells.rows(comparison.scores, data=group.name, split="test")
    leader = group.candidates[0].label
    area = next(({"low": row["auroc_low"], "high": row["auroc_high"]} for row in test if row["model"] == leader), None)
    colours = against_colours(comparison, group, language)
    unsure = area is not None and area["low"] <= CHANCE <= area["high"]
    pairs = comparison.pairs_of(group)
    limits = detectable(pairs)
    alike = pairs["p_holm"].notna().any() and significant(pairs).empty
    every = is_complete(group, pairs)
    seeds = max((int(row["seeds"]) for row in test if cells.known(row.get("seeds"))), default=0)
    reasons: list[tuple[bool, str, dict[str, object]]] = [
        (any(record.data.source == "built-in" for record in records), "drawn", {}),
        (alike and every, "alike", {}),
        (alike and not every, "alike_first", {"label": "" if every else tested(group)[0].label}),
        (unsure, "chance", {"label": leader, **(area or {})}),
        (bool(colours), "histogram", {"label": leader, **colours}),
        (bool(records) and not seeds, "seed", {}),
        (seeds > 0, "seeds", {"seeds": seeds}),
        (bool(limits) and limits["low"] < limits["high"], "small", limits or {}),
        (bool(limits) and limits["low"] == limits["high"], "small_one", limits or {}),
        (bool(test), "majority", {"majority": test[0]["majority_accuracy"]} if test else {}),
        (origins == ["random"], "random", {}),
        (len(origins) > 1, "mixed", {"origins": ", ".join(origins)}),
        (len(recipes) > 1, "recipes", {"recipes": "; ".join(recipes)}),
        (any(record.data.warnings for record in records), "duplicates", {}),
        (True, "external", {}),
    ]
    return [language.say(f"report.conclusions.cannot_{key}", **fields) for holds, key, fields in reasons if holds]


def against_colours(comparison: Comparison, group: Group, language: Language) -> dict[str, str]:
    """The test AUROC of the leading run and of the regression that sees only colours; empty where one is unknown."""
    leader = group.candidates[0]
    rows = cells.rows(comparison.scores, data=group.name, split="test", model=leader.label)
    if leader.entry is None or not rows or not cells.known(rows[0]["auroc"]):
        return {}
    histogram = leader.entry.record.baselines.colour_histogram["test"].auroc
    if not cells.known(histogram):
        return {}
    return {"auroc": cells.number(language, rows[0]["auroc"]).text, "histogram": cells.number(language, histogram).text}
