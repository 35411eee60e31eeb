"""retina as its users get it: a wheel in an empty environment, used from an empty folder in another repository."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest
from command_line import QUICK

import retina
from retina.machine import provenance
from retina.machine.installation import DISTRIBUTION

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(1800)]

ROOT = retina.PACKAGE.parent
PINNED = dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), "constraints.txt")
DATA = {".toml", ".j2", ".js", ".css"}


def call(*words, cwd, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    words = [str(word) for word in words]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd, env=kept | variables)


def done(*words, cwd, **variables):
    result = call(*words, cwd=cwd, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a source distribution and of the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=ROOT, **PINNED)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Somebody's repository, with a project of its own, in which the environment and the working folder lie."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "pyproject.toml").write_text('[project]\nname = "thesis"\nversion = "1"\n')
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init"], ["add", "pyproject.toml"], ["commit", "-m", "first"]):
        done(*git, *words, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def commands(wheel, home):
    """The folder of the commands of an environment that has the wheel, and what its metadata name."""
    environment = home / ".venv"
    done(sys.executable, "-m", "venv", environment, cwd=home)
    place = environment / ("Scripts" if os.name == "nt" else "bin")
    done(place / "python", "-m", "pip", "install", "--quiet", "--no-compile", wheel, cwd=ROOT, **PINNED)
    return place


@pytest.fixture(scope="module")
def trained(commands, home):
    """An empty folder in which `retina run resnet18` was typed, and its report."""
    folder = home / "empty"
    folder.mkdir()
    return folder, json.loads(done(commands / "retina", "run", "resnet18", *QUICK, "--quiet", "--json", cwd=folder))


def content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_is_the_package_with_its_data_the_recipes_and_the_licence_and_nothing_else(wheel):
    files = content(wheel)
    package = {path: path for path in retina.PACKAGE.rglob("*") if path.suffix in {".py"} | DATA}
    expected = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in package}
    for folder in ("params", "studies"):
        recipes = sorted((ROOT / "experiments" / folder).glob("*.toml"))
        expected |= {f"retina/experiments/{folder}/{path.name}": path.read_bytes() for path in recipes}
    information = f"{DISTRIBUTION.replace('-', '_')}-{retina.__version__}.dist-info"
    assert {name for name in files if not name.startswith(information)} == set(expected)
    assert all(files[name] == expected[name] for name in expected)
    own = {name.removeprefix(f"{information}/") for name in files if name.startswith(information)}
    assert own == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert files[f"{information}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_source_distribution_builds_the_wheel_that_the_repository_builds(built, wheel, tmp_path):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        assert any(name.endswith("/experiments/studies/original.toml") for name in archive.getnames())
    done(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT, cwd=ROOT, **PINNED)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_command_says_its_version(commands, home):
    assert done(commands / "retina", "--version", cwd=home) == f"retina, version {retina.__version__}\n"


def test_a_run_trained_in_an_empty_folder_is_recorded_there(trained):
    """It names the version and the code that trained it, and not the commit of the repository around it."""
    folder, report = trained
    record = json.loads((folder / "results" / "runs" / report["name"] / "record.json").read_text())
    assert (record["status"], record["experiment"]["params"]) == ("completed", "p1")
    assert record["environment"]["packages"]["retina"] == retina.__version__
    assert record["environment"]["git"] is None
    assert [path.name for path in folder.iterdir()] == ["results"]


def test_the_code_of_a_wheel_is_that_of_the_repository_it_was_built_of(commands, home):
    code = "from retina.machine import provenance; print(provenance.source_digest())"
    assert done(commands / "python", "-c", code, cwd=home).strip() == provenance.source_digest()


def test_a_study_is_planned_by_its_plain_name(commands, home):
    folder = home / "study"
    folder.mkdir()
    words = ["study", "original", "--dry-run", "--weights", "random", "--image-size", "64", "--json"]
    steps = json.loads(done(commands / "retina", *words, cwd=folder))
    assert len(steps) == 7
    assert {step["name"].split("-")[0] for step in steps} == {"vgg16", "resnet18", "resnet50"}
    wrong = call(commands / "retina", "study", "orignal", "--dry-run", cwd=folder)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.strip().endswith("Next: did you mean 'original'?")
    assert list(folder.iterdir()) == []


def test_runs_are_compared_in_the_folder_where_they_were_trained(trained, commands):
    folder, report = trained
    said = done(commands / "retina", "compare", "--quiet", cwd=folder)
    assert "resnet18 p1 ce" in said
    written = folder / "results" / "comparison"
    assert report["name"] in (written / "comparison.csv").read_text()
    assert {"report.md", "report.html"} <= {path.name for path in written.iterdir()}


def test_a_missing_extra_is_installed_by_the_name_of_the_distribution(commands, home):
    missing = call(commands / "retina", "tune", "resnet18", "--trials", "2", cwd=home)
    assert missing.returncode == 1
    assert missing.stderr.strip().endswith(f"Next: pip install '{DISTRIBUTION}[tune]'")
