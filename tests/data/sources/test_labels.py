"""Every layout in circulation is read to the same frame, and whatever could change a label silently is refused."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sets_on_disk import (
    LABELS,
    OFFICIAL,
    SPLITS,
    image_of,
    table_of,
    table_text,
    write_image,
    write_official,
    write_plain,
)

from retina.data.sources import labels, rfmid
from retina.errors import LabelError
from retina.experiments.target import DEFAULT, binary


def test_ids_that_restart_in_each_split_name_different_images(tmp_path):
    frame = labels.read(write_official(tmp_path, "kaggle")).frame
    first = frame[frame["id"] == "1"]
    assert list(first["split"]) == list(SPLITS)
    assert first["path"].nunique() == 3


def test_the_frame_has_the_promised_columns_and_types(tmp_path):
    root = write_official(tmp_path)
    image_of(root, "train", "2.png").unlink()
    frame = labels.read(root).frame
    assert list(frame.columns) == ["split", "id", "label", "label_text", "path"]
    assert isinstance(frame["label"].dtype, pd.Int64Dtype)
    assert pd.api.types.is_string_dtype(frame["id"].dtype)
    assert frame["path"][1] is None
    assert frame["path"][0] == str(image_of(root, "train", "1.png"))


def test_disease_columns_are_kept_where_they_are_and_missing_where_they_are_not(tmp_path):
    root = write_official(tmp_path)
    text = "ID,Disease_Risk,dr,OTHER,age,laser,note\n1,1,1,0,61,1,x\n2,0,0,0,70,0,\n"
    table_of(root).write_text(text, encoding="utf-8")
    frame = labels.read(root).frame
    assert list(frame.columns[5:]) == ["DR", "OTHER", "laser"]
    assert list(frame["DR"][:2]) == [1, 0]
    assert frame["DR"][2:].isna().all()
    assert all(isinstance(frame[name].dtype, pd.Int64Dtype) for name in ("DR", "OTHER", "laser"))


def test_the_challenge_copy_keeps_its_27_diseases_and_other(tmp_path):
    root = write_official(tmp_path, "grand-challenge")
    names = [*rfmid.DISEASES[:27], "OTHER"]
    rows = [[row, label, label, *[0] * 27] for row, label in enumerate(LABELS["train"], 1)]
    table_of(root, layout="grand-challenge").write_text(
        table_text(["ID", "Disease_Risk", *names], rows), encoding="utf-8"
    )
    assert list(labels.read(root).frame.columns[5:]) == names


def test_ids_come_in_natural_order_whatever_the_order_of_the_rows(tmp_path):
    root = write_official(tmp_path)
    table_of(root).write_text("ID,Disease_Risk\n10,1\n9,0\nb2,0\n07,1\n7.0,1\nb10,1\n", encoding="utf-8")
    frame = labels.read(root).frame
    assert list(frame["id"][:6]) == ["07", "7", "9", "10", "b2", "b10"]


def test_a_label_that_is_no_whole_number_keeps_its_text(tmp_path):
    root = write_official(tmp_path)
    table_of(root).write_text("ID,Disease_Risk\n1,yes\n2,1.0\n3,\n", encoding="utf-8")
    frame = labels.read(root).frame
    assert list(frame["label"].isna()[:3]) == [True, False, True]
    assert list(frame["label_text"][:3]) == ["yes", "1.0", ""]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".tif", ".TIFF", ".PNG"])
def test_images_of_every_extension_are_found(tmp_path, suffix):
    assert labels.read(write_official(tmp_path, suffix=suffix)).frame["path"].notna().all()


def test_an_id_may_carry_the_extension(tmp_path):
    root = write_official(tmp_path)
    table_of(root).write_text("ID,Disease_Risk\n1.png,1\n2.png,0\n", encoding="utf-8")
    frame = labels.read(root).frame
    assert list(frame["id"][:2]) == ["1.png", "2.png"]
    assert frame["path"][:2].notna().all()


def test_files_that_no_row_lists_are_extra_unless_hidden_or_no_image(tmp_path):
    root = write_official(tmp_path)
    for name in ("99.png", "._1.png", "Thumbs.db"):
        image_of(root, "test", name).write_bytes(b"x")
    assert labels.read(root).extra == (image_of(root, "test", "99.png"),)


def test_a_path_written_on_windows_is_understood(tmp_path):
    write_image(tmp_path / "images" / "a.png", 0)
    text = "ID,Disease_Risk,split,path\n1,1,train,images\\a.png\n2,1,val,\n3,1,test,images/b.png\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    assert list(labels.read(tmp_path).frame["path"]) == [str(tmp_path / "images" / "a.png"), None, None]


@pytest.mark.parametrize(
    "path", ["/etc/a.png", "../a.png", "images/../../a.png", "C:\\a.png", "\\\\host\\a.png", "C:a.png"]
)
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path, path):
    write_image(tmp_path / "a.png", 0)
    text = f"ID,Disease_Risk,split,path\n1,1,train,{path}\n2,1,val,\n3,1,test,\n"
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=r"leads out of the data folder.*line 2"):
        labels.read(tmp_path / "set")


@pytest.mark.parametrize("name", ["../1", "a/b", "..", ".", "a\\b", '"a\rb"', "a\x1b[31m"])
def test_an_id_that_is_no_plain_name_is_refused(tmp_path, name):
    root = write_official(tmp_path)
    table_of(root).write_text(f"ID,Disease_Risk\n1,1\n{name},0\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"not a plain name.*line [34]"):
        labels.read(root)


def test_two_images_for_one_id_are_refused(tmp_path):
    root = write_official(tmp_path)
    write_image(image_of(root, "validation", "2.jpg"), 0)
    with pytest.raises(LabelError, match=r"two images for validation/2.*2\.jpg.*2\.png"):
        labels.read(root)


def test_two_splits_that_list_the_same_image_are_refused(tmp_path):
    for name in ("1.png", "2.png"):
        write_image(tmp_path / "images" / name, 0)
    text = "ID,Disease_Risk,split\n1,1,train\n2,0,train\n1,0,val\n2,1,test\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=r"two splits list the same image.*train/1 and validation/1 .4 rows"):
        labels.read(tmp_path)


def test_two_splits_whose_folders_are_one_by_a_link_are_refused(tmp_path):
    root = write_official(tmp_path)
    shutil.rmtree(root / "Test_Set" / "Test")
    (root / "Test_Set" / "Test").symlink_to(root / "Training_Set" / "Training")
    with pytest.raises(LabelError, match="two splits list the same image"):
        labels.read(root)


def test_labels_without_images_are_read(tmp_path):
    root = write_official(tmp_path)
    shutil.rmtree(root / "Training_Set" / "Training")
    frame = labels.read(root).frame
    assert frame["path"].isna().sum() == len(LABELS["train"])


@settings(max_examples=25, deadline=None)
@given(
    ids=st.fixed_dictionaries(
        {
            split: st.sets(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,5}", fullmatch=True), min_size=1)
            for split in SPLITS
        }
    ),
    absent=st.booleans(),
)
def test_any_set_of_ids_is_matched_to_its_own_files(ids, absent):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for split, (table, images) in OFFICIAL["ieee-dataport"].items():
            (root / images).mkdir(parents=True)
            names = sorted(ids[split])
            (root / table).write_text(
                table_text(["ID", "Disease_Risk"], [(name, 1) for name in names]), encoding="utf-8"
            )
            for name in names[absent:]:
                (root / images / f"{name}.png").write_bytes(b"")
        frame = labels.read(root).frame
    for split in SPLITS:
        rows = frame[frame["split"] == split]
        assert set(rows["id"]) == ids[split]
        assert rows["path"].isna().sum() == absent
        assert all(Path(row.path).stem == row.id for row in rows.itertuples() if row.path is not None)


def test_the_real_training_table_has_1920_rows_of_which_1519_are_positive(tmp_path, shared):
    root = write_official(tmp_path)
    shutil.copyfile(shared / "data" / "rfmid_labels" / "RFMiD_Training_Labels.csv", table_of(root))
    frame = labels.read(root).frame.query("split == 'train'")
    assert (len(frame), frame["label"].sum()) == (1920, 1519)
    assert tuple(frame.columns[5:]) == rfmid.DISEASES
    assert ((frame[list(rfmid.DISEASES)] == 1).any(axis=1) == (frame["label"] == 1)).all()


def test_the_real_photographs_are_all_found(shared):
    table = labels.read(shared / "data")
    counted = table.frame.groupby("split")["label"].agg(["size", "sum"])
    assert {split: tuple(counted.loc[split]) for split in SPLITS} == {
        "train": (300, 161),
        "validation": (74, 39),
        "test": (76, 42),
    }
    assert table.layout == "ieee-dataport"
    assert table.frame["path"].notna().all()


DISEASED = "ID,Disease_Risk,DR,MH\n" + "".join(f"{row},1,{row % 2},{int(row > 3)}\n" for row in range(1, 7))
"""A table in which every eye is diseased, and half of them have DR."""


def all_tables(root, text):
    """The same table for every split: rows without an image are listed all the same."""
    for split in SPLITS:
        table_of(root, split).write_text(text, encoding="utf-8")
    return root


def test_the_labels_are_those_of_the_target_and_the_other_columns_are_flags(tmp_path):
    table = labels.read(all_tables(write_official(tmp_path), DISEASED), binary("DR"))
    assert table.target == binary("DR")
    assert list(table.frame.columns[5:]) == ["Disease_Risk", "MH"]
    train = table.frame.query("split == 'train'")
    assert list(train["label"]) == [1, 0, 1, 0, 1, 0]
    assert list(train["label_text"]) == ["1", "0", "1", "0", "1", "0"]
    assert list(train["Disease_Risk"]) == [1] * 6


@pytest.mark.parametrize("typed", ["dr", "DR", "Dr"])
@pytest.mark.parametrize("written", [" DR ", "dr"])
def test_a_target_of_rfmid_has_one_name_however_it_is_typed_or_written(tmp_path, typed, written):
    root = all_tables(write_official(tmp_path), DISEASED.replace("DR", written, 1))
    assert labels.read(root, binary(typed)).target == binary("DR")


def test_the_default_target_stays_itself_in_a_table_that_writes_it_otherwise(tmp_path):
    root = all_tables(write_official(tmp_path), DISEASED.replace("Disease_Risk", "DISEASE_RISK"))
    assert labels.read(root).target == DEFAULT
    assert labels.read(root, binary("disease_risk")).target == DEFAULT


def test_a_target_that_rfmid_does_not_know_is_named_as_the_table_writes_it(tmp_path):
    root = all_tables(write_official(tmp_path), DISEASED.replace("MH", "Old laser"))
    table = labels.read(root, binary("old LASER"))
    assert table.target == binary("Old laser")
    assert "Old laser" not in table.frame


@pytest.mark.parametrize(
    ("column", "advice"),
    [
        ("DN", "did you mean --target DR?"),
        ("disease risk", "--target Disease_Risk?"),
        ("zzzz", "name a column of 0 and"),
    ],
)
def test_a_target_without_a_column_is_refused_and_the_nearest_is_named(tmp_path, column, advice):
    root = all_tables(write_official(tmp_path), DISEASED)
    with pytest.raises(LabelError) as caught:
        labels.read(root, binary(column))
    line = str(caught.value)
    assert line.startswith(f"the label table has no column {column} | Expected: a column named {column} | Found: ID, ")
    assert f" | Where: {table_of(root)} | Next: " in line
    assert advice in line


def test_the_nearest_column_is_quoted_as_a_shell_needs_it(tmp_path):
    root = all_tables(write_official(tmp_path), DISEASED.replace("MH", "old laser"))
    with pytest.raises(LabelError, match=r"did you mean --target 'old laser'\?"):
        labels.read(root, binary("old_laser"))


def test_every_split_must_have_the_target(tmp_path):
    root = all_tables(write_official(tmp_path), DISEASED)
    table_of(root, "test").write_text("ID,Disease_Risk\n1,1\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"no column DR .*RFMiD_Testing_Labels\.csv"):
        labels.read(root, binary("DR"))


def test_a_plain_set_can_have_any_target_and_need_not_have_the_default_one(tmp_path):
    root = write_plain(tmp_path / "set", "images")
    path = root / "labels.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Disease_Risk", "glaucoma"), encoding="utf-8")
    assert tuple(labels.read(root, binary("glaucoma")).frame["label"]) == sum(LABELS.values(), ())
    with pytest.raises(LabelError, match=r"no column Disease_Risk \|.*name a column of 0 and 1 with --target"):
        labels.read(root)
