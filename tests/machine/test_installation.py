"""A working copy is told from an installed package, and advice to install is right for both."""

import re
import tomllib

import pytest

from retina import PACKAGE, __version__
from retina.errors import RetinaError
from retina.machine import extras, installation

PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_distribution_has_the_name_in_the_project_file():
    assert PROJECT["name"] == installation.DISTRIBUTION


def test_the_version_is_that_of_the_code():
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_this_is_a_working_copy():
    assert installation.working_copy() == PACKAGE.parent


@pytest.mark.parametrize("text", [None, "", '[project]\nname = "thesis"\n', "no TOML", "\0"])
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
