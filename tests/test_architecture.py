"""The house stands as drawn: imports run one way, the reading wing needs no training library, help is instant."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "retina"
MODULES = sorted(PACKAGE.rglob("*.py"))
BOTTOM = {"errors"}
PLAIN = BOTTOM | {
    "files",
    "language",
    "progress",
    "processes",
    "stopping",
    "settings",
    "experiment",
    "study",
    "environment",
    "lease",
    "signals",
    "runs",
    "standing",
    "extras",
    "searches",
}
MAY_IMPORT = {
    "__init__": set(),
    "errors": set(),
    "files": BOTTOM,
    "extras": BOTTOM,
    "searches": BOTTOM | {"files"},
    "progress": BOTTOM,
    "processes": BOTTOM,
    "settings": BOTTOM,
    "experiment": BOTTOM | {"files", "settings"},
    "study": BOTTOM | {"experiment", "files", "settings"},
    "environment": BOTTOM,
    "language": BOTTOM,
    "stopping": set(),
    "tables": BOTTOM | {"files"},
    "signals": set(),
    "identity": set(),
    "lease": BOTTOM | {"files", "identity"},
    "runs": BOTTOM | {"files", "tables"},
    "standing": BOTTOM | {"files", "lease", "runs"},
    "data": BOTTOM | {"files", "progress", "processes", "data"},
    "models": BOTTOM | {"files", "progress", "settings", "models"},
    "training": PLAIN | {"data", "models", "training"},
    "analysis": BOTTOM | {"files", "settings", "language", "runs", "standing", "stopping", "searches", "analysis"},
    "reporting": PLAIN | {"tables", "analysis", "reporting"},
    "commands": PLAIN | {"commands", "data", "models", "training", "analysis", "reporting"},
    "cli": PLAIN | {"commands", "data", "models", "training", "analysis", "reporting"},
}
TENSORS = {"retina.data.feeding.arranged", "retina.data.feeding.augmentation", "retina.data.feeding.batches"}
"""What brings images to the device that trains."""
LIGHT = {
    "retina.cli",
    "retina.errors",
    "retina.experiments.settings",
    "retina.experiments.experiment",
    "retina.machine.files",
    "retina.runs.folder",
    "retina.machine.progress",
    "retina.runs.searches",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file, except for type checking alone."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name in KNOWN} or {node.module}
    return found


KNOWN = {name_of(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_below(path):
    allowed = MAY_IMPORT[room(name_of(path))]
    for module in imports(path):
        if module.split(".")[0] == "retina" and module != "retina":
            assert room(module) in allowed, f"{name_of(path)} imports {module}"


def test_no_two_modules_import_each_other_in_a_circle():
    graph = {name_of(path): {module for module in imports(path) if module in KNOWN} for path in MODULES}
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail, module])
        if module in done:
            return
        for other in graph[module]:
            walk(other, (*trail, module))
        done.add(module)

    for module in graph:
        walk(module, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_and_can_be_read_in_one_sitting(path):
    text = path.read_text()
    if text.strip():
        assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 250


def test_no_module_counts_the_parents_of_its_own_file():
    """What lies where in the package is said from its root, `retina.PACKAGE`, so that a module can be moved."""
    for path in MODULES:
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert "__file__" not in names or name_of(path) == "retina", path


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_help_loads_nothing_heavy():
    loaded = modules_after(
        "import retina.cli\n"
        "from click.testing import CliRunner\n"
        "assert CliRunner().invoke(retina.cli.main, ['-h']).exit_code == 0"
    )
    assert not loaded & {"torch", "keras", "numpy", "pandas", "matplotlib", "sklearn", "scipy", "PIL", "rich"}


def test_the_reading_wing_and_the_bottom_rooms_need_neither_keras_nor_torch():
    names = sorted(name for name in KNOWN if room(name) in ("analysis", "reporting") or name in LIGHT)
    loaded = modules_after("import " + ", ".join(names))
    assert not loaded & {"torch", "keras", "tensorflow"}


def test_reading_data_needs_neither_keras_nor_torch():
    names = sorted(name for name in KNOWN if room(name) == "data" and name not in TENSORS)
    assert not modules_after("import " + ", ".join(names)) & {"torch", "keras", "tensorflow"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_that_could_run_code_is_loaded(path):
    """Whole Keras models are never loaded, state dicts are read with `weights_only=True`, nothing is unpickled."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert name not in ("load_model", "load_module", "eval", "exec", "unpack_archive", "extractall"), name
            if ast.unparse(node.func) == "torch.load":
                assert said["weights_only"] == "True"
            if ast.unparse(node.func) == "np.load":
                assert said["allow_pickle"] == "False"
    assert not imports(path) & {"pickle.load", "dill", "joblib", "shelve", "marshal"}


def test_every_test_that_skips_without_a_package_runs_where_all_packages_are():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "importorskip(" in text.replace('importorskip(" in text', "") and "playwright" not in text:
            assert "pytest.mark.extra" in text, f"{path.name} needs `pytestmark = pytest.mark.extra`"
