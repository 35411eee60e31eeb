"""The last pages: commands that make everything again, from records alone."""

import shlex

import pytest
from composed_reports import compose
from made_runs import make_run, rewrite, write_content

from retina.analysis.comparing import comparison
from retina.analysis.gathering import collection
from retina.experiments import parameters
from retina.experiments.target import DISEASE_RISK
from retina.reporting.document import Cell, Code
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.sections import closing
from retina.runs.session import Git


def test_options_of_yes_and_no_are_written_as_they_are_typed(tmp_path):
    run = make_run(tmp_path, early_stopping=False)
    rewrite(run, overrides={"early_stopping": {"file": True, "option": False}})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert "--no-early-stopping" in code.lines[0]


@pytest.mark.parametrize(
    "typed", [{"weight_decay": 0.1}, {"plateau_factor": 0.2}, {"fine_tune": "head", "freeze_epochs": 2}]
)
def test_a_setting_without_effect_which_a_search_may_give_a_trial_is_not_in_the_command(tmp_path, typed):
    """`run` would refuse it."""
    run = make_run(tmp_path, **typed, rotation=20.0)
    rewrite(
        run, overrides={key: {"file": None, "option": value} for key, value in (typed | {"rotation": 20.0}).items()}
    )
    words = closing.typed(collection.read(run))
    assert words["rotation"] == 20.0
    options = {key: value for key, value in words.items() if key != "weights"}
    assert parameters.load("resnet18", weights="random", **options).experiment.rotation == 20.0


def test_what_a_stranger_named_is_quoted_in_the_commands(tmp_path):
    run = make_run(tmp_path)
    content = run.record().to_dict()
    content["experiment"]["params"] = "$(touch here) `id`"
    write_content(run, content)
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert shlex.split(code.lines[0])[4:6] == ["--params", "$(touch here) `id`.toml"]


def test_commands_that_make_everything_again_carry_every_option(everything):
    (code,) = [block for block in compose(everything).blocks if isinstance(block, Code)]
    assert (
        "python cli.py run vgg16 --params p2 --loss ce --seed 0 --image-size 64 --weights random --data DIR"
        in code.lines
    )
    assert code.lines[-1] == "python cli.py compare --against scores.csv"


def test_a_command_names_what_a_parameter_set_has_changed_since_the_run(tmp_path):
    run = make_run(tmp_path, weights="imagenet")
    rewrite(run, overrides={}, weights={"requested": "imagenet", "origin": "imagenet"})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    words = shlex.split(code.lines[0])
    assert "--weights" not in words
    assert words[words.index("--layer-decay") + 1] == "1.0"
    assert words[words.index("--head-start") + 1] == "random"


def test_a_command_names_the_weights_of_a_users_file_that_has_the_name_of_a_shipped_one(tmp_path):
    run = make_run(tmp_path, params="p1", weights="random")
    rewrite(run, overrides={})
    assert closing.typed(collection.read(run))["weights"] == "random"


def test_a_command_names_random_weights_that_took_the_place_of_imagenets(tmp_path):
    run = make_run(tmp_path, weights="imagenet")
    rewrite(run, overrides={}, weights={"requested": "imagenet"})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert "--weights random" in code.lines[0]
    assert "--layer-decay" not in code.lines[0]


def test_the_command_that_makes_a_run_on_another_target_again_names_it(tmp_path):
    run = make_run(tmp_path, target="DR")
    rewrite(run, overrides={"target": {"file": "Disease_Risk", "option": "DR"}})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert "--target DR" in code.lines[0]


ENGLISH = Language("en")


def test_the_code_is_named_by_its_commit_and_whether_files_had_changed():
    assert closing.commit(Git(commit="c0ffee" * 6), ENGLISH) == "c0ffeec0ffee"
    assert closing.commit(Git(commit="c0ffee" * 6, dirty=True), ENGLISH) == "c0ffeec0ffee with changes"
    for nothing in (None, Git(commit=None, dirty=True)):
        assert closing.commit(nothing, ENGLISH) == "not in git"


def test_what_a_record_does_not_know_is_left_open(tmp_path):
    run = make_run(tmp_path)
    row = dict(zip(closing.PROVENANCE, closing.provenance_row(collection.read(run), ENGLISH), strict=True))
    assert row["wall"] == Cell("1.7 min", 100.0)
    assert (row["hardware"].text, row["recipe"].text) == ("a processor, 2 x", "-")
    assert row["versions"].text == "retina 0.1.0, keras 3.15.1, torch 2.13.0"
    rewrite(run, timings={"training_seconds": None}, environment={"cores": None, "packages": {"torch": "3"}})
    row = dict(zip(closing.PROVENANCE, closing.provenance_row(collection.read(run), ENGLISH), strict=True))
    assert row["wall"] == Cell("-")
    assert row["hardware"].text == "a processor, ? x"
    assert row["versions"].text == "retina ?, keras ?, torch 3"


def test_a_command_names_the_data_folder_unless_the_images_were_drawn(tmp_path):
    run = make_run(tmp_path)
    assert closing.command(collection.read(run)).endswith(" --data DIR")
    rewrite(run, data={"source": "built-in"})
    assert "--data" not in closing.command(collection.read(run))


def test_limitations_are_those_of_the_data_at_hand(tmp_path):
    def limits(compared):
        return closing.limitations(compared, ENGLISH)[1].texts

    def sentence(key):
        return ENGLISH.say(f"report.limitations.{key}", target=DISEASE_RISK)

    run = make_run(tmp_path / "a")
    plain = limits(comparison.compare([run]))
    assert sentence("label") in plain
    assert not {sentence("drawn"), sentence("published")} & set(plain)
    rewrite(run, data={"source": "built-in"})
    assert limits(comparison.compare([run]))[0] == sentence("drawn")
    other = make_run(tmp_path / "b", target="DR")
    assert sentence("label") not in limits(comparison.compare([other]))


def test_published_scores_bring_a_limitation_of_their_own(everything):
    (items,) = closing.limitations(everything, ENGLISH)[1:]
    assert items.texts[-1] == ENGLISH.say("report.limitations.published")


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_checklist_answers_every_item_of_it(everything, name):
    (table,) = closing.checklist(everything, Language(name))[2:]
    assert len(table.rows) == len(closing.CHECKLIST)
    assert all(cell.text for row in table.rows for cell in row)
