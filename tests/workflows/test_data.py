"""The jobs of `data`, called without a command line."""

import sys

import pytest

from retina.data.sources import fetch as fetching
from retina.errors import DataError, LabelError
from retina.experiments.target import binary
from retina.workflows import data


def test_an_audit_decodes_every_image_and_announces_nothing_of_a_set_that_retina_did_not_draw(make_set):
    folder, announced = make_set(), []
    assert data.audit(folder, quiet=True, say=announced.append).ok
    image = folder / "Training_Set" / "Training" / "3.png"
    content = image.read_bytes()
    image.write_bytes(content[: len(content) // 2])  # its header is whole
    report = data.audit(folder, quiet=True, say=announced.append)
    assert not report.ok
    assert report.splits["train"]["truncated"] == 1
    assert announced == []


def test_an_audit_for_a_column_that_the_table_lacks_is_refused(make_set):
    with pytest.raises(LabelError, match="no_such_column"):
        data.audit(make_set(), target=binary("no_such_column"), quiet=True)


def test_a_download_that_cannot_be_had_announces_how_to_get_the_data_by_hand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    announced = []
    with pytest.raises(DataError):
        data.fetch(tmp_path / "rfmid", quiet=True, say=announced.append)
    assert announced == [fetching.BY_HAND]
    assert not (tmp_path / "rfmid").exists()


def test_data_that_are_there_already_are_audited_instead_of_fetched(make_set):
    folder = make_set()
    assert data.fetch(folder, quiet=True).folder == folder


def test_drawing_refuses_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "note").write_text("mine")
    with pytest.raises(DataError):
        data.draw(tmp_path, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]
