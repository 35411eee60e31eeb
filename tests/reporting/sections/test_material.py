"""The data and the methods: images listed, excluded and used, and the target."""

import pytest
from composed_reports import compose, everything_said, tables
from made_runs import make_run, rewrite

from retina.analysis.comparing import comparison
from retina.reporting.document import Cell, Table
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.sections import material
from retina.runs.data import Exclusion


def test_imbalance_is_judged_by_the_labels(everything):
    text = everything_said(compose(everything))
    assert "111 of 148 images (75.0%) are diseased" in text


def test_listed_found_excluded_and_used_add_up_per_class(tmp_path):
    run = make_run(tmp_path)
    excluded = (
        Exclusion(split="train", id="7", reason="there is no image", label=1, found=False),
        Exclusion(split="train", id="8", reason="it cannot be decoded", label=0, found=True),
    )
    rewrite(run, data={"excluded": excluded})
    (table,) = tables(compose(comparison.compare([run])), "Images of")
    assert [cell.text for cell in table.rows[0][1:7]] == ["62", "61", "2 (1)", "60", "45", "15"]


UNITES = {"en": "unites many diseases", "zh-TW": "合併了許多疾病"}


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_report_names_the_target_of_its_runs_and_no_other(tmp_path, name):
    text = everything_said(compose(comparison.compare([make_run(tmp_path, target="DR")]), name))
    assert text.count("DR") > 5
    assert "Disease_Risk" not in text.replace(r"\_", "_")
    assert UNITES[name] not in text
    assert Language(name).say("report.methods.predicted_otherwise", target="DR") in text
    default = everything_said(compose(comparison.compare([make_run(tmp_path)]), name))
    assert UNITES[name] in default
    assert Language(name).say("report.methods.predicted", target="Disease_Risk") in default.replace(r"\_", "_")


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_report_on_several_targets_names_each_and_ranks_them_apart(tmp_path, name):
    made = [make_run(tmp_path, digest="1" * 8, target="DR"), make_run(tmp_path), make_run(tmp_path, seed=1)]
    compared = comparison.compare(made)
    document = compose(compared, name)
    text = everything_said(document).replace(r"\_", "_")
    assert Language(name).say("report.methods.predicted_otherwise", target="Disease_Risk, DR") in text
    assert Language(name).say("report.methods.predicted_also", target="Disease_Risk") in text
    assert UNITES[name] in text
    assert [group.name for group in compared.groups] == ["eyes dddddddd", "eyes dddddddd DR"]
    paired = compared.pairs["not_paired"].isna()
    assert compared.pairs.loc[paired, "data"].tolist() == ["eyes dddddddd"]
    assert set(compared.pairs.loc[~paired, "not_paired"]) == {"different data: eyes dddddddd and eyes dddddddd DR"}


ENGLISH = Language("en")


def test_a_split_that_is_not_predicted_has_no_baselines(tmp_path):
    record = make_run(tmp_path).record()
    assert material.baseline_cells(record, "train", ENGLISH) == (Cell("-"), Cell("-"))
    assert material.baseline_cells(record, "test", ENGLISH) == (Cell("0.750", 0.75), Cell("0.610", 0.61))


def test_ten_excluded_images_are_named_and_the_others_counted(tmp_path):
    run = make_run(tmp_path)
    every = tuple(Exclusion(split="test", id=f"eye-{number}", reason="it is torn") for number in range(12))
    rewrite(run, data={"excluded": every, "warnings": ("two are alike.",), "notice": "drawn by a program."})
    notes = material.flow_notes(run.record(), ENGLISH)
    named = [note for note in notes if "eye-" in note]
    assert len(named) == 10
    assert all("it is torn" in note for note in named)
    assert notes[10] == ENGLISH.say("report.data.excluded_more", more=2)
    assert notes[11:] == [
        ENGLISH.say("report.data.warning", text="two are alike"),
        ENGLISH.say("report.data.notice", text="drawn by a program"),
    ]
    rewrite(run, data={"excluded": every[:10], "warnings": (), "notice": None})
    assert len(material.flow_notes(run.record(), ENGLISH)) == 10


def test_published_models_alone_have_a_table_of_their_images(published):
    compared = comparison.compare([], [published])
    (table,) = [block for block in material.data(compared, ENGLISH) if isinstance(block, Table)]
    assert [[cell.text for cell in row] for row in table.rows] == [["test", "48", "36", "12", "75.0%"]]


def test_methods_speak_of_training_only_where_something_was_trained(published, everything):
    without, whole = (material.methods(item, ENGLISH) for item in (comparison.compare([], [published]), everything))
    assert len(whole) - len(without) == len(material.ON_RUNS) - 1  # these runs have no settings beyond the study's


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_methods_name_the_optimizers_that_trained_the_runs(tmp_path, name):
    adam, descent = make_run(tmp_path, seed=0), make_run(tmp_path, seed=1, optimizer="sgd")
    alone = everything_said(compose(comparison.compare([adam]), name))
    assert Language(name).say("report.methods.training", optimizers="Adam") in alone
    both = everything_said(compose(comparison.compare([adam, descent]), name))
    assert Language(name).say("report.methods.sgd") in both
    assert Language(name).say("report.methods.sgd") not in alone


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_methods_say_what_was_set_beyond_the_study_and_nothing_where_nothing_was(tmp_path, name):
    plain = make_run(tmp_path, seed=0)
    gentle = [make_run(tmp_path, seed=seed, params="p2", warmup_epochs=1.5, clip_norm=1.0) for seed in (1, 2)]
    alone, both = (everything_said(compose(comparison.compare(made), name)) for made in ([plain], [plain, *gentle]))
    words = "warmup_epochs 1.5, clip_norm 1"
    assert words not in alone
    assert Language(name).say("report.methods.set", params="p2", runs=2, all=3, settings=words) in both
