"""The report says what the tables say, the same in both languages, and nothing that the runs do not carry."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from composed_reports import compose, everything_said
from made_runs import make_run, rewrite, sealed

from retina.analysis.comparing import comparison
from retina.reporting import pictures
from retina.reporting.document import Chart, Heading, Items, Paragraph, Picture, Remarks, Table
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.publish import findings
from retina.reporting.terminal import comparison as terminal
from retina.runs import lease

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")


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
def test_no_sentence_is_missing_and_no_place_in_one_is_left_unfilled(everything, name):
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


def test_runs_on_other_data_are_never_paired_and_the_table_says_why(everything):
    apart = everything.pairs[everything.pairs["not_paired"].notna()]
    assert len(apart) == 9
    assert apart[["difference", "p_value", "standard_error"]].isna().all(axis=None)
    assert apart["not_paired"].str.contains("different data: eyes dddddddd and eyes eeeeeeee").all()


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


def test_models_that_call_all_images_the_same_are_not_counted_as_wrong(tmp_path):
    made = [make_run(tmp_path, skill=0.5), make_run(tmp_path, params="p2", skill=0.5)]
    text = made[1].predictions_path.read_text()
    made[1].predictions_path.write_text(re.sub(r"(?m),-?[\d.]+$", lambda found: f",{abs(float(found[0][1:]))}", text))
    sealed(made[1])
    compared = comparison.compare(made)
    assert set(compared.mistakes["models"]) == {1}
    assert set(compared.mistakes.query("model == 'resnet18 p1 ce'")["models_wrong"]) == {1}


def test_perfect_separation_and_a_missing_class_are_named_and_get_no_number(tmp_path):
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
