"""Paths and dotted names that documents and docstrings mention exist, so that nobody follows one to where it was."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "retina"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((PACKAGE / "models" / "backbones" / "providers").glob("*.toml")),
]
MODULES = sorted(PACKAGE.rglob("*.py"))
PLACES = (ROOT, PACKAGE, ROOT / "tests")
"""Where a path may begin: documents name modules from the package, and tests from their folder."""

PATH = re.compile(r"(?<![\w/.-])(?:(?:retina|tests)/[\w./*-]*\w|(?:[\w-]+/)*[\w-]+\.py)\b")
"""A path below `retina/` or `tests/`, or one of a module from a place."""

NAME = re.compile(r"(?<![\w/.-])retina(?:\.[A-Za-z_]\w*)+")
"""A dotted name of the package."""


def docstrings(path: Path) -> str:
    """The docstrings of a module, those below a constant among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return "\n".join(node.value for node in values if isinstance(node, ast.Constant) and isinstance(node.value, str))


def exists(path: str) -> bool:
    """Whether a path, which may have stars, leads to a file or folder from one of the places."""
    return any(True for place in PLACES for _ in place.glob(path))


def defined(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Names that the statements of a module or class give a meaning -> the statements of a class, else none."""
    names: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = node.body
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = []
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {inner.id: [] for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name: [] for alias in node.names}
    return names


def is_there(name: str) -> bool:
    """Whether a dotted name is a module of the package, or something that a module or a class in it defines."""
    place, words = PACKAGE, name.split(".")[1:]
    while words and (place / words[0]).is_dir():
        place /= words.pop(0)
    if words and (place / f"{words[0]}.py").is_file():
        place /= f"{words.pop(0)}.py"
    else:
        place /= "__init__.py"
    body = ast.parse(place.read_text(encoding="utf-8")).body
    for word in words:
        if word not in (names := defined(body)):
            return False
        body = names[word]
    return True


def missing(text: str) -> set[str]:
    """Paths and dotted names in a text that do not exist."""
    paths = {path for path in PATH.findall(text) if not exists(path)}
    return paths | {name for name in NAME.findall(text) if not is_there(name)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(path):
    assert not missing(path.read_text(encoding="utf-8"))


def test_what_docstrings_name_exists():
    assert not {(str(path.relative_to(ROOT)), name) for path in MODULES for name in missing(docstrings(path))}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("see `retina/models/resnet.py`", "retina/models/resnet.py"),
        ("[rules](retina/data/rules/)", "retina/data/rules"),
        ("`tests/reporting/test_html.py` holds it", "tests/reporting/test_html.py"),
        ("`training/test_writer.py`, `test_fuzz.py`", "training/test_writer.py"),
        ("`python -m retina.models.measure NAME`", "retina.models.measure"),
        ("one of `retina.runs.HISTORY_COLUMNS`.", "retina.runs.HISTORY_COLUMNS"),
        ("see `retina.training.plan.Planner.shelf`", "retina.training.plan.Planner.shelf"),
    ],
)
def test_a_name_of_what_has_moved_is_seen(text, name):
    assert missing(text) == {name}


@pytest.mark.parametrize(
    "text",
    [
        "`retina/reporting/languages/*/report.toml`, retina/data/feeding/, `models/kernels/winograd.py`, `cli.py`",
        "`retina.load_model(path)`, retina.runs.folder.HISTORY_COLUMNS; `retina.training.plan.Planner.plan`.",
        "a list of `retina.experiments.experiment.Experiment.epochs`",
        "https://example.org/retina/nothing.py",
    ],
)
def test_a_name_of_what_exists_is_not(text):
    assert not missing(text)
