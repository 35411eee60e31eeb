"""Parameter sets and studies are found by plain names from any folder, one's own files first."""

from pathlib import Path

import pytest

from retina import PACKAGE
from retina.errors import ExperimentError
from retina.experiments import parameters, recipes

ROOT = PACKAGE.parent
KINDS = [(recipes.params_path, "params", "p1"), (recipes.study_path, "studies", "original")]
BOTH = pytest.mark.parametrize(("path_of", "folder", "name"), KINDS)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty folder, which is the current one."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that carries what a test puts there."""
    folder = tmp_path / "site-packages" / "retina"
    monkeypatch.setattr(recipes, "PACKAGE", folder)
    return folder


def written(folder, name):
    folder.mkdir(parents=True)
    path = folder / f"{name}.toml"
    path.write_text("epochs = 1\n")
    return path


@BOTH
@pytest.mark.usefixtures("empty")
def test_a_file_of_the_repository_is_found_from_any_folder(path_of, folder, name):
    assert path_of(name) == ROOT / "experiments" / folder / f"{name}.toml"


@BOTH
@pytest.mark.usefixtures("empty")
def test_a_file_that_a_wheel_carries_is_found_where_there_is_no_repository(path_of, folder, name, package, monkeypatch):
    """A folder `experiments` beside an installed package is somebody else's."""
    carried = written(package / "experiments" / folder, name)
    written(package.parent / "experiments" / folder, name)
    monkeypatch.setattr(recipes, "working_copy", lambda: None)
    assert path_of(name) == carried


@BOTH
@pytest.mark.usefixtures("empty")
def test_the_repository_wins_over_the_package(path_of, folder, name, package):
    written(package / "experiments" / folder, name)
    assert path_of(name) == ROOT / "experiments" / folder / f"{name}.toml"


@BOTH
def test_a_file_below_the_current_folder_wins_over_all_others(path_of, folder, name, empty):
    mine = written(empty / "experiments" / folder, name)
    assert path_of(name).resolve() == mine


@BOTH
def test_an_unknown_name_suggests_the_nearest_of_all_that_are_known(path_of, folder, name, empty):
    written(empty / "experiments" / folder, "mine")
    with pytest.raises(ExperimentError, match=rf"Expected: one of mine, {name}.*did you mean '{name}'\?"):
        path_of(f"{name}x")


@BOTH
def test_a_path_is_taken_as_it_is(path_of, folder, name, empty):
    written(empty / "elsewhere", name)
    for word in (f"elsewhere/{name}.toml", str(empty / "elsewhere" / f"{name}.toml")):
        assert path_of(word) == Path(word)
    (empty / f"{name}.toml").write_text("epochs = 2\n")
    assert path_of(f"{name}.toml") == Path(f"{name}.toml")
    (empty / name).write_text("epochs = 3\n")
    assert path_of(f"./{name}") == Path(name)


@BOTH
def test_a_path_object_is_never_a_plain_name(path_of, folder, name, empty):
    file = written(empty / "elsewhere", name)
    assert path_of(file) == file
    file.rename(name)
    assert path_of(Path(name)) == Path(name)


def test_an_experiment_is_made_from_a_path_object():
    path = ROOT / "experiments" / "params" / "p1.toml"
    assert parameters.load("resnet18", path) == parameters.load("resnet18", "p1")


@pytest.mark.usefixtures("empty")
def test_a_parameter_file_that_is_not_there_is_named():
    with pytest.raises(ExperimentError, match=r"parameter file not found \| Found: mine/p3.toml"):
        recipes.params_path("mine/p3.toml")
