"""Documents for the tests of the HTML report: a plausible one in both languages, and any with other words."""

import dataclasses
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from retina.reporting.document import (
    Cell,
    Chart,
    Code,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Picture,
    Remark,
    Remarks,
    Table,
)

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320" viewBox="0 0 640 320">
<rect width="640" height="320" fill="white"/>
<path d="M40 280C200 60 400 200 600 40" fill="none" stroke="black"/>
</svg>
"""
HOSTILE = (
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "</title></style></textarea><svg onload=window.hacked=1>",
    '"><img src=x onerror=window.hacked=1>',
    "' onmouseover='window.hacked=1' x='",
    "{{ 7*7 }}{% raw %}",
    "javascript:window.hacked=1",
    "<!--<script>",
    "]]><!doctype html>",
    "a\u2028b\u2029c\u202egnp.exe\u2066\x00\x1b[31m\udcff",
    "&lt;b&gt;&#60;i>\\u003cb\\",
)
BACKBONES = ("vgg16", "resnet18", "resnet50")

TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NO_VALUE = "\N{EN DASH}"


def names() -> list[str]:
    return [
        f"{backbone}-{params}-{loss}-seed0"
        for backbone in BACKBONES
        for params in ("p1", "p2")
        for loss in ("ce", "focal")
    ]


def results(words: dict) -> Table:
    """Twelve runs; the one that diverged has no numbers."""
    rng = np.random.default_rng(3)
    columns = [Column(words["columns"][0]), Column("AUROC", numeric=True, meaning=words["auroc"])]
    columns += [
        Column(name, numeric=True, meaning=words["ece"] if name == "ECE" else "") for name in words["columns"][2:-1]
    ]
    rows = []
    for number, (name, auroc) in enumerate(zip(names(), np.linspace(0.951, 0.78, 12), strict=True)):
        if number == 2:
            rows.append((Cell(name), *(Cell(NO_VALUE) for _ in columns[1:]), Cell(words["status"][2])))
            continue
        numbers = [auroc + 0.01, *rng.uniform(0.4, 0.99, 4), *rng.uniform(0.01, 0.2, 2)]
        interval = Cell(f"{auroc - 0.018:.3f} to {auroc + 0.018:.3f}", auroc - 0.018)
        cells = [Cell(f"{value:.3f}", float(value)) for value in numbers]
        rows.append(
            (Cell(name), Cell(f"{auroc:.3f}", float(auroc)), interval, *cells, Cell(words["status"][number % 2]))
        )
    return Table(words["table"], (*columns, Column(words["columns"][-1])), tuple(rows), (words["note"],))


def chart(words: dict, name: str, epochs: int = 12) -> Chart:
    """The curves of a run that overfits; one value of the last curve is missing."""
    at = np.arange(1, epochs + 1)
    train = 0.2 + 0.5 * np.exp(-at / 3)
    val = 0.268 + 0.012 * (at - 4) ** 2 / 2 + 0.02 * np.sin(at * 2)
    curves = [train, val, 1 - train / 1.6, 0.83 + 0.03 * np.sin(at), 0.88 - 0.3 * np.exp(-at)]
    series = {
        label: tuple(
            None if number == 4 and epoch == 9 else float(value) for epoch, value in zip(at, curve, strict=True)
        )
        for number, (label, curve) in enumerate(zip(words["series"], curves, strict=True))
    }
    picture = Picture("curves-" + name, words["alt"].format(name), words["caption"].format(name))
    marks = dict(zip(words["marks"], (4, 5, 7), strict=True))
    return Chart(picture, series, 2, tuple(range(1, epochs + 1)), marks)


def sample(language: str = "en") -> Document:
    """A report with every kind of block."""
    words = TEXTS[language]
    blocks = [
        Heading(words["title"], 1, "top"),
        Heading(words["summary"], 2, "summary"),
        Paragraph(words["five"]),
        Heading(words["can"], 3, "conclusions"),
        Items(tuple(words["items"]), numbered=True),
        Items(tuple(words["items"][:2])),
        results(words),
        Picture("roc", words["roc"], words["roc_caption"]),
        Heading(words["runs"], 2, "runs"),
    ]
    for name in ("resnet50-p2-ce-seed0", "vgg16-p1-focal-seed0"):
        blocks.append(Heading(name, 3, name))
        blocks.append(
            Remarks(tuple(Remark(severity, words["severities"][severity], text) for severity, text in words["said"]))
        )
        blocks.append(chart(words, name, 12 if name.startswith("resnet") else 2))
    columns = tuple(Column(name, numeric=number in (0, 2)) for number, name in enumerate(words["failure_columns"]))
    mistakes = ((1207, 0, 0.998), (14, 1, 0.012), (220, 0, 0.97))
    rows = [(Cell(str(i), i), Cell(words["truth"][t]), Cell(f"{p:.3f}", p), Cell("")) for i, t, p in mistakes]
    blocks += [
        Heading(words["failures"], 2, "failures"),
        Table(words["failures"], columns, tuple(rows)),
        Heading(words["reproduce"], 2, "reproduce"),
        Code(
            (
                "python cli.py study experiments/studies/original.toml",
                f"python cli.py compare --out results/comparison --against published/scores.csv --lang {language}",
            )
        ),
    ]
    return Document(words["title"], language, tuple(blocks))


def draw(document: Document, folder: Path) -> Path:
    """Put a small picture in the place of each figure."""
    folder.mkdir(parents=True, exist_ok=True)
    for block in document.blocks:
        picture = block.picture if isinstance(block, Chart) else block
        if isinstance(picture, Picture):
            (folder / f"{picture.stem}.svg").write_text(SVG)
    return folder


def reworded(value: object, word: Callable[[str], str], field: str = "") -> object:
    """The same document with every text replaced; names that retina itself makes keep their place."""
    if isinstance(value, str):
        return value if not value or field in {"stem", "language", "severity", "anchor"} else word(value)
    if isinstance(value, dict):
        return {reworded(key, word): reworded(inner, word) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(reworded(inner, word, field) for inner in value)
    if dataclasses.is_dataclass(value):
        fields = {item.name: reworded(getattr(value, item.name), word, item.name) for item in dataclasses.fields(value)}
        return type(value)(**fields)
    assert value is None or math.isfinite(value)
    return value
