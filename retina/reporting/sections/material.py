"""The data, with the images that were left out, and the methods."""

from collections import Counter

from retina.analysis.comparing.comparison import Comparison
from retina.analysis.gathering import design
from retina.analysis.gathering.candidates import Group
from retina.experiments.settings import ADDED, meaningful
from retina.experiments.splits import PREDICTED_SPLITS, SPLITS
from retina.experiments.target import DEFAULT
from retina.numbers import calibration, resampling, roc
from retina.reporting import cells, wording
from retina.reporting.document import Block, Cell, Heading, Paragraph, Table
from retina.reporting.language import Language
from retina.runs.record import Record

EXCLUDED_NAMED = 10  # images that are named; more are only counted
METHODS = ("target", "training", "settings", "auroc", "pairs", "points", "calibration", "seeds", "diagnosis")
ON_RUNS = ("training", "settings", "seeds", "diagnosis")
FLOW = ("split", "listed", "found", "excluded", "used", "positives", "negatives", "prevalence", "majority", "histogram")


def data(comparison: Comparison, language: Language) -> list[Block]:
    """The images of every split, the balance of the classes, and the warnings of the audit."""
    blocks: list[Block] = [Heading(language.say("report.data.heading"), 2, "data")]
    if len(comparison.groups) > 1:
        blocks.append(Paragraph(language.say("report.data.different")))
    for group in comparison.groups:
        target = comparison.target_of(group)
        words = wording.classes(target, language)
        if group.entries:
            blocks.append(flow(group, words, language))
        else:
            blocks.append(published_flow(comparison, group, words, language))
        blocks.append(Paragraph(wording.sentence(comparison.imbalances[group.name], language, target)))
    return blocks


def flow(group: Group, words: dict[str, str], language: Language) -> Table:
    """Listed, excluded and used images of a group's runs, per split and class."""
    record = group.entries[0].record
    rows = tuple(flow_row(record, split, language) for split in SPLITS)
    title = language.say("report.data.title", data=group.name)
    columns = cells.columns(language, "data", FLOW, ("split",), words)
    return Table(title, columns, rows, tuple(flow_notes(record, language)))


def flow_row(record: Record, split: str, language: Language) -> tuple[Cell, ...]:
    """One split: images listed, excluded and used, and the baselines that need no network."""
    part = record.data.splits[split]
    images, positives = part.images, part.positives
    excluded = [item for item in record.data.excluded if item.split == split]
    files = images + sum(item.found for item in excluded)
    positives_excluded = sum(item.label == 1 for item in excluded)
    blank = Cell("-")
    return (
        cells.text(language.say(f"report.split.{split}")),
        *map(cells.count, (images + len(excluded), files)),
        Cell(f"{len(excluded)} ({positives_excluded})", float(len(excluded))),
        *map(cells.count, (images, positives, images - positives)),
        cells.number(language, positives / images, ".1%") if images else blank,
        *baseline_cells(record, split, language),
    )


def baseline_cells(record: Record, split: str, language: Language) -> tuple[Cell, Cell]:
    """Accuracy of the majority guess and AUROC of the colour histogram, where the split is predicted."""
    if split not in PREDICTED_SPLITS:
        return Cell("-"), Cell("-")
    majority, histogram = record.baselines.majority[split], record.baselines.colour_histogram[split]
    return cells.number(language, majority.accuracy), cells.number(language, histogram.auroc)


def flow_notes(record: Record, language: Language) -> list[str]:
    """The images that were excluded and why, the warnings of the audit, and the notices on data and weights."""
    excluded = record.data.excluded
    notes = [
        language.say(
            "report.data.excluded_note",
            split=language.say(f"report.split.{item.split}"),
            id=item.id,
            reason=item.reason,
        )
        for item in excluded[:EXCLUDED_NAMED]
    ]
    if len(excluded) > EXCLUDED_NAMED:
        notes.append(language.say("report.data.excluded_more", more=len(excluded) - EXCLUDED_NAMED))
    notes += [language.say("report.data.warning", text=text.rstrip(".")) for text in record.data.warnings]
    notices = [record.data.notice, record.weights.notice]
    return notes + [language.say("report.data.notice", text=text.rstrip(".")) for text in notices if text]


def published_flow(comparison: Comparison, group: Group, words: dict[str, str], language: Language) -> Table:
    """The images of a group of published models alone: how many, and how many of each class."""
    names = ("split", "used", "positives", "negatives", "prevalence")
    leader = group.candidates[0].label
    rows = tuple(
        (
            cells.text(language.say(f"report.split.{row['split']}")),
            *map(cells.count, (row["images"], row["positives"], row["images"] - row["positives"])),
            cells.number(language, row["prevalence"], ".1%"),
        )
        for row in cells.rows(comparison.scores, data=group.name, model=leader)
    )
    title = language.say("report.data.title", data=group.name)
    return Table(title, cells.columns(language, "data", names, ("split",), words), rows)


def methods(comparison: Comparison, language: Language) -> list[Block]:
    """The methods behind the numbers."""
    heading = Heading(language.say("report.methods.heading"), 2, "methods")
    fields = {"targets": target_sentences(comparison, language)} | wording.classes(comparison.target, language)
    fields |= {
        "optimizers": optimizers(comparison, language),
        "bins": calibration.BINS,
        "draws": resampling.DRAWS,
        "band": roc.DRAWS,
    }
    fields["sets"] = further_settings(comparison, language)
    left_out = ("settings",) if not fields["sets"] else ()
    keys = [key for key in METHODS if comparison.entries or key not in ON_RUNS]
    return [
        heading,
        *(Paragraph(language.say(f"report.methods.{key}", **fields)) for key in keys if key not in left_out),
    ]


def further_settings(comparison: Comparison, language: Language) -> str:
    """What runs set of all that the original study did not know, by parameter set; empty where they set nothing."""
    counts: Counter[tuple[str, str]] = Counter()
    for entry in comparison.entries:
        values = meaningful(entry.experiment.to_dict())
        chosen = [f"{name} {_value(values[name])}" for name in ADDED if name in values and name != "target"]
        if chosen:
            counts[entry.experiment.params, ", ".join(chosen)] += 1
    return "; ".join(
        language.say("report.methods.set", params=params, runs=runs, all=len(comparison.entries), settings=settings)
        for (params, settings), runs in sorted(counts.items())
    )


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def optimizers(comparison: Comparison, language: Language) -> str:
    """The optimizers of the runs, by name."""
    names = dict.fromkeys(entry.record.experiment.optimizer for entry in comparison.entries)
    return " / ".join(language.say(f"report.methods.{name}") for name in names)


def target_sentences(comparison: Comparison, language: Language) -> str:
    """The sentences on the columns that the runs predict, and on what a positive is."""
    targets = design.targets(comparison.entries)
    if targets == [DEFAULT]:
        return language.say("report.methods.predicted", target=DEFAULT.name)
    texts = [language.say("report.methods.predicted_otherwise", target=", ".join(target.name for target in targets))]
    if DEFAULT in targets:
        texts.append(language.say("report.methods.predicted_also", target=DEFAULT.name))
    return language.say("findings.joint").join(texts)
