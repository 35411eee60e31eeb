"""The jobs of `data`, called without a command line."""

import sys

import pytest

from retina.data.drawing import synthetic
from retina.data.sources import fetch as fetching
from retina.errors import DataError, LabelError
from retina.experiments.target import binary
from retina.workflows import data


def test_an_audit_decodes_every_image_and_announces_nothing_of_real_photographs(make_set):
    announced = []
    report = data.audit(make_set(), quiet=True, say=announced.append)
    assert report.ok
    assert report.thorough
    assert announced == []


def test_an_audit_announces_that_a_drawn_set_means_nothing(tmp_path):
    folder = synthetic.synthesize(tmp_path / "set", counts={"train": 12, "validation": 8, "test": 8}, quiet=True)
    announced = []
    data.audit(folder, quiet=True, say=announced.append)
    assert announced == [synthetic.NOTICE]


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
