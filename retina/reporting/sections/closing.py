"""The last pages: limitations, how to reproduce the runs, and the reporting checklist."""

import shlex
from typing import Any

from retina.analysis.comparing.comparison import Comparison
from retina.analysis.gathering import design
from retina.analysis.gathering.collection import Entry
from retina.analysis.gathering.naming import data_name
from retina.experiments import parameters
from retina.experiments.settings import effective
from retina.experiments.target import DEFAULT
from retina.machine import installation
from retina.reporting import cells, wording
from retina.reporting.document import Block, Cell, Code, Heading, Items, Paragraph, Table
from retina.reporting.language import Language
from retina.runs.session import Git

PROVENANCE = (
    "results.run",
    "commit",
    "versions",
    "hardware",
    "precision",
    "weights",
    "recipe",
    "preprocessing",
    "wall",
    "fingerprint",
    "digest",
    "model",
)
VERSIONS = ("retina", "keras", "torch")
CHECKLIST = (
    *("title_abstract", "background", "source", "participants", "preparation", "outcome", "predictors", "size"),
    *("missing", "partition", "imbalance", "model", "selection", "performance", "fairness", "calibration"),
    *("validation", "failure", "interpretation", "availability", "protocol", "involvement", "funding"),
)
SHORT = 12  # digits of a digest or a commit
SHIPPED = ("p1", "p2", "p3")  # parameter sets of retina itself; any other is a file of the user's


def limitations(comparison: Comparison, language: Language) -> list[Block]:
    """The limitations of every number above."""
    keys = ["one_source", "selection", "images", "label", "precision", "time", "original"]
    if any(entry.record.data.source == "built-in" for entry in comparison.entries):
        keys.insert(0, "drawn")
    if any(candidate.entry is None for group in comparison.groups for candidate in group.candidates):
        keys.append("published")
    if DEFAULT not in design.targets(comparison.entries):
        keys.remove("label")
    texts = tuple(language.say(f"report.limitations.{key}", target=DEFAULT.name) for key in keys)
    return [Heading(language.say("report.limitations.heading"), 2, "limitations"), Items(texts)]


def reproduce(comparison: Comparison, language: Language) -> list[Block]:
    """The commands, as this installation takes them, and the software, hardware and data of every run."""
    commands = [command(entry) for entry in comparison.entries]
    columns = cells.columns(language, "reproduce", PROVENANCE, tuple(name for name in PROVENANCE if name != "wall"))
    rows = tuple(provenance_row(entry, language) for entry in comparison.entries)
    return [
        Heading(language.say("report.reproduce.heading"), 2, "reproduce"),
        Paragraph(language.say("report.reproduce.intro")),
        Code((*dict.fromkeys(commands), wording.compare_command(comparison, language))),
        Table(language.say("report.reproduce.title"), columns, rows),
    ]


def command(entry: Entry) -> str:
    """The command that trains a run again, from its record; with the reader's own data folder."""
    experiment = entry.experiment
    params = experiment.params if experiment.params in SHIPPED else f"{experiment.params}.toml"
    words = [*installation.program().split(), "run", experiment.backbone, "--params", params]
    words += ["--loss", experiment.loss, "--seed", str(experiment.seed)]
    for key, value in typed(entry).items():
        flag = key.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", "none" if value is None else str(value)]
    if entry.record.data.source != "built-in":
        words += ["--data", "DIR"]
    return shlex.join(words)


def typed(entry: Entry) -> dict[str, Any]:
    """The settings that the command has to name: replaced then, or changed since in one of retina's own sets."""
    experiment, record = entry.experiment, entry.record
    values = effective(experiment.to_dict())  # a trial of a search may have others, which `run` would refuse
    names = {name for name in record.overrides if name in values}
    if record.weights.origin == "random" and experiment.weights != "random":
        values["weights"] = "random"  # ImageNet's may be there where the command is typed
        names.add("weights")
    if experiment.params in SHIPPED:
        options = {name: values[name] for name in (*names, "loss", "seed")}
        names |= parameters.changed(experiment, options)
    return {name: values[name] for name in sorted(names)}


def provenance_row(entry: Entry, language: Language) -> tuple[Cell, ...]:
    """The software, hardware, weights and data of a run, the cells of `PROVENANCE`."""
    record = entry.record
    environment, seconds = record.environment, record.timings.training_seconds
    versions = ", ".join(f"{name} {environment.packages.get(name, '?')}" for name in VERSIONS)
    hardware = f"{environment.device_name}, {'?' if environment.cores is None else environment.cores} x"
    wall = (
        Cell("-") if seconds is None else Cell(language.say("report.reproduce.minutes", minutes=seconds / 60), seconds)
    )
    sha = record.files.get("model.keras") or "-"
    return (
        cells.text(entry.label),
        cells.text(commit(environment.git, language)),
        cells.text(versions),
        cells.text(hardware),
        cells.text(entry.experiment.precision),
        cells.text(record.weights.origin),
        cells.text(design.recipe_of(record) or "-"),
        cells.text(record.weights.preprocessing or "-"),
        wall,
        cells.text(data_name(record)),
        cells.text(record.digest[:SHORT]),
        cells.text(sha[:SHORT]),
    )


def commit(git: Git | None, language: Language) -> str:
    """The commit of the source, and whether files had been changed since."""
    if not git or not git.commit:
        return language.say("report.reproduce.no_commit")
    short = git.commit[:SHORT]
    return language.say("report.reproduce.dirty", commit=short) if git.dirty else short


def checklist(comparison: Comparison, language: Language) -> list[Block]:
    """TRIPOD+AI and CLAIM by section name."""
    names = ", ".join(target.name for target in design.targets(comparison.entries))
    rows = tuple(
        tuple(cells.text(language.say(f"report.checklist.{part}.{key}", target=names)) for part in ("item", "answer"))
        for key in CHECKLIST
    )
    columns = ("column_section", "column_answer")
    return [
        Heading(language.say("report.checklist.heading"), 2, "checklist"),
        Paragraph(language.say("report.checklist.intro")),
        Table(language.say("report.checklist.title"), cells.columns(language, "checklist", columns, columns), rows),
    ]
