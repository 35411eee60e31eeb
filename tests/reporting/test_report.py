"""The report says what the tables say, the same in both languages, and nothing that the runs do not carry."""

import json
import re
import shlex
from collections import Counter
from dataclasses import replace

import pytest
from made_runs import make_run, rewrite, sealed, write_content

from retina.analysis.comparing import comparison
from retina.reporting import pictures, report
from retina.reporting.document import Chart, Code, Heading, Items, Paragraph, Picture, Remarks, Table
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.publish import findings
from retina.reporting.terminal import comparison as terminal
from retina.reporting.writers import markdown
from retina.runs import lease
from retina.runs.data import Exclusion

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")


def compose(compared, name="en"):
    return report.compose(compared, Language(name))


def tables(document, title):
    return [block for block in document.blocks if isinstance(block, Table) and title in block.title]


def everything_said(document):
    return markdown.render(document)


def test_both_languages_say_the_same_numbers(everything):
    english, chinese = (Counter(NUMBER.findall(everything_said(compose(everything, name)))) for name in LANGUAGES)
    assert english == chinese
    assert sum(english.values()) > 1000


def test_both_languages_have_the_same_blocks_in_the_same_order(everything):
    def outline(name):
        return [
            (type(block).__name__, getattr(block, "anchor", None), getattr(block, "stem", None))
            for block in compose(everything, name).blocks
        ]

    assert outline("en") == outline("zh-TW")


@pytest.mark.parametrize("name", LANGUAGES)
def test_nothing_is_left_unsaid_or_unfilled(everything, name):
    document = compose(everything, name)
    text = everything_said(document)
    assert not re.search(r"\{[a-z_]*(:[^}]*)?\}", text)
    for pattern in ("nan", "None", "inf", r"report\.[a-z_.]+", r"findings\.[a-z_]+(?<!json)"):
        assert not re.search(rf"(?<![A-Za-z]){pattern}(?![A-Za-z])", text), pattern
    assert document.language == name
    if name != "en":
        sentences = [block.text for block in document.blocks if isinstance(block, Paragraph)]
        assert all(re.search(r"[\u4e00-\u9fff]", sentence) for sentence in sentences)


def test_anchors_are_unique_and_every_table_is_rectangular(everything):
    document = compose(everything)
    anchors = [block.anchor for block in document.blocks if isinstance(block, Heading)]
    assert len(anchors) == len(set(anchors))
    assert all(re.fullmatch(r"[a-z0-9-]+", anchor) for anchor in anchors)
    for block in document.blocks:
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} == {len(block.columns)}


def test_every_picture_of_the_report_is_drawn_and_every_drawn_picture_is_in_the_report(everything, tmp_path):
    blocks = compose(everything).blocks
    named = [block.stem for block in blocks if isinstance(block, Picture)]
    named += [block.picture.stem for block in blocks if isinstance(block, Chart)]
    drawn = [picture.stem for picture in pictures.pictures(everything, tmp_path)]
    assert sorted(named) == sorted(drawn)
    assert len(set(drawn)) == len(drawn)


def test_runs_stand_in_order_of_validation_and_the_unfinished_are_not_ranked(everything):
    document = compose(everything)
    ranked = tables(document, "in order of validation AUROC")[0]
    values = [row[4].value for row in ranked.rows if row[4].value is not None]
    assert values == sorted(values, reverse=True)
    (unranked,) = tables(document, "not ranked")
    assert {row[1].text for row in unranked.rows} == {"diverged", "interrupted"}
    names = {row[0].text for table in tables(document, "in order of validation AUROC") for row in table.rows}
    assert not names & {row[0].text for row in unranked.rows}
    for entry in everything.unfinished:
        assert any(isinstance(block, Heading) and block.text == entry.label for block in document.blocks)


def test_runs_on_other_data_are_never_paired_and_the_table_says_why(everything):
    apart = everything.pairs[everything.pairs["not_paired"].notna()]
    assert len(apart) == 9
    assert apart[["difference", "p_value", "standard_error"]].isna().all(axis=None)
    assert apart["not_paired"].str.contains("different data: eyes dddddddd and eyes eeeeeeee").all()


def test_seeds_stand_apart_from_intervals_over_images(everything):
    (table,) = tables(compose(everything), "other seeds")
    assert [row[1].text for row in table.rows] == ["2", "2"]
    rows = everything.scores.query("seeds == 2 and split == 'test'")
    assert rows["auroc_seed_mean"].nunique() == 1
    assert rows["auroc_seed_mean"].iloc[0] == pytest.approx(rows["auroc"].mean())
    assert rows["auroc_seed_sd"].iloc[0] == pytest.approx(rows["auroc"].std(ddof=1))


def test_operating_points_come_from_validation_alone(results, tmp_path):
    """Turning every test label around changes no threshold."""
    run = make_run(tmp_path / "a", skill=1.5)
    other = make_run(tmp_path / "b", skill=1.5)
    text = other.predictions_path.read_text()
    turned = re.sub(r"(?m)^(test,\d+),([01])", lambda found: f"{found[1]},{1 - int(found[2])}", text)
    other.predictions_path.write_text(turned)
    splits = other.record().data.splits
    rewrite(other, data={"splits": splits | {"test": replace(splits["test"], positives=12)}})
    sealed(other)
    thresholds = [comparison.compare([item]).operating_points["threshold"].tolist() for item in (run, other)]
    assert thresholds[0] == thresholds[1]
    validation = comparison.compare([run]).operating_points.query("split == 'validation'")
    screening = validation[validation["point"] == "sensitivity_95"].iloc[0]
    assert screening["sensitivity"] >= 0.95


def test_imbalance_is_told_from_the_labels(everything):
    text = everything_said(compose(everything))
    assert "111 of 148 images (75.0%) are diseased" in text


def test_a_clear_difference_is_told_in_its_direction_whichever_run_comes_first(tmp_path):
    """The better run is once first and once second by name; the sentence is the same."""
    for folder, skills in (("a", (1.5, 0.1)), ("b", (0.1, 1.5))):
        made = [
            make_run(tmp_path / folder, params=params, skill=skill)
            for params, skill in zip(("p1", "p2"), skills, strict=True)
        ]
        better, worse = ("p1", "p2") if folder == "a" else ("p2", "p1")
        compared = comparison.compare(made)
        text = everything_said(compose(compared))
        assert f"It can be told apart from the next in order, resnet18 {worse} ce: " in text
        assert re.search(r"their test AUROCs differ by \+0\.\d+ \(\+0\.\d+ to \+0\.\d+", text)
        assert f"resnet18 {better} ce ranks these test images better than resnet18 {worse} ce (AUROC +0." in text


def test_runs_that_answer_alike_are_not_told_apart(tmp_path):
    made = [make_run(tmp_path, skill=1.0), make_run(tmp_path, skill=1.0, params="p2")]
    text = everything_said(compose(comparison.compare(made)))
    assert "It cannot be told apart" in text
    assert "no pair can be told apart by AUROC" in text
    assert "no evidence that they are equal" in text


def test_options_of_yes_and_no_are_written_as_they_are_typed(tmp_path):
    run = make_run(tmp_path, early_stopping=False)
    rewrite(run, overrides={"early_stopping": {"file": True, "option": False}})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert "--no-early-stopping" in code.lines[0]


def test_what_a_stranger_named_is_quoted_in_the_commands(tmp_path):
    run = make_run(tmp_path)
    content = run.record().to_dict()
    content["experiment"]["params"] = "$(touch here) `id`"
    write_content(run, content)
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert shlex.split(code.lines[0])[4:6] == ["--params", "$(touch here) `id`.toml"]


def test_commands_that_make_everything_again_carry_every_option(everything):
    (code,) = [block for block in compose(everything).blocks if isinstance(block, Code)]
    assert "python cli.py run vgg16 --params p2 --loss ce --seed 0 --weights random --data DIR" in code.lines
    assert code.lines[-1] == "python cli.py compare --against scores.csv"


def test_findings_are_plain_json_with_a_sentence_each(everything):
    for name in LANGUAGES:
        found = json.loads(json.dumps(findings(everything, Language(name)), allow_nan=False))
        said = [item for run in found["runs"].values() for item in run["findings"]]
        said += [item for pair in found["pairs"] for item in pair["findings"]]
        assert len(said) > 20
        for item in said:
            assert set(item) == {"rule", "severity", "epochs", "numbers", "sentence"}
            assert item["sentence"]


def test_the_terminal_shows_the_table_and_the_same_sentences(everything):
    for name in LANGUAGES:
        text = terminal.render(everything, Language(name))
        first = next(block for block in compose(everything, name).blocks if isinstance(block, Items))
        assert all(sentence in text for sentence in first.texts)
        assert "resnet18 p1 ce" in text


def test_one_run_and_no_pair_make_a_report_too(tmp_path):
    compared = comparison.compare([make_run(tmp_path)])
    text = everything_said(compose(compared))
    assert "nothing can be said about a difference" in text
    assert "No two finished runs differ in their loss alone" in text


def test_only_unfinished_runs_are_diagnosed_and_not_ranked(tmp_path):
    run = make_run(tmp_path, status="running", epochs=4)
    with lease.take(run.folder):
        compared = comparison.compare([run])
    document = compose(compared)
    assert "No run is finished" in everything_said(document)
    assert any(isinstance(block, Remarks) for block in document.blocks)
    assert "running" in terminal.render(compared, Language("en"))


def test_listed_found_excluded_and_used_add_up_per_class(tmp_path):
    run = make_run(tmp_path)
    excluded = (
        Exclusion(split="train", id="7", reason="there is no image", label=1, found=False),
        Exclusion(split="train", id="8", reason="it cannot be decoded", label=0, found=True),
    )
    rewrite(run, data={"excluded": excluded})
    (table,) = tables(compose(comparison.compare([run])), "Images of")
    assert [cell.text for cell in table.rows[0][1:7]] == ["62", "61", "2 (1)", "60", "45", "15"]


def test_models_that_call_all_images_the_same_are_not_counted_as_wrong(tmp_path):
    made = [make_run(tmp_path, skill=0.5), make_run(tmp_path, params="p2", skill=0.5)]
    text = made[1].predictions_path.read_text()
    made[1].predictions_path.write_text(re.sub(r"(?m),-?[\d.]+$", lambda found: f",{abs(float(found[0][1:]))}", text))
    sealed(made[1])
    compared = comparison.compare(made)
    assert set(compared.mistakes["models"]) == {1}
    assert set(compared.mistakes.query("model == 'resnet18 p1 ce'")["models_wrong"]) == {1}


def test_a_platt_slope_below_0_is_named(tmp_path):
    text = everything_said(compose(comparison.compare([make_run(tmp_path, skill=-1.0)])))
    assert "turns the ranking of a model around (resnet18 p1 ce)" in text


def test_published_models_without_validation_are_in_order_of_names_and_say_so(published):
    text = everything_said(compose(comparison.compare([], [published])))
    assert "stand in order of their names; the first is Theirs (published)" in text
    assert "Each run trained" not in text


def test_perfect_separation_and_a_missing_class_are_said_not_pretended(tmp_path):
    perfect = make_run(tmp_path / "a", skill=50.0)
    other = make_run(tmp_path / "a", skill=50.0, params="p2")
    text = everything_said(compose(comparison.compare([perfect, other])))
    assert "1.000" in text
    assert "not estimable" in text
    assert "nan" not in text
    one_class = make_run(tmp_path / "b", counts={"train": (8, 4), "validation": (6, 3), "test": (5, 5)})
    twin = make_run(tmp_path / "b", params="p2", counts={"train": (8, 4), "validation": (6, 3), "test": (5, 5)})
    text = everything_said(compose(comparison.compare([one_class, twin])))
    assert "not estimable" in text
    assert "these images allow no test" in text
    assert "nan" not in text
    assert "no pair can be told apart" not in text


def test_many_runs_make_a_report_whose_long_tables_are_cut_and_say_so(tmp_path):
    counts = {"train": (4, 2), "validation": (6, 3), "test": (8, 4)}
    made = [
        make_run(tmp_path, ("vgg16", "resnet18")[n % 2], seed=n // 2, counts=counts, epochs=4, digest=f"{n:08d}")
        for n in range(60)
    ]
    compared = comparison.compare(made)
    assert len(compared.pairs) == 60 * 59 / 2
    document = compose(compared)
    (ranked,) = tables(document, "in order of validation AUROC")
    assert len(ranked.rows) == 60
    (pairs,) = tables(document, "Pairs of models")
    assert len(pairs.rows) == 59
    assert "pairwise.csv holds all 1770" in everything_said(document)
    (points,) = tables(document, "Operating points on test")
    assert len(points.rows) == 60
    assert "the first 20 of 60 models" in points.notes[-1]


@pytest.mark.parametrize("name", LANGUAGES)
def test_time_that_no_epoch_counts_is_told_beside_the_epochs(tmp_path, name):
    runs = [make_run(tmp_path), make_run(tmp_path, seed=1)]
    rewrite(runs[0], timings={"feature_seconds": 12.5})
    said = [block.text for block in compose(comparison.compare(runs, []), name).blocks if isinstance(block, Paragraph)]
    assert len([text for text in said if " 12.5 " in text]) == 1


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


def test_the_command_that_makes_a_run_on_another_target_again_names_it(tmp_path):
    run = make_run(tmp_path, target="DR")
    rewrite(run, overrides={"target": {"file": "Disease_Risk", "option": "DR"}})
    (code,) = [block for block in compose(comparison.compare([run])).blocks if isinstance(block, Code)]
    assert "--target DR" in code.lines[0]
