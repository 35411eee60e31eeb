"""Which folders and tables hold a data set: every layout in circulation, and what could be meant in two ways."""

import shutil
from pathlib import Path

import pytest
from sets_on_disk import LABELS, OFFICIAL, SPLITS, table_of, write_official, write_plain

from retina.data.sources import labels
from retina.errors import LabelError
from retina.experiments.target import binary

PLAIN = ("beside", "images", "folders", "images/folders", "path", "filename")


def write_any(root, layout):
    return write_official(root, layout) if layout in OFFICIAL else write_plain(root, layout)


@pytest.mark.parametrize("above", [False, True], ids=["itself", "the folder above"])
@pytest.mark.parametrize("layout", [*OFFICIAL, *PLAIN])
def test_every_layout_gives_the_same_labels_and_finds_every_image(tmp_path, layout, above):
    root = write_any(tmp_path / "set", layout)
    table = labels.read(tmp_path if above else root)
    assert table.folder == root
    assert table.layout == (layout if layout in OFFICIAL else "plain")
    assert list(table.frame["split"]) == [split for split in SPLITS for _ in LABELS[split]]
    assert list(table.frame["label"]) == [label for split in SPLITS for label in LABELS[split]]
    assert all(Path(path).is_file() and Path(path).is_absolute() for path in table.frame["path"])
    assert table.frame["path"].is_unique
    assert table.extra == ()
    assert set(table.tables) == set(SPLITS)


def test_a_split_unpacked_doubled_beside_others_that_are_not_is_read(tmp_path):
    root = write_official(tmp_path, "ieee-dataport")
    (root / "Test_Set").rename(root / "inner")
    (root / "Test_Set").mkdir()
    (root / "inner").rename(root / "Test_Set" / "Test_Set")
    table = labels.read(root)
    assert table.layout == "mixed"
    assert table.frame["path"].notna().all()


@pytest.mark.parametrize("name", ["Training", "TRAIN", "train"])
@pytest.mark.parametrize("other", ["val", "Validation", "valid", "evaluation"])
def test_split_names_are_understood(tmp_path, name, other):
    text = f"ID,Disease_Risk,Split\n1,1,{name}\n2,0,{other}\n3,1,Testing\n"
    (tmp_path / "any.CSV").write_text(text, encoding="utf-8")
    assert list(labels.read(tmp_path).frame["split"]) == list(SPLITS)


def test_a_plain_table_is_told_from_other_tables_with_a_split_column(tmp_path):
    root = write_plain(tmp_path)
    (root / "predictions.csv").write_text("split,id,logit\ntest,1,0.2\n", encoding="utf-8")
    (root / "notes.csv").write_bytes(b"free text \xff,\n")
    assert labels.read(root).tables["test"] == root / "labels.csv"


def test_a_missing_folder_a_file_and_a_folder_without_tables_are_told_apart(tmp_path):
    with pytest.raises(LabelError, match="does not exist"):
        labels.read(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(LabelError, match="is a file"):
        labels.read(tmp_path / "file")
    with pytest.raises(LabelError, match=r"no label table found.*RFMiD_Training_Labels.csv.*split.*Found: file"):
        labels.read(tmp_path)


@pytest.mark.parametrize("layout", OFFICIAL)
@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_split_is_named(tmp_path, layout, split):
    root = write_official(tmp_path, layout)
    table_of(root, split, layout).unlink()
    with pytest.raises(LabelError, match=f"the {split} split has no label table"):
        labels.read(root)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID,Disease_Risk,split\n1,1,train\n2,0,val\n", "the test split is empty"),
        ("ID,Disease_Risk,split\n1,1,train\n2,0,holdout\n", r"no known split.*'holdout'.*line 3"),
        ("ID,split\n1,train\n2,val\n3,test\n", "no column Disease_Risk"),
    ],
)
def test_a_plain_table_with_wrong_splits_is_refused(tmp_path, text, words):
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=words):
        labels.read(tmp_path)


def test_two_sets_or_two_tables_that_could_be_meant_are_refused(tmp_path):
    write_official(tmp_path / "one")
    write_plain(tmp_path / "two")
    with pytest.raises(LabelError, match=r"more than one data set.*one, two"):
        labels.read(tmp_path)
    shutil.copy(tmp_path / "two" / "labels.csv", tmp_path / "two" / "more.csv")
    with pytest.raises(LabelError, match=r"more than one table.*labels.csv, more.csv"):
        labels.read(tmp_path / "two")
    write_official(tmp_path / "one", "kaggle")
    with pytest.raises(LabelError, match="the train split has more than one label table"):
        labels.read(tmp_path / "one")


def test_among_plain_tables_the_one_that_has_the_target_is_read(tmp_path):
    root = write_plain(tmp_path / "set", "images")
    text = (root / "labels.csv").read_text(encoding="utf-8")
    (root / "second.csv").write_text(text.replace("Disease_Risk", "glaucoma"), encoding="utf-8")
    assert labels.read(root, binary("glaucoma")).tables["train"] == root / "second.csv"
    assert labels.read(root).tables["train"] == root / "labels.csv"
