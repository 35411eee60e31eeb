"""A working copy is told from an installed package, and advice to install is right for both."""

import ast
import re
import tomllib

import pytest
from made_runs import make_run

from retina import PACKAGE, __version__
from retina.analysis.comparing import comparison
from retina.errors import RetinaError, RunError
from retina.machine import extras, installation
from retina.reporting.document import Code
from retina.reporting.language import Language
from retina.reporting.sections import closing
from retina.runs import folder

PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_distribution_has_the_name_in_the_project_file():
    assert PROJECT["name"] == installation.DISTRIBUTION


def test_the_version_is_that_of_the_code():
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_this_is_a_working_copy():
    assert installation.working_copy() == PACKAGE.parent


@pytest.mark.parametrize("text", [None, "", "project = 7\n", '[project]\nname = "thesis"\n', "no TOML", "\0"])
def test_a_package_beside_no_project_file_of_its_own_is_installed(tmp_path, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    assert installation.working_copy(tmp_path / "retina") is None


@pytest.mark.parametrize(
    ("copy", "extra", "command"),
    [
        (PACKAGE.parent, None, "pip install --editable '.'"),
        (PACKAGE.parent, "tune", "pip install --editable '.[tune]'"),
        (None, None, f"pip install '{PROJECT['name']}'"),
        (None, "tune", f"pip install '{PROJECT['name']}[tune]'"),
    ],
)
def test_the_command_fits_the_way_in_which_retina_was_installed(monkeypatch, copy, extra, command):
    monkeypatch.setattr(installation, "working_copy", lambda: copy)
    assert installation.command(extra) == command


@pytest.mark.parametrize(("copy", "program"), [(PACKAGE.parent, "python cli.py"), (None, "retina")])
def test_the_program_fits_the_way_in_which_retina_was_installed(monkeypatch, tmp_path, copy, program):
    monkeypatch.setattr(installation, "working_copy", lambda: copy)
    assert installation.program() == program
    with pytest.raises(RunError, match=rf"Next: `{program} runs` lists them"):
        folder.find(tmp_path, "absent")
    with pytest.raises(RunError, match=rf"Next: make one: {program} run resnet18"):
        comparison.select(tmp_path, ())


@pytest.mark.parametrize(("copy", "program"), [(PACKAGE.parent, "python cli.py"), (None, "retina")])
def test_a_report_names_the_commands_as_this_installation_takes_them(monkeypatch, tmp_path, copy, program):
    monkeypatch.setattr(installation, "working_copy", lambda: copy)
    blocks = closing.reproduce(comparison.compare([make_run(tmp_path)]), Language("zh-TW"))
    (lines,) = [block.lines for block in blocks if isinstance(block, Code)]
    assert lines == (
        f"{program} run resnet18 --params p1 --loss ce --seed 0 --image-size 64 --weights random --data DIR",
        f"{program} compare --lang zh-TW",
    )


def texts(path):
    """The texts of a module, but for docstrings: every plain expression is one."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [node.value for node in constants if id(node) not in docstrings]


def test_only_one_module_says_how_retina_is_called():
    """Other texts, errors above all, would be wrong in a wheel; help and documents speak of a working copy."""
    assert [path.name for path in PACKAGE.rglob("*.py") if any("python cli.py" in text for text in texts(path))] == [
        "installation.py"
    ]


def test_a_missing_package_is_one_line_that_says_how_to_get_it():
    with pytest.raises(RetinaError) as caught:
        extras.require("no_such_package", extra="tune", purpose="tune")
    assert str(caught.value) == (
        "tune needs a package that is not installed | Found: no module no_such_package | "
        f"Next: {installation.command('tune')}"
    )


def test_every_extra_that_is_advised_exists():
    """The words of `require` and of `command` in the source name extras of the project file."""
    advised = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        advised |= set(re.findall(r"""(?:extra=|installation\.command\()["']([a-z-]+)["']""", text))
    assert {"fetch", "ray", "tune", "mlflow", "tensorboard"} <= advised
    assert advised <= set(PROJECT["optional-dependencies"])


def test_only_one_module_says_how_to_install():
    said = [path.name for path in PACKAGE.rglob("*.py") if "pip install" in path.read_text(encoding="utf-8")]
    assert said == ["installation.py"]
