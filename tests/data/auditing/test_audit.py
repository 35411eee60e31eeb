"""Every rule fires on a planted fault and is silent on a clean set; the numbers are those of the files."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from planted_faults import checked, contradict, copy_across, found, label_two, lose, relabel
from sets_on_disk import (
    LABELS,
    OFFICIAL,
    copy_image,
    image_of,
    table_text,
    write_official,
    write_plain,
)

from retina.commands import audit_table
from retina.data.auditing import audit
from retina.data.sources import labels, rfmid
from retina.errors import AuditError
from retina.experiments.target import binary


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("layout", [*OFFICIAL, "plain"])
def test_a_clean_set_has_no_problem(tmp_path, layout, thorough):
    root = write_plain(tmp_path, "images") if layout == "plain" else write_official(tmp_path, layout)
    result = checked(root, thorough=thorough)
    assert result.problems == ()
    assert result.ok
    audit.require(result)


def test_skipping_passes_over_bad_images_and_earlier_copies(tmp_path):
    root = write_official(tmp_path)
    lose(root)
    copy_image(root, ("train", "1.png"), ("test", "3.png"))
    image_of(root, "validation", "3.png").write_bytes(b"")
    table = labels.read(root)
    result = audit.check(table, quiet=True)
    with pytest.raises(AuditError, match="--skip-bad"):
        audit.require(result)
    audit.require(result, skip_bad=True)
    assert {name for item in result.errors for name in item.skip} == {"train/1", "train/2", "train/4", "validation/3"}


def test_skipping_is_not_offered_where_it_cannot_help(tmp_path):
    root = write_official(tmp_path)
    lose(root)
    label_two(root)
    result = checked(root, thorough=False)
    with pytest.raises(AuditError) as caught:
        audit.require(result)
    assert "--skip-bad" not in str(caught.value)
    with pytest.raises(AuditError, match=r"1 error in the data.*'yes'"):
        audit.require(result, skip_bad=True)


def test_a_rule_that_is_allowed_does_not_refuse(tmp_path):
    root = write_official(tmp_path)
    copy_across(root)
    result = checked(root, thorough=False)
    assert not result.ok
    audit.require(result, allow={"same-image-across-splits"})


def test_the_json_form_has_the_same_numbers_and_is_json(tmp_path):
    root = write_official(tmp_path)
    lose(root)
    result = checked(root)
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["splits"] == result.splits
    assert told["sizes"] == result.sizes
    assert told["ok"] is False
    assert told["thorough"] is True
    assert told["problems"][0]["ids"] == list(result.problems[0].ids)


def test_an_audit_of_nothing_but_labels_says_that_the_images_are_missing(tmp_path):
    table = labels.read(write_official(tmp_path))
    frame = table.frame.assign(path=pd.Series([None] * len(table.frame), dtype=object))
    result = audit.check(replace(table, frame=frame), quiet=True)
    assert {problem.rule for problem in result.problems} == {"missing-image", "empty-split"}
    assert result.sizes == {}
    assert "100" not in audit_table.summary(result)


def test_the_real_photographs_have_two_copies_across_splits_and_are_otherwise_sound(shared):
    result = audit.check(labels.read(shared / "data" / "fundus"), thorough=False, quiet=True)
    assert [problem.ids for problem in result.problems] == [("train/38", "test/9"), ("train/219", "test/35")]
    assert list(result.sizes) == ["640x428"]


def test_among_photographs_of_much_the_same_plan_only_the_same_eye_is_found(shared):
    table = labels.read(shared / "data" / "fundus")
    chosen = {"train": "21 47 62 91 115 139 163 254 298", "validation": "3 26", "test": "21 57 58 67"}
    names = {f"{split}/{name}" for split, ids in chosen.items() for name in ids.split()}
    frame = table.frame[(table.frame["split"] + "/" + table.frame["id"]).isin(names)]
    result = audit.check(replace(table, frame=frame), quiet=True)
    near = found(result, "near-duplicate-across-splits")
    assert [problem.ids for problem in near] == [("train/115", "validation/26")]


def of(root, column):
    return audit.check(labels.read(root, binary(column)), quiet=True, thorough=False)


def flagged(root, flags, split="train"):
    """Rows with a column of their own beside the label."""
    rows = [[row, label, flag] for row, (label, flag) in enumerate(zip(LABELS[split], flags, strict=True), 1)]
    relabel(root, table_text(["ID", "Disease_Risk", "age"], rows), split)


def test_values_of_a_target_other_than_0_and_1_are_named_with_its_column(tmp_path):
    root = write_official(tmp_path)
    for split, values in LABELS.items():
        flagged(root, [60 + place for place in range(len(values))], split)
    result = of(root, "age")
    assert found(result, "label-value")[0].sentence == (
        "6 labels of age in train not 0 or 1: 1 ('60'), 2 ('61'), 3 ('62'), 4 ('63'), 5 ('64') and 1 more"
    )
    with pytest.raises(AuditError, match=r"Expected: age 0 or 1 .* Next: .*data audit .* --target age`"):
        audit.require(result)
    assert checked(root, thorough=False).ok


def test_a_target_of_one_class_is_named_with_its_column(tmp_path):
    root = write_official(tmp_path)
    for split, values in LABELS.items():
        flagged(root, [0] * len(values) if split == "test" else values, split)
    (problem,) = found(of(root, "age"), "single-class")
    assert (problem.split, problem.sentence) == ("test", "all 3 usable images of test have age 0")


def test_the_disease_columns_say_nothing_of_another_target(tmp_path):
    """One disease is not the OR of all."""
    root = write_official(tmp_path)
    contradict(root)
    for split in ("validation", "test"):
        rows = [[row, label, *[label] * 45] for row, label in enumerate(LABELS[split], 1)]
        relabel(root, table_text(["ID", "Disease_Risk", *rfmid.DISEASES], rows), split)
    assert not checked(root, thorough=False).ok
    assert of(root, "DR").problems == ()


def test_an_audit_says_which_target_it_is_of(tmp_path):
    root = write_official(tmp_path)
    for split, values in LABELS.items():
        flagged(root, [1 - label for label in values], split)
    result = of(root, "AGE")
    assert result.to_dict()["target"] == "age"
    assert result.splits["train"]["positives"] == LABELS["train"].count(0)
    assert "target age" in audit_table.summary(result).splitlines()[1]
    assert "target" not in audit_table.summary(checked(root, thorough=False))
