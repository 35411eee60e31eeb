"""The house as one table: who may import whom, who may load keras or torch, and the rules of every module.

A room is the row with the longest name that fits a module: `retina/data/feeding/batches.py` is in `data/feeding`, all
other modules of `retina/data` are in `data`. A room may import itself and the rooms of its row, nothing else; what is
imported for type checking alone is free. A row allows what is used, no more.

Every rule is a function of the package as it lies in some folder. It gives its violations, so that a test can show that
a broken copy breaks it.
"""

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Room(NamedTuple):
    """A row of the table."""

    imports: str
    heavy: bool = False
    """Whether its modules may load keras or torch."""


HEAVY = True
TABLE = {
    "errors": Room(""),
    "machine/device": Room("errors", HEAVY),
    "machine": Room("errors machine/device"),
    "experiments": Room("errors machine"),
    "numbers": Room(""),
    "runs": Room("errors machine experiments"),
    "models": Room("errors machine machine/device", HEAVY),
    "data": Room("errors machine experiments numbers"),
    "data/feeding": Room("data", HEAVY),
    "analysis": Room("errors machine experiments numbers runs"),
    # three wings, none imports another
    "training": Room(
        "errors machine machine/device experiments numbers runs models data data/feeding",
        HEAVY,
    ),
    "inference": Room(
        "errors machine machine/device experiments numbers runs models data data/feeding",
        HEAVY,
    ),
    "reporting": Room("errors machine experiments numbers runs analysis reporting/language"),
    "reporting/language": Room("errors"),
    "reporting/terminal": Room("machine runs analysis reporting reporting/language"),
    # whole jobs, and the two faces: wings are reached through workflows and inference alone, but a command prints what
    # reporting/terminal renders, and offers the languages that reporting has
    "workflows": Room(
        "errors machine experiments runs data analysis training inference "
        "reporting reporting/language reporting/terminal"
    ),
    "commands": Room(
        "errors machine experiments models data workflows inference reporting/terminal reporting/language"
    ),
    "api": Room("errors machine experiments runs models data analysis workflows inference reporting/language"),
    "cli": Room("errors machine commands"),
    "__init__": Room(
        "errors models", HEAVY
    ),  # `retina.load_model` makes the layers known; help and reading load neither
}
TO_COME = {
    "inference": "the wing that predicts with a finished run; workflows, commands and the API will call it",
    "api": "the Python API, beside the command line",
}
"""Planned rooms that hold no module yet: nothing uses what their rows allow, or what allows them in other rows."""

TOP = {"__init__.py", "api.py", "cli.py", "errors.py"}
"""The files at the top of `retina/`; all else there are folders of the table."""

LONGEST, FULLEST = 250, 14
"""Lines of a module; entries of a folder."""

REASON = 6
"""The words of a reason, at least."""

ELSEWHERE = {
    "data/sources/rfmid": "data/sources/test_labels.py",
    "experiments/splits": "it holds the names of the splits, and nothing is computed from them there",
    "reporting/document": "it holds the blocks of a report, frozen dataclasses without a method",
}
"""Modules without a test file of their own name, and where their tests are: a file, or a reason why there are none."""

LIBRARIES = {"keras", "torch", "tensorflow"}
IMPORTS = {"importlib.import_module", "importlib.__import__", "builtins.__import__"}
"""Functions that import what a text names."""
RUNS_CODE = {
    "builtins.eval",
    "builtins.exec",
    "pandas.read_pickle",
    "torch.hub.load",
    "torch.jit.load",
    "yaml.load",
}
RUNS_CODE_BY_LAST_NAME = {"extractall", "load_model", "load_module", "read_pickle", "unpack_archive"}
RUNS_CODE_LIBRARIES = {"_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
SAFE_WITH = {"numpy.load": ("allow_pickle", "False"), "torch.load": ("weights_only", "True")}
PICKLE = {"load", "loads", "Unpickler"}
MAY_LOAD_MODELS = "retina"
"""`retina.load_model`, the public door, calls Keras' own; retina itself rebuilds from a record and loads weights."""


class Violation(NamedTuple):
    """What breaks which rule where."""

    rule: str
    where: str
    what: str


class Module(NamedTuple):
    """A module of the package under its dotted name."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return parsed(self.text)


parsed = functools.lru_cache(maxsize=None)(ast.parse)


class Package(NamedTuple):
    """The package as it lies below a folder."""

    root: Path
    modules: dict[str, Module]


def read(root: Path) -> Package:
    """Read every module of the package below `root`."""
    every = {}
    for path in sorted((root / "retina").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        every[name] = Module(name, path.read_text())
    return Package(root, every)


def room(name: str) -> str | None:
    """The row of the table that a module is in: the longest that fits its name; `None` where none does."""
    below = "/".join(name.split(".")[1:]) or "__init__"
    return max((row for row in TABLE if below == row or below.startswith(f"{row}/")), key=len, default=None)


@functools.cache
def running(text: str) -> tuple[ast.AST, ...]:
    """Every node of a source but for what is imported for type checking alone."""
    tree = parsed(text)
    free = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    return tuple(node for node in ast.walk(tree) if id(node) not in free)


@functools.cache
def aliases(text: str) -> dict[str, str]:
    """What the names that a source imports stand for in full."""
    full = {"eval": "builtins.eval", "exec": "builtins.exec", "__import__": "builtins.__import__"}
    for node in running(text):
        if isinstance(node, ast.Import):
            full |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return full


def full_name(node: ast.expr, text: str) -> str:
    """The full name of what an expression of a source speaks of: `importlib.import_module` for `i.import_module`."""
    first, dot, rest = ast.unparse(node).partition(".")
    return f"{aliases(text).get(first, first)}{dot}{rest}"


@functools.cache
def imports(text: str) -> tuple[tuple[str, str], ...]:
    """(Module, name taken from it) for every import of a source, wherever it is, but for type checking alone."""
    taken = []
    for node in running(text):
        if isinstance(node, ast.Import):
            taken += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            taken += [("." * node.level + (node.module or ""), alias.name) for alias in node.names]
        elif isinstance(node, ast.Call) and full_name(node.func, text) in IMPORTS:
            words = [*node.args, *(word.value for word in node.keywords)]
            taken += [(word.value, "") for word in words if isinstance(word, ast.Constant)]
    return tuple(dict.fromkeys((source, name) for source, name in taken if isinstance(source, str)))


@functools.cache
def attributes(text: str) -> frozenset[str]:
    """Full names of the package's attributes that a source reaches: `retina.machine.files` after `import retina`."""
    dotted = {full_name(node, text) for node in running(text) if isinstance(node, ast.Attribute)}
    return frozenset(name for name in dotted if name.startswith("retina."))


def edges(every: dict[str, Module]) -> dict[str, set[str]]:
    """Which modules of the package each one imports; the package itself, imported before all others, does not count."""
    return {
        name: {
            *(full if (full := f"{source}.{taken}") in every else source for source, taken in imports(module.text)),
            *(attribute for attribute in attributes(module.text) if attribute in every),
        }
        & (every.keys() - {"retina"})
        for name, module in every.items()
    }


def used(package: Package) -> set[tuple[str, str]]:
    """(Room, another room that it imports), of all modules."""
    pairs = {(room(name), room(other)) for name, others in edges(package.modules).items() for other in others}
    return {(one, other) for one, other in pairs if one and other and one != other}


def layers(package: Package) -> Iterator[Violation]:
    """A module imports from its own room and the rooms of its row alone, and by absolute names."""
    every = package.modules
    for name, others in edges(every).items():
        row = TABLE.get(room(name) or "")
        for other in sorted(others):
            if row and room(other) not in (room(name), *row.imports.split()):
                yield Violation("layers", name, other)
        for source, _ in imports(every[name].text):
            if source.startswith("."):
                yield Violation("layers", name, f"{source} is relative")


def heavy(package: Package) -> Iterator[Violation]:
    """Keras and torch are loaded by the rooms that may, however late."""
    for name, module in package.modules.items():
        row = TABLE.get(room(name) or "")
        for library in sorted({source.split(".")[0] for source, _ in imports(module.text)} & LIBRARIES):
            if row and not row.heavy:
                yield Violation("heavy", name, library)


def circles(package: Package) -> Iterator[Violation]:
    """No module imports itself by way of others."""
    graph = edges(package.modules)
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> Iterator[Violation]:
        if name in trail:
            yield Violation("circles", name, " -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for other in sorted(graph[name]):
                yield from walk(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        yield from walk(name, ())


def docstrings(package: Package) -> Iterator[Violation]:
    """Every module that holds anything says in its first line what it is."""
    for name, module in package.modules.items():
        if module.text.strip() and not ast.get_docstring(module.tree):
            yield Violation("docstrings", name, "no docstring")


def lengths(package: Package) -> Iterator[Violation]:
    """A module can be read in one sitting."""
    for name, module in package.modules.items():
        if (lines := len(module.text.splitlines())) > LONGEST:
            yield Violation("lengths", name, f"{lines} lines, more than {LONGEST}")


def entries(package: Package) -> Iterator[Violation]:
    """A folder can be taken in at a glance; its marker is nothing to read, nor are the files planned for the top."""
    for folder in sorted([package.root / "retina", *(package.root / "retina").rglob("*/")]):
        besides = TOP if folder == package.root / "retina" else {"__init__.py"}
        shown = [path for path in folder.iterdir() if path.name not in {"__pycache__", *besides}]
        if folder.name != "__pycache__" and len(shown) > FULLEST:
            yield Violation(
                "entries", str(folder.relative_to(package.root)), f"{len(shown)} entries, more than {FULLEST}"
            )


def top(package: Package) -> Iterator[Violation]:
    """At the top of the package are its faces, its errors, and the folders of the table."""
    for path in sorted((package.root / "retina").iterdir()):
        allowed = path.name in TABLE or path.name == "__pycache__" if path.is_dir() else path.name in TOP
        if not allowed:
            yield Violation("top", str(path.relative_to(package.root)), "is not in the plan")


def own_files(package: Package) -> Iterator[Violation]:
    """What lies where in the package is said from its root, `retina.PACKAGE`, so that a module can be moved."""
    for name, module in package.modules.items():
        if "__file__" in names(module.text) and name != "retina":
            yield Violation("own_files", name, "counts from __file__")


@functools.cache
def names(text: str) -> frozenset[str]:
    """Every plain name that a source speaks of."""
    return frozenset(node.id for node in ast.walk(parsed(text)) if isinstance(node, ast.Name))


def unsafe(package: Package) -> Iterator[Violation]:
    """Whole Keras models are never loaded, state dicts are read with `weights_only=True`, nothing is unpickled."""
    for name, module in package.modules.items():
        for source, _ in imports(module.text):
            if source.split(".")[0] in RUNS_CODE_LIBRARIES:
                yield Violation("unsafe", name, source)
        for spoken in sorted(unsafe_names(module.text)):
            if (name, spoken.split(".")[-1]) != (MAY_LOAD_MODELS, "load_model"):
                yield Violation("unsafe", name, spoken)


@functools.cache
def unsafe_names(text: str) -> frozenset[str]:
    """Full names of the functions in a source, called or handed on, that could run code found in a file."""
    tree = parsed(text)
    safe = {
        id(call.func)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        if SAFE_WITH.get(full_name(call.func, text)) in [(word.arg, ast.unparse(word.value)) for word in call.keywords]
    }
    return frozenset(
        full_name(node, text)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in safe and runs_code(full_name(node, text))
    )


def runs_code(name: str) -> bool:
    """Whether the function of this full name could run code found in what it reads."""
    first, last = name.split(".", maxsplit=1)[0], name.rsplit(".", maxsplit=1)[-1]
    return (
        name in RUNS_CODE
        or name in SAFE_WITH
        or last in RUNS_CODE_BY_LAST_NAME
        or (first == "pickle" and last in PICKLE)
    )


RULES: tuple[Callable[[Package], Iterator[Violation]], ...] = (
    layers,
    heavy,
    circles,
    docstrings,
    lengths,
    entries,
    top,
    own_files,
    unsafe,
)


def violations(root: Path) -> set[Violation]:
    """Everything in the package below `root` that is not as it should be."""
    package = read(root)
    return {violation for rule in RULES for violation in rule(package)}


def mirrored(root: Path, elsewhere: Mapping[str, str] = ELSEWHERE) -> Iterator[Violation]:
    """Tests mirror the package: `retina/<folder>/<module>.py` is tested by `tests/<folder>/test_<module>.py`.

    A module of `elsewhere` has none: another file, which imports it, holds its tests, or a sentence says why none do.
    """
    modules = {str(path.relative_to(root / "retina").with_suffix("")) for path in (root / "retina").rglob("*.py")}
    modules = {module for module in modules if Path(module).name != "__init__"}
    own = {module for module in modules if (root / "tests" / module).with_name(f"test_{Path(module).name}.py").exists()}
    for module in modules - own - elsewhere.keys():
        yield Violation("mirrored", module, "has no test file of its own name")
    for module in (elsewhere.keys() & own) | (elsewhere.keys() - modules):
        yield Violation("mirrored", module, "needs no entry: it has a test file of its own name, or is gone")
    for module in elsewhere.keys() & modules:
        place = elsewhere[module]
        if place.endswith(".py") and not is_imported(module, root / "tests" / place):
            yield Violation("mirrored", module, f"is not imported by {place}")
        if not place.endswith(".py") and len(place.split()) < REASON:
            yield Violation("mirrored", module, "has no reason why it is not tested")


def is_imported(module: str, path: Path) -> bool:
    """Whether a file is there and imports a module of the package, or a name out of it."""
    name = ".".join(["retina", *Path(module).parts])
    taken = imports(path.read_text()) if path.exists() else ()
    return any(name in (source, f"{source}.{what}") for source, what in taken)
