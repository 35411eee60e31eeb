"""The pairs that answer a question are found among many runs, and none that differ in more than the question."""

from made_runs import make_run, make_study, rewrite

from retina.analysis.gathering import collection, design
from retina.experiments.target import DEFAULT, binary


def entries(made):
    return collection.collect(made)[0]


def labels(pairs):
    return sorted((first.label, second.label) for first, second in pairs)


def test_the_study_has_three_pairs_of_parameter_sets_and_one_of_losses(tmp_path):
    found = entries(make_study(tmp_path))
    assert labels(design.parameter_pairs(found)) == [
        ("resnet18 p1 ce", "resnet18 p2 ce"),
        ("resnet50 p1 ce", "resnet50 p2 ce"),
        ("vgg16 p1 ce", "vgg16 p2 ce"),
    ]
    assert labels(design.loss_pairs(found)) == [("resnet18 p1 ce", "resnet18 p1 focal")]
    assert design.repetitions(found) == []


def test_early_stopping_may_differ_within_a_pair_but_the_nearest_run_is_taken(tmp_path):
    plain = make_run(tmp_path, early_stopping=False, digest="1" * 8)
    stopping = make_run(tmp_path, digest="2" * 8)
    focal = make_run(tmp_path, loss="focal", digest="3" * 8)
    assert [a.name for a, _ in design.loss_pairs(entries([plain, focal]))] == [plain.folder.name]
    assert [a.name for a, _ in design.loss_pairs(entries([plain, stopping, focal]))] == [stopping.folder.name]


def test_runs_that_differ_in_more_are_no_pair(tmp_path):
    first = make_run(tmp_path)
    for change in ({"data": "e"}, {"target": "DR"}, {"seed": 1}, {"fine_tune": "head"}, {"label_smoothing": 0.1}):
        other = make_run(tmp_path, **({"params": "p2", "digest": "1" * 8} | change))
        assert design.parameter_pairs(entries([first, other])) == []


def test_parameter_sets_differ_in_what_their_files_say_and_not_in_an_option_of_one_of_them(tmp_path):
    first = make_run(tmp_path)
    other = make_run(tmp_path, params="p2", digest="1" * 8, image_size=96, layer_decay=0.2)
    assert labels(design.parameter_pairs(entries([first, other]))) == [("resnet18 p1 ce", "resnet18 p2 ce")]
    rewrite(other, overrides={"image_size": {"file": 224, "option": 96}})
    assert design.parameter_pairs(entries([first, other])) == []
    rewrite(other, overrides={"epochs": {"file": 15, "option": 10}})
    assert len(design.parameter_pairs(entries([first, other]))) == 1


def test_of_several_runs_of_a_set_the_least_overridden_is_paired_and_then_the_newest(tmp_path):
    def paired(*made):
        ((one, other),) = design.parameter_pairs(entries(made))
        return one.name, other.name

    old, new = (make_run(tmp_path, digest=name * 8, warmup_epochs=float(name)) for name in "01")
    other_old, other_new = (
        make_run(tmp_path, params="p2", digest=name * 8, warmup_epochs=float(name)) for name in "01"
    )
    for run in (old, other_old):
        rewrite(run, timings={"started": "2025-11-23T10:00:00+00:00"})
    assert paired(old, new, other_old, other_new) == (new.folder.name, other_new.folder.name)
    # Both turned off by options what stands in their files: alike, but no longer what the files say.
    for run in (new, other_new):
        rewrite(
            run, overrides={"weights": {"file": "imagenet", "option": "random"}} | {"ema": {"file": 0.9, "option": 0.0}}
        )
    assert paired(old, new, other_old, other_new) == (old.folder.name, other_old.folder.name)


def test_focal_settings_of_a_cross_entropy_run_mean_nothing(tmp_path):
    made = [make_run(tmp_path, focal_gamma=5.0), make_run(tmp_path, params="p2", digest="1" * 8)]
    assert len(design.parameter_pairs(entries(made))) == 1


def test_repetitions_differ_in_the_seed_alone_and_are_finished(tmp_path):
    made = [make_run(tmp_path, seed=seed) for seed in range(3)]
    made += [make_run(tmp_path, seed=3, status="diverged"), make_run(tmp_path, seed=4, image_size=96)]
    (members,) = design.repetitions(entries(made))
    assert [member.experiment.seed for member in members] == [0, 1, 2]


def test_a_run_of_an_earlier_version_is_paired_with_one_that_names_the_default_target(tmp_path):
    first, other = make_run(tmp_path), make_run(tmp_path, params="p2", digest="1" * 8, target="Disease_Risk")
    assert labels(design.parameter_pairs(entries([first, other]))) == [("resnet18 p1 ce", "resnet18 p2 ce")]


def test_targets_are_named_once_the_default_one_first_and_alone_where_there_is_no_run(tmp_path):
    made = [make_run(tmp_path, digest=name * 8, target=name) for name in ("DR", "AH")]
    assert design.targets(entries(made)) == [binary("AH"), binary("DR")]
    assert design.targets(entries([*made, make_run(tmp_path, seed=1), make_run(tmp_path, seed=2)]))[0] == DEFAULT
    assert design.targets([]) == [DEFAULT]
