"""Every rule fires on a planted fault and is silent on a clean set; the numbers are those of the files."""

import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter
from scipy import stats
from sets_on_disk import (
    LABELS,
    OFFICIAL,
    copy_image,
    image_of,
    table_of,
    table_text,
    write_image,
    write_official,
    write_plain,
)

from retina.commands import audit_table
from retina.data.auditing import audit, inspection
from retina.data.auditing.balance import LEAST_V, SIGNIFICANT, balance_rules, heterogeneity
from retina.data.auditing.duplicates import BITS, NEAR, SIDE, fingerprint, near_groups, near_pairs
from retina.data.auditing.rules import RULES
from retina.data.sources import labels, rfmid
from retina.errors import AuditError


def checked(root, **options):
    return audit.check(labels.read(root), quiet=True, **options)


def found(result, rule):
    return [problem for problem in result.problems if problem.rule == rule]


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("layout", [*OFFICIAL, "plain"])
def test_a_clean_set_has_no_problem(tmp_path, layout, thorough):
    root = write_plain(tmp_path, "images") if layout == "plain" else write_official(tmp_path, layout)
    result = checked(root, thorough=thorough)
    assert result.problems == ()
    assert result.ok
    audit.require(result)


def photograph(seed, size=200):
    """A disc with a random texture of vessel-like detail, as a picture."""
    noise = np.random.default_rng(seed).normal(size=(size, size))
    image = Image.fromarray(np.uint8(np.clip(128 + 40 * noise, 0, 255))).filter(ImageFilter.GaussianBlur(3))
    texture = np.asarray(image, dtype=float)
    light = 110 + (texture - texture.mean()) / texture.std() * 25
    offset = np.arange(size) - (size - 1) / 2
    disc = np.hypot(offset[:, None], offset) < 0.48 * size
    return Image.fromarray(np.uint8(np.clip(light * disc, 0, 255))).convert("RGB")


def relabel(root, text, split="train"):
    table_of(root, split).write_text(text, encoding="utf-8")


def label_two(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,0\n3,2\n4,\n5,0\n6,yes\n")


def list_twice(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,0\n3,1\n4,1\n5,0\n6,1\n2,0\n")


def contradict(root):
    rows = [[row, label, *[label] * 45] for row, label in enumerate(LABELS["train"], 1)]
    rows[0][1], rows[1][1] = 0, 1
    relabel(root, table_text(["ID", "Disease_Risk", *rfmid.DISEASES], rows))


def lose(root):
    for name in ("2.png", "4.png"):
        image_of(root, "train", name).unlink()


def empty(root):
    image_of(root, "train", "2.png").write_bytes(b"")


def scramble(root):
    image_of(root, "train", "2.png").write_bytes(b"this is no picture")


def lose_all(root):
    for name in ("1.png", "2.png", "3.png"):
        image_of(root, "validation", name).unlink()


def one_class(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,1\n3,1\n", "test")


def one_class_left(root):
    image_of(root, "test", "2.png").write_bytes(b"")


def stranger(root):
    write_image(image_of(root, "test", "77.png"), 77)


def copy_across(root):
    copy_image(root, ("train", "1.png"), ("test", "3.png"))


def copy_within(root):
    copy_image(root, ("train", "1.png"), ("train", "3.png"))


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


@pytest.mark.parametrize("plant", [empty, scramble])
@pytest.mark.parametrize("thorough", [True, False])
def test_an_image_that_is_none_is_unreadable_either_way(tmp_path, plant, thorough):
    root = write_official(tmp_path)
    plant(root)
    assert found(checked(root, thorough=thorough), "unreadable-image")[0].ids == ("train/2",)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_found_by_decoding_alone(tmp_path, suffix):
    root = write_official(tmp_path, suffix=suffix, size=(64, 64))
    path = image_of(root, "train", f"5{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert found(checked(root, thorough=False), "unreadable-image") == []
    result = checked(root)
    assert found(result, "unreadable-image")[0].ids == ("train/5",)
    assert {split: counts["truncated"] for split, counts in result.splits.items()} == {
        "train": 1,
        "validation": 0,
        "test": 0,
    }


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("side", [10_500, 60_000])
def test_a_decompression_bomb_is_unreadable_and_never_decoded(tmp_path, thorough, side):
    root = write_official(tmp_path)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
    image_of(root, "train", "2.png").write_bytes(bomb)
    assert found(checked(root, thorough=thorough), "unreadable-image")[0].ids == ("train/2",)


def test_an_image_that_vanishes_after_the_labels_were_read_is_unreadable(tmp_path):
    root = write_official(tmp_path)
    table = labels.read(root)
    image_of(root, "train", "2.png").unlink()
    (problem,) = found(audit.check(table, quiet=True), "unreadable-image")
    assert problem.ids == ("train/2",)
    assert "cannot be read" in problem.sentence


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


def test_the_counts_are_those_of_the_files(tmp_path):
    root = write_official(tmp_path)
    lose(root)
    empty_path = image_of(root, "validation", "1.png")
    empty_path.write_bytes(b"")
    stranger(root)
    write_image(image_of(root, "test", "1.png"), 5, (30, 20))
    result = checked(root)
    common = {"missing": 0, "unreadable": 0, "truncated": 0, "extra": 0}
    assert result.classes["train positive"]["missing"] + result.classes["train negative"]["missing"] == 2
    assert (
        result.classes["validation positive"]["unreadable"] + result.classes["validation negative"]["unreadable"] == 1
    )
    assert result.splits == {
        "train": common | {"listed": 6, "found": 4, "missing": 2, "positives": 4, "negatives": 2, "prevalence": 4 / 6},
        "validation": common
        | {"listed": 3, "found": 3, "unreadable": 1, "positives": 2, "negatives": 1, "prevalence": 2 / 3},
        "test": common | {"listed": 3, "found": 3, "extra": 1, "positives": 2, "negatives": 1, "prevalence": 2 / 3},
    }
    assert list(result.sizes) == ["16x12", "30x20"]
    assert result.sizes["30x20"] == {
        "images": 1,
        "train": 0,
        "validation": 0,
        "test": 1,
        "positives": 1,
        "negatives": 0,
        "prevalence": 1.0,
    }
    assert result.sizes["16x12"]["images"] == 8


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


def test_the_summary_names_every_problem_in_lines_of_100_columns(tmp_path):
    root = write_official(tmp_path / "set")
    for plant in (empty, stranger, copy_within):
        plant(root)
    relabel(root, "ID,Disease_Risk\n" + "".join(f"{row},{'no label ' * 3}\n" for row in range(1, 6)) + "6,1\n")
    result = checked(root)
    text = audit_table.summary(result)
    assert all(len(line) <= 100 for line in text.replace(str(root), "").splitlines())
    assert all(problem.rule in text for problem in result.problems)
    assert "train/1, train/3 are the same image" in text
    assert f"{len(result.errors)} errors" in text
    assert [line.split()[:2] for line in text.splitlines() if line.startswith("train   ")] == [["train", "6"]]


def test_the_summary_of_many_problems_is_short_and_says_how_many_more(tmp_path):
    root = write_official(tmp_path, labels={"train": (1, 0) * 12, "validation": (1, 0) * 12, "test": (1, 0)})
    for row in range(1, 25):
        copy_image(root, ("train", f"{row}.png"), ("validation", f"{row}.png"))
    text = audit_table.summary(checked(root, thorough=False))
    assert "and 16 more" in text
    assert text.count("are the same image") == 8


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


def test_many_images_are_decoded_in_processes_with_the_same_result(tmp_path, monkeypatch):
    root = write_official(tmp_path, labels=dict.fromkeys(LABELS, (1, 0) * 6))
    image_of(root, "test", "5.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    paths = list(labels.read(root).frame["path"])
    assert len(paths) >= inspection.FEW
    apart = inspection.inspect(paths, thorough=True, quiet=True)
    monkeypatch.setattr(inspection, "FEW", len(paths) + 1)
    assert inspection.inspect(paths, thorough=True, quiet=True) == apart
    assert list(apart) == paths


SEEDS = st.integers(0, 2**32 - 1)


def prepared(image):
    return np.asarray(image.resize((SIDE, SIDE)))


def distance(first, second):
    return int(np.bitwise_count(fingerprint(first) ^ fingerprint(second)).sum())


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, gain=st.floats(0.6, 1.3))
def test_a_brighter_or_darker_copy_keeps_its_hash_nearly(seed, gain):
    image = photograph(seed)
    assert distance(prepared(image), prepared(ImageEnhance.Brightness(image).enhance(gain))) <= NEAR // 2


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, side=st.integers(80, 400))
def test_a_rescaled_copy_keeps_its_hash_nearly(seed, side):
    image = photograph(seed)
    assert distance(prepared(image), prepared(image.resize((side, side)))) <= NEAR // 2


@settings(max_examples=25, deadline=None)
@given(first=SEEDS, second=SEEDS)
def test_different_and_mirrored_photographs_are_far_apart(first, second):
    image = photograph(first)
    assert distance(prepared(image), prepared(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))) > NEAR
    assert (distance(prepared(image), prepared(photograph(second))) > NEAR) == (first != second)


def test_the_negative_of_a_photograph_is_not_its_copy():
    image = prepared(photograph(3))
    assert distance(image, 220 - np.minimum(image, 220)) > BITS // 2


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, number=st.integers(2, 40), most=st.integers(0, 60), tile=st.integers(1, 50))
def test_the_pairs_found_are_those_of_comparing_every_two(seed, number, most, tile):
    rng = np.random.default_rng(seed)
    bits = rng.random((number, BITS)) < 0.5
    bits[number // 2 :] = bits[: number - number // 2] ^ (rng.random((number - number // 2, BITS)) < 0.1)
    codes = np.packbits(bits, axis=1)
    expected = {
        (i, j): int((bits[i] != bits[j]).sum())
        for i in range(number)
        for j in range(i + 1, number)
        if (bits[i] != bits[j]).sum() <= most
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retina.data.auditing.duplicates._TILE", tile)
        tiles = list(near_pairs(codes, most))
        gathered = near_groups(codes, most)
    assert {
        tuple(pair): length for pairs, lengths in tiles for pair, length in zip(pairs.tolist(), lengths, strict=True)
    } == expected
    together = {frozenset(members) for members, _ in gathered}
    assert all(any({i, j} <= members for members in together) for i, j in expected)
    assert sum(map(len, together)) == len({row for pair in expected for row in pair})
    assert max((widest for _, widest in gathered), default=0) == max(expected.values(), default=0)


def test_a_group_joined_by_a_middle_member_keeps_its_largest_near_distance():
    bits = np.zeros((4, BITS), dtype=bool)
    bits[1, :40] = True
    bits[2, :30] = True
    bits[3, 200:] = True
    assert near_groups(np.packbits(bits, axis=1), 35) == [([0, 1, 2], 30)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(20, 400), st.integers(20, 400)), min_size=2, max_size=5))
def test_the_test_of_prevalence_is_pearsons(groups):
    positives, negatives = zip(*groups, strict=True)
    totals = [sum(group) for group in groups]
    share = sum(positives) / sum(totals)
    if min(totals) * min(share, 1 - share) < 5:
        return
    expected = stats.chi2_contingency([positives, negatives], correction=False)
    probability, effect = heterogeneity(positives, totals)
    assert probability == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    assert effect == pytest.approx(stats.contingency.association([positives, negatives], method="cramer"), abs=1e-12)


def test_groups_too_small_for_the_test_are_pooled():
    assert heterogeneity([60, 40, 1, 0, 1], [100, 100, 1, 1, 1]) == heterogeneity([60, 40, 2], [100, 100, 3])


@pytest.mark.parametrize(("positives", "totals"), [([], []), ([3], [5]), ([50, 40], [50, 40]), ([0, 0], [50, 40])])
def test_where_there_is_nothing_to_compare_nothing_is_found(positives, totals):
    assert heterogeneity(positives, totals) == (1.0, 0.0)


def test_a_size_that_tells_little_of_the_label_is_not_reported():
    rates = {"a": 0.50, "b": 0.53}
    frame = pd.concat(
        pd.DataFrame(
            {"split": "train", "size": size, "label": pd.array(np.arange(20_000) < rate * 20_000, dtype="Int64")}
        )
        for size, rate in rates.items()
    )
    probability, effect = heterogeneity([10_000, 10_600], [20_000, 20_000])
    assert probability < SIGNIFICANT
    assert effect < LEAST_V
    assert list(balance_rules(frame)) == []


def test_a_size_that_tells_the_label_by_chance_is_not_reported():
    labelled = pd.array([1] * 13 + [0] * 7 + [1] * 7 + [0] * 13, dtype="Int64")
    frame = pd.DataFrame({"split": "train", "size": ["a"] * 20 + ["b"] * 20, "label": labelled})
    probability, effect = heterogeneity([13, 7], [20, 20])
    assert probability > SIGNIFICANT
    assert effect > LEAST_V
    assert list(balance_rules(frame)) == []


def test_an_id_listed_twice_is_not_called_two_copies_of_an_image(tmp_path):
    root = write_official(tmp_path)
    list_twice(root)
    assert {problem.rule for problem in checked(root).problems} == {"duplicate-id"}


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
