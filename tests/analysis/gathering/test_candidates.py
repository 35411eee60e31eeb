"""Models are grouped by the images they answered; published scores join the images they are about."""

import numpy as np
import pytest
from made_runs import make_run, make_study, sealed
from sklearn.metrics import roc_auc_score

from retina.analysis.gathering import candidates, collection, external
from retina.errors import RunError


def grouped(made, published=()):
    entries, problems = collection.collect(made)
    assert not problems
    return candidates.group(entries, published)


def write_scores(path, part, **models):
    names = list(models)
    lines = [",".join(["id", "label", *names])]
    lines += [
        ",".join([str(number), str(label), *(repr(float(models[name][place])) for name in names)])
        for place, (number, label) in enumerate(zip(part.ids, part.labels, strict=True))
    ]
    path.write_text("\n".join(lines) + "\n")
    return external.read(path)


def test_runs_on_the_same_data_are_one_group_ordered_by_validation_not_by_test(tmp_path):
    groups, altered = grouped(make_study(tmp_path))
    assert not altered
    assert len(groups) == 1
    members = groups[0].candidates
    validation, test = (
        [roc_auc_score(member.parts[split].labels, member.parts[split].logits) for member in members]
        for split in ("validation", "test")
    )
    assert validation == sorted(validation, reverse=True)
    assert test != sorted(test, reverse=True), "the fixture must be able to tell the two orders apart"


def test_runs_on_different_data_are_never_in_one_group(tmp_path):
    groups, _ = grouped(
        [make_run(tmp_path, data="a"), make_run(tmp_path, data="b", seed=1), make_run(tmp_path, seed=2, data="b")]
    )
    assert [len(group.candidates) for group in groups] == [2, 1]


def test_a_run_that_claims_the_data_of_others_and_answers_other_images_is_named(tmp_path):
    good, bad = make_run(tmp_path), make_run(tmp_path, seed=1)
    text = bad.predictions_path.read_text()
    bad.predictions_path.write_text(text.replace("test,1,1,", "test,one,1,"))
    sealed(bad)
    groups, altered = grouped([good, bad])
    assert [member.name for member in groups[0].candidates] == [good.folder.name]
    assert len(altered) == 1
    assert bad.folder.name in altered[0]


def test_published_scores_join_the_split_whose_ids_and_labels_they_have(tmp_path):
    groups, _ = grouped([make_run(tmp_path)])
    parts = groups[0].candidates[0].parts
    rng = np.random.default_rng(0)
    files = [
        write_scores(tmp_path / f"{split}.csv", parts[split], Theirs=rng.uniform(0, 1, len(parts[split].ids)))
        for split in ("test", "validation")
    ]
    groups, _ = grouped([make_run(tmp_path)], files)
    assert len(groups) == 1
    theirs = next(member for member in groups[0].candidates if member.entry is None)
    assert theirs.label == "Theirs (published)"
    assert set(theirs.parts) == {"validation", "test"}
    assert theirs.parts["test"].same_images(parts["test"])


def test_published_scores_of_other_labels_are_a_group_of_their_own(tmp_path):
    groups, _ = grouped([make_run(tmp_path)])
    part = groups[0].candidates[0].parts["test"]
    other = part._replace(labels=1 - part.labels)
    scores = write_scores(tmp_path / "theirs.csv", other, Theirs=np.linspace(0, 1, len(part.ids)))
    groups, _ = grouped([make_run(tmp_path)], [scores])
    assert {group.name for group in groups} == {"eyes dddddddd", "theirs.csv"}


def test_validation_and_test_scores_of_published_models_join_where_no_run_knows_the_images(tmp_path):
    rng = np.random.default_rng(1)
    part = candidates.Part(np.array(["1", "2", "3", "4"]), np.array([0, 1, 0, 1]), np.zeros(4))
    other = part._replace(labels=np.array([1, 1, 0, 0]))
    write_scores(tmp_path / "test.csv", part, Theirs=rng.uniform(0, 1, 4))
    write_scores(tmp_path / "val.csv", other, Theirs=rng.uniform(0, 1, 4))
    files = [external.read(tmp_path / "test.csv"), external.read(f"validation={tmp_path / 'val.csv'}")]
    (group,), _ = candidates.group([], files)
    (theirs,) = group.candidates
    assert set(theirs.parts) == {"test", "validation"}


def test_files_of_one_name_about_other_images_are_two_groups_and_about_the_same_images_one(tmp_path):
    rng = np.random.default_rng(1)
    part = candidates.Part(np.array(["1", "2", "3", "4"]), np.array([0, 1, 0, 1]), np.zeros(4))
    other = part._replace(labels=np.array([1, 1, 0, 0]))
    for name in "abc":
        (tmp_path / name).mkdir()
    first = write_scores(tmp_path / "a" / "s.csv", part, K=rng.uniform(0, 1, 4))
    second = write_scores(tmp_path / "b" / "s.csv", other, N=rng.uniform(0, 1, 4))
    third = write_scores(tmp_path / "c" / "s.csv", part, M=rng.uniform(0, 1, 4))
    groups, _ = candidates.group([], [first, second, third])
    assert sorted([member.label for member in group.candidates] for group in groups) == [
        ["K (published)", "M (published)"],
        ["N (published)"],
    ]
    with pytest.raises(RunError, match="two files hold test scores of the model 'K'"):
        candidates.group([], [first, first])


def test_runs_on_the_same_data_with_other_targets_are_never_paired(tmp_path):
    """Two columns may hold the same labels, and then their data have one fingerprint."""
    made = [
        make_run(tmp_path, digest="1" * 8),
        make_run(tmp_path, params="p2", digest="2" * 8, target="Disease_Risk"),
        make_run(tmp_path, digest="3" * 8, target="DR"),
    ]
    groups, altered = grouped(made)
    assert not altered
    assert {group.name: {member.label for member in group.candidates} for group in groups} == {
        "eyes dddddddd": {"resnet18 p1 ce", "resnet18 p2 ce"},
        "eyes dddddddd DR": {"resnet18 p1 ce DR"},
    }
