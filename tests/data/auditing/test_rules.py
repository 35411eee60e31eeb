"""Every rule fires on a planted fault and is silent on what only looks like one."""

import pytest
from PIL import Image, ImageEnhance
from planted_faults import (
    checked,
    contradict,
    copy_across,
    copy_within,
    empty,
    found,
    label_two,
    list_twice,
    lose,
    photograph,
    relabel,
    stranger,
)
from sets_on_disk import (
    LABELS,
    copy_image,
    image_of,
    table_text,
    write_image,
    write_official,
)

from retina.data.auditing import audit
from retina.data.auditing.rules import RULES
from retina.data.sources import rfmid
from retina.errors import AuditError


def lose_all(root):
    for name in ("1.png", "2.png", "3.png"):
        image_of(root, "validation", name).unlink()


def one_class(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,1\n3,1\n", "test")


def one_class_left(root):
    image_of(root, "test", "2.png").write_bytes(b"")


def copy_with_other_label(root):
    copy_image(root, ("train", "1.png"), ("train", "2.png"))


def by_camera(root):
    write_image(image_of(root, "train", "1.png"), 0, (20, 20))
    labelled = dict.fromkeys(LABELS, (1,) * 30 + (0,) * 30)
    write_official(root, labels=labelled)
    for split in LABELS:
        for row in range(1, 28):
            write_image(image_of(root, split, f"{row}.png"), (len(split), row), (20, 20))


def uneven(root):
    write_official(root, labels={"train": (1,) * 50 + (0,) * 10, "validation": (1, 0) * 30, "test": (1, 0) * 30})


PLANTED = {
    "label-value": (label_two, {"train/3", "train/4", "train/6"}, "train"),
    "duplicate-id": (list_twice, {"train/2"}, "train"),
    "risk-not-or": (contradict, {"train/1", "train/2"}, "train"),
    "missing-image": (lose, {"train/2", "train/4"}, "train"),
    "unreadable-image": (empty, {"train/2"}, "train"),
    "empty-split": (lose_all, set(), "validation"),
    "single-class": (one_class, set(), "test"),
    "extra-image": (stranger, set(), None),
    "same-image-across-splits": (copy_across, {"train/1", "test/3"}, None),
    "same-image-within-split": (copy_within, {"train/1", "train/3"}, "train"),
    "same-image-different-label": (copy_with_other_label, {"train/1", "train/2"}, "train"),
    "size-tells-label": (by_camera, set(), None),
    "prevalence-shift": (uneven, set(), None),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_fault_is_found_and_named(tmp_path, rule):
    plant, ids, split = PLANTED[rule]
    root = write_official(tmp_path)
    plant(root)
    result = checked(root, thorough=False)
    (problem,) = found(result, rule)
    assert set(problem.ids) == ids
    assert len(problem.ids) == (2 if rule == "duplicate-id" else len(ids))
    assert problem.split == split
    assert problem.severity == RULES[rule].severity
    assert all(name in problem.sentence for name in [name.split("/")[1] for name in ids][:2])
    assert result.ok == (problem.severity == "warning")
    if not result.ok:
        with pytest.raises(AuditError, match=r"Expected: .* Found: .* Where: .* Next: .*data audit"):
            audit.require(result)


def test_every_rule_is_tested():
    assert {*PLANTED, "copy-across-splits", "near-duplicate-across-splits"} == set(RULES)


def test_a_split_left_with_one_class_by_its_bad_images_is_found(tmp_path):
    root = write_official(tmp_path)
    one_class_left(root)
    assert found(checked(root, thorough=False), "single-class")[0].split == "test"


def flags(label, ill, names):
    """A table of six rows, the first with this label and, where ill, its first disease."""
    rows = [[1, label, int(ill), *[0] * (len(names) - 1)]]
    rows += [[row, row % 2, row % 2, *[0] * (len(names) - 1)] for row in range(2, 7)]
    return table_text(["ID", "Disease_Risk", *names], rows)


@pytest.mark.parametrize(
    ("names", "label", "ill", "wrong"),
    [
        (rfmid.DISEASES, 1, False, True),
        (rfmid.DISEASES, 0, True, True),
        (rfmid.DISEASES, 1, True, False),
        ((*rfmid.DISEASES[:27], "OTHER"), 1, False, True),
        (("OTHER", *rfmid.DISEASES[:27]), 0, True, True),
        (rfmid.DISEASES[:27], 1, False, False),  # the disease may be one the copy leaves out
        (rfmid.DISEASES[:27], 0, True, True),
        (rfmid.DISEASES[:26], 0, True, False),  # too few columns to hold the label against
    ],
)
def test_the_label_is_held_against_the_disease_columns(tmp_path, names, label, ill, wrong):
    root = write_official(tmp_path)
    relabel(root, flags(label, ill, names))
    assert bool(found(checked(root, thorough=False), "risk-not-or")) == wrong


def test_a_copy_across_splits_is_skipped_where_it_is_earlier(tmp_path):
    root = write_official(tmp_path)
    copy_image(root, ("train", "1.png"), ("validation", "2.png"))
    copy_image(root, ("train", "1.png"), ("test", "1.png"))
    (problem,) = found(checked(root, thorough=False), "same-image-across-splits")
    assert set(problem.skip) == {"train/1", "validation/2"}


def test_a_photograph_saved_anew_in_another_split_is_named_and_refuses(tmp_path):
    root = write_official(tmp_path, suffix=".jpg")
    for split, values in LABELS.items():
        for row in range(1, len(values) + 1):
            photograph((len(split), row)).save(image_of(root, split, f"{row}.jpg"))
    same = photograph((5, 2))
    copy = ImageEnhance.Brightness(same.resize((150, 150))).enhance(1.2)
    copy.save(image_of(root, "test", "3.jpg"), quality=60)
    same.resize((120, 120)).save(image_of(root, "train", "4.jpg"))
    result = checked(root)
    (problem,) = found(result, "copy-across-splits")
    assert problem.ids == ("train/2", "train/4", "test/3")
    assert problem.severity == "error"
    assert not result.ok
    assert found(result, "near-duplicate-across-splits") == []
    assert found(checked(root, thorough=False), "copy-across-splits") == []


def test_look_alikes_within_one_split_are_not_reported(tmp_path):
    root = write_official(tmp_path)
    photograph(1).save(image_of(root, "train", "1.png"))
    photograph(1).resize((150, 150)).save(image_of(root, "train", "2.png"))
    assert checked(root).problems == ()


def test_exact_copies_across_splits_are_not_called_look_alikes_too(tmp_path):
    root = write_official(tmp_path)
    copy_across(root)
    assert [problem.rule for problem in checked(root).problems] == ["same-image-across-splits"]


def test_black_pictures_make_one_problem_and_not_one_a_pair(tmp_path):
    root = write_official(tmp_path, labels=dict.fromkeys(LABELS, (1, 0) * 6))
    for number, split in enumerate(LABELS):
        for row in range(1, 13):
            Image.new("RGB", (20 + number, 20 + row)).save(image_of(root, split, f"{row}.png"))
    (problem,) = found(checked(root), "copy-across-splits")
    assert len(problem.ids) == 36


def test_an_id_listed_twice_is_not_called_two_copies_of_an_image(tmp_path):
    root = write_official(tmp_path)
    list_twice(root)
    assert {problem.rule for problem in checked(root).problems} == {"duplicate-id"}
