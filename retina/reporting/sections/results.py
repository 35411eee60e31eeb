"""The tables and figures of discrimination: models, pairs, repetitions, and the runs that are not ranked."""

from typing import Any

from retina.analysis.comparing import pairing
from retina.analysis.comparing.comparison import Comparison
from retina.analysis.gathering.candidates import Group
from retina.reporting import cells, wording
from retina.reporting.document import Block, Cell, Heading, Items, Picture, Table
from retina.reporting.language import Language
from retina.reporting.sections import opening

RANKED = (
    *("model", "status", "best_epoch", "epochs", "validation_auroc", "test_auroc", "bootstrap", "average_precision"),
    *("accuracy", "balanced", "mcc", "f1", "brier", "log_loss"),
)
PAIRS = (
    *("pair", "difference", "bootstrap", "p", "p_holm", "detectable"),
    *("positives", "p_positives", "negatives", "p_negatives"),
)
PAIRS_SHOWN = 21
"""All pairs of seven models; with more models only the pairs with the first are shown."""


def results(comparison: Comparison, language: Language) -> list[Block]:
    """Every table and figure on how well the models rank the images."""
    blocks: list[Block] = [Heading(language.say("report.results.heading"), 2, "results")]
    for place, group in enumerate(comparison.groups):
        blocks.append(ranking(comparison, group, language))
        blocks += [
            picture(language, f"{kind}-{place}", f"report.results.{key}")
            for kind, key in (("forest", "forest"), ("roc", "roc"), ("precision-recall", "precision_recall"))
        ]
        tested = comparison.pairs_of(group)
        if len(tested):
            blocks.append(pairs(comparison, group, language))
        if len(tested) and pairing.is_complete(group, tested):
            blocks.append(picture(language, f"pairwise-{place}", "report.results.pairwise"))
        blocks += repetitions(comparison, group, language)
    return blocks + unranked_blocks(comparison, language)


def picture(language: Language, stem: str, key: str) -> Picture:
    """A figure whose caption is also the text for readers who cannot see it."""
    return Picture(stem, language.say(key), language.say(key))


def ranking(comparison: Comparison, group: Group, language: Language) -> Table:
    """All models of a group, the best on validation first."""
    test = {row["model"]: row for row in cells.rows(comparison.scores, data=group.name, split="test")}
    validation = {row["model"]: row for row in cells.rows(comparison.scores, data=group.name, split="validation")}
    rows = []
    for candidate in group.candidates:
        record = candidate.entry.record if candidate.entry else None
        status = language.say(f"report.status.{record.status}") if record else "-"
        rows.append(
            (
                cells.text(candidate.label),
                cells.text(status),
                cells.count(record.best_epoch) if record and record.best_epoch else Cell("-"),
                cells.count(record.epochs_run) if record else Cell("-"),
                cells.number(language, validation.get(candidate.label, {}).get("auroc")),
                *test_cells(test.get(candidate.label), language),
            )
        )
    first = next(iter(test.values()), None)
    notes = []
    if first is not None:
        fields = {"majority": first["majority_accuracy"], "brier": first["brier_of_prevalence"]}
        fields |= {"log_loss": first["log_loss_of_prevalence"]}
        counts = {"images": first["images"], "prevalence": first["prevalence"]}
        notes.append(language.say("report.results.baseline", **fields, **counts))
    missing = language.say("report.none")
    if any(cell.text == missing for row in rows for cell in row):
        notes.append(language.say("report.results.degenerate"))
    notes += opening.selection_sentences(comparison, group, language)
    title = language.say("report.results.ranked", data=group.name)
    return Table(title, cells.columns(language, "results", RANKED, ("model", "status")), tuple(rows), tuple(notes))


def test_cells(row: dict[str, Any] | None, language: Language) -> tuple[Cell, ...]:
    """A model's test columns."""
    if row is None:
        return (Cell("-"),) * (len(RANKED) - 5)
    return (
        cells.interval(language, row["auroc"], row["auroc_low"], row["auroc_high"]),
        cells.span(language, row["auroc_bootstrap_low"], row["auroc_bootstrap_high"]),
        cells.number(language, row["average_precision"]),
        cells.interval(language, row["accuracy"], row["accuracy_low"], row["accuracy_high"]),
        *(cells.number(language, row[key]) for key in ("balanced_accuracy", "mcc", "f1", "brier", "log_loss")),
    )


def pairs(comparison: Comparison, group: Group, language: Language) -> Table:
    """The pairs of a group: all of few, those with the first model of many."""
    every = comparison.pairs_of(group)
    few = every if len(every) <= PAIRS_SHOWN else every[every["model_a"] == pairing.tested(group)[0].label]
    notes = () if len(few) == len(every) else (language.say("report.results.pairs_cut", pairs=len(every)),)
    if not pairing.is_complete(group, every):
        command = wording.compare_command(comparison, language, "--full")
        notes += (language.say("report.results.pairs_untested", most=pairing.MOST_MODELS, command=command),)
    rows = tuple(pair_row(row, language) for row in cells.rows(few))
    title = language.say("report.results.pairs", data=group.name)
    words = wording.classes(comparison.target_of(group), language)
    return Table(title, cells.columns(language, "results", PAIRS, ("pair",), words), rows, notes)


def pair_row(row: dict[str, Any], language: Language) -> tuple[Cell, ...]:
    """One pair."""
    return (
        cells.text(f"{row['model_a']}, {row['model_b']}"),
        cells.interval(language, row["difference"], row["low"], row["high"], signed=True),
        cells.span(language, row["bootstrap_low"], row["bootstrap_high"], signed=True),
        cells.p_value(language, row["p_value"]),
        cells.p_value(language, row["p_holm"]),
        cells.number(language, row["smallest_detectable"]),
        only(row["positives_only_a"], row["positives_only_b"], language),
        cells.p_value(language, row["p_positives_holm"]),
        only(row["negatives_only_a"], row["negatives_only_b"], language),
        cells.p_value(language, row["p_negatives_holm"]),
    )


def only(a: float, b: float, language: Language) -> Cell:
    """How many images only the first model, and how many only the second, got right."""
    if not (cells.known(a) and cells.known(b)):
        return cells.number(language, None)
    return Cell(f"{int(a)} / {int(b)}", float(a - b))


def repetitions(comparison: Comparison, group: Group, language: Language) -> list[Block]:
    """The spread over seeds, which no interval over images contains; empty where no run was repeated."""
    repeated = [
        row for row in cells.rows(comparison.scores, data=group.name, split="test") if cells.known(row.get("seeds"))
    ]
    if not repeated:
        return []
    rows = tuple(
        (
            cells.text(row["model"]),
            cells.count(row["seeds"]),
            Cell(f"{row['auroc_seed_mean']:.3f} ({row['auroc_seed_sd']:.3f})", row["auroc_seed_mean"]),
        )
        for row in repeated
    )
    title = language.say("report.results.over_seeds")
    columns = cells.columns(language, "results", ("model", "seeds", "seed_mean"), ("model",))
    return [Table(title, columns, rows, (language.say("report.results.over_seeds_note"),))]


def unranked_blocks(comparison: Comparison, language: Language) -> list[Block]:
    """The runs that are not ranked, with the reasons, and those that could not be read."""
    blocks: list[Block] = []
    rows = []
    for entry in comparison.unfinished:
        epochs = {"epochs": len(entry.history), "budget": entry.experiment.epochs}
        reason = language.say("report.results.unranked_reason", **epochs)
        error = entry.record.error
        status = language.say(f"report.status.{entry.record.status}")
        rows.append(tuple(map(cells.text, (entry.label, status, f"{reason}; {error}" if error else reason))))
    if rows:
        columns = cells.columns(language, "results", ("run", "status", "reason"), ("run", "status", "reason"))
        blocks.append(Table(language.say("report.results.unranked"), columns, tuple(rows)))
    if comparison.damaged:
        texts = tuple(language.say("report.results.damaged", text=line) for line in comparison.damaged)
        blocks.append(Items(texts))
    return blocks
