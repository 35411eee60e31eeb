"""Fetching works through kagglehub alone, keeps stdout clean, and turns every failure into one line."""

import sys
import types

import pytest
from sets_on_disk import write_image, write_official

from retina.data.sources import fetch, labels
from retina.errors import DataError

EXCEPTIONS = (
    "BackendError",
    "CredentialError",
    "DataCorruptionError",
    "KaggleEnvironmentError",
    "NotFoundError",
    "UnauthenticatedError",
)


@pytest.fixture
def install_kagglehub(monkeypatch):
    """Put a module in kagglehub's place whose `dataset_download` is the given function; returns its exceptions."""

    def install(download):
        module, exceptions = types.ModuleType("kagglehub"), types.ModuleType("kagglehub.exceptions")
        for name in EXCEPTIONS:
            setattr(exceptions, name, type(name, (Exception,), {}))
        module.dataset_download, module.exceptions = download, exceptions
        monkeypatch.setitem(sys.modules, "kagglehub", module)
        monkeypatch.setitem(sys.modules, "kagglehub.exceptions", exceptions)
        return exceptions

    return install


@pytest.fixture
def cached(tmp_path):
    """A copy of the data as kagglehub's cache would hold it."""
    return write_official(tmp_path / "cache" / "versions" / "1", "kaggle")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_data_set_lands_in_the_folder_and_can_be_read(tmp_path, cached, install_kagglehub):
    asked = []
    install_kagglehub(lambda handle: asked.append(handle) or str(cached))
    folder = fetch.fetch(tmp_path / "deep" / "rfmid", quiet=True)
    assert folder == tmp_path / "deep" / "rfmid"
    assert asked == ["andrewmvd/retinal-disease-classification"]
    assert contents(folder) == contents(cached)
    assert labels.read(folder).layout == "kaggle"


def test_an_empty_folder_is_filled(tmp_path, cached, install_kagglehub):
    install_kagglehub(lambda _: str(cached))
    (tmp_path / "here").mkdir()
    assert contents(fetch.fetch(tmp_path / "here", quiet=True)) == contents(cached)


def test_where_files_cannot_be_linked_they_are_copied(tmp_path, cached, install_kagglehub, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    install_kagglehub(lambda _: str(cached))
    assert contents(fetch.fetch(tmp_path / "here", quiet=True)) == contents(cached)


def test_data_that_is_there_is_not_fetched_again(tmp_path, install_kagglehub):
    def forbidden(_):
        raise AssertionError

    install_kagglehub(forbidden)
    root = write_official(tmp_path / "above" / "rfmid")
    assert fetch.fetch(root) == root
    assert fetch.fetch(tmp_path / "above") == root


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, cached, install_kagglehub):
    install_kagglehub(lambda _: str(cached))
    write_image(tmp_path / "mine" / "holiday.png", 1)
    before = contents(tmp_path / "mine")
    with pytest.raises(DataError, match="the folder holds something else"):
        fetch.fetch(tmp_path / "mine")
    assert contents(tmp_path / "mine") == before


def test_a_file_in_the_folders_place_is_one_line(tmp_path, cached, install_kagglehub):
    install_kagglehub(lambda _: str(cached))
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="cannot fetch into this folder"):
        fetch.fetch(tmp_path / "file")


def test_without_kagglehub_the_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match=r"needs kagglehub.*pip install --editable '.\[fetch\]'") as caught:
        fetch.fetch(tmp_path / "rfmid")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "rfmid").exists()


@pytest.mark.parametrize("name", [*EXCEPTIONS, "ConnectionError", "TimeoutError", "FileExistsError", "ValueError"])
def test_a_failed_download_is_one_line_and_leaves_nothing(tmp_path, install_kagglehub, name):
    def fail(_):
        kind = getattr(exceptions, name, None) or getattr(__builtins__, name, None) or __builtins__[name]
        raise kind("404 Client Error.\n\nResource not found")

    exceptions = install_kagglehub(fail)
    with pytest.raises(DataError, match=r"download from Kaggle failed.*404 Client Error\. Resource") as caught:
        fetch.fetch(tmp_path / "rfmid", quiet=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "rfmid").exists()


def test_a_download_that_is_not_rfmid_is_one_line_and_leaves_nothing(tmp_path, install_kagglehub):
    (tmp_path / "cache").mkdir()
    install_kagglehub(lambda _: str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"not RFMiD.*no label table found"):
        fetch.fetch(tmp_path / "rfmid")
    assert not (tmp_path / "rfmid").exists()


@pytest.mark.parametrize("quiet", [False, True])
def test_what_kagglehub_prints_goes_to_stderr_or_nowhere(tmp_path, cached, install_kagglehub, capsys, quiet):
    def chatty(_):
        print("loud progress")  # noqa: T201
        print("loud bar", file=sys.stderr)  # noqa: T201
        return str(cached)

    install_kagglehub(chatty)
    fetch.fetch(tmp_path / "rfmid", quiet=quiet)
    assert capsys.readouterr() == ("", "" if quiet else "loud progress\nloud bar\n")


def test_the_way_by_hand_names_three_sources_the_licence_and_both_citations():
    for word in (
        "Kaggle",
        "IEEE DataPort",
        "grand-challenge",
        "CC BY 4.0",
        "10.3390/data6020014",
        "10.21227/s3g7-st65",
    ):
        assert word in fetch.BY_HAND
