"""The tables of discrimination: what is ranked, what is not, and what is cut."""

import dataclasses
import itertools
import math
from pathlib import Path

import pandas as pd
import pytest
from composed_reports import compose, everything_said, tables
from made_runs import make_run, sealed

from retina.analysis.comparing import comparison
from retina.numbers import statistics
from retina.reporting import cells, pictures
from retina.reporting.document import Cell, Chart, Heading, Picture
from retina.reporting.language import Language
from retina.reporting.sections import results


def test_runs_are_in_order_of_validation_and_the_unfinished_are_not_ranked(everything):
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


def test_seeds_are_apart_from_intervals_over_images(everything):
    (table,) = tables(compose(everything), "other seeds")
    assert [row[1].text for row in table.rows] == ["2", "2"]
    rows = everything.scores.query("seeds == 2 and split == 'test'")
    assert len(set(rows["auroc_seed_mean"])) == 1
    assert rows["auroc_seed_mean"].iloc[0] == pytest.approx(rows["auroc"].mean())
    assert rows["auroc_seed_sd"].iloc[0] == pytest.approx(rows["auroc"].std(ddof=1))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    counts = {"train": (4, 2), "validation": (6, 3), "test": (8, 4)}
    made = [
        make_run(folder, ("vgg16", "resnet18")[n % 2], params, seed=n // 4, counts=counts, epochs=4, digest=f"{n:08d}")
        for n, params in zip(range(60), itertools.cycle(["p1", "p1", "p2", "p2"]), strict=False)
    ]
    return {full: comparison.compare(made, full=full) for full in (False, True)}


def test_many_models_are_compared_with_the_first_alone_and_the_report_says_so(many):
    pairs, first = many[False].pairs, many[False].groups[0].candidates[0].label
    assert len(pairs) == 59
    assert set(pairs["model_a"]) == {first}
    assert pairs["p_holm"].tolist() == pytest.approx(statistics.holm(pairs["p_value"]).tolist())
    whole = many[True].pairs
    same = whole[whole["model_a"] == first].reset_index(drop=True)
    without = [name for name in pairs if not name.endswith("holm")]
    pd.testing.assert_frame_equal(pairs[without], same[without])
    document = compose(many[False])
    assert "Of more than 50 models only the pairs with the first are tested" in everything_said(document)
    assert "cli.py compare --full" in everything_said(document)
    assert f"only the pairs with {first} were tested" in everything_said(document)
    assert "no pair can be told apart" not in everything_said(document)
    assert not [block for block in document.blocks if isinstance(block, Picture) and block.stem.startswith("pairwise")]


def test_of_many_runs_the_first_are_drawn_and_the_report_says_so(many):
    for full, curves, pairs in ((False, 40, 20), (True, 60, 30)):
        document = compose(many[full])
        charts = [block.picture.stem for block in document.blocks if isinstance(block, Chart)]
        stems = [block.stem for block in document.blocks if isinstance(block, Picture)]
        assert len(charts) == curves
        assert sum(stem.startswith("params-") for stem in stems) == pairs
        assert {item.stem for item in pictures.pictures(many[full], Path())} == {*charts, *stems}
        assert ("curves of 40 of 60 runs" in everything_said(document)) is not full
        assert ("Drawn are 20 of 30 pairs" in everything_said(document)) is not full
    ranked = [candidate.entry for candidate in many[False].groups[0].candidates]
    assert [pictures.curve_stem(entry) for entry in ranked[:40]] == [
        pictures.curve_stem(entry) for entry in pictures.drawn_runs(many[False])
    ]


def test_a_run_that_contradicts_the_others_is_named_and_its_curve_is_drawn(tmp_path):
    made = [make_run(tmp_path, seed=seed, params=params) for seed in range(26) for params in ("p1", "p2")]
    path = made[-1].predictions_path
    path.write_text(path.read_text().replace("test,1,", "test,another,"))
    sealed(made[-1])
    compared = comparison.compare(made[-4:])
    assert "different images" in compared.damaged[0]
    assert compared.ordered[-1].name == made[-1].folder.name
    document = compose(compared)
    assert len([block for block in document.blocks if isinstance(block, Chart)]) == 4
    assert "Drawn are" not in everything_said(document)
    assert len(pictures.drawn_verdicts(comparison.compare(made), "params")) == 20


def test_a_full_report_of_many_runs_cuts_its_long_tables_and_says_so(many):
    assert len(many[True].pairs) == 60 * 59 / 2
    document = compose(many[True])
    (ranked,) = tables(document, "in order of validation AUROC")
    assert len(ranked.rows) == 60
    (pairs,) = tables(document, "Pairs of models")
    assert len(pairs.rows) == 59
    assert "pairwise.csv holds all 1770" in everything_said(document)
    (points,) = tables(document, "Operating points on test")
    assert len(points.rows) == 60
    assert "the first 20 of 60 models" in points.notes[-1]


ENGLISH = Language("en")
MISSING = Cell(ENGLISH.say("report.none"))


def test_images_that_one_model_alone_got_right_are_sorted_by_their_difference():
    assert results.only(7.0, 3.0, ENGLISH) == Cell("7 / 3", 4.0)
    for a, b in ((None, 3.0), (7.0, math.nan)):
        assert results.only(a, b, ENGLISH) == MISSING


def test_a_model_without_test_images_has_a_row_as_long_as_the_others(everything):
    assert results.test_cells(None, ENGLISH) == (Cell("-"),) * 9
    row = cells.rows(everything.scores, split="test")[0]
    shown = results.test_cells(row, ENGLISH)
    assert len(shown) == 9
    assert shown[0].value == row["auroc"]
    assert [cell.value for cell in shown[4:]] == [
        row[key] for key in ("balanced_accuracy", "mcc", "f1", "brier", "log_loss")
    ]


def test_a_pair_shows_both_p_values_and_its_difference_with_its_sign(everything):
    row = cells.rows(everything.pairs[everything.pairs["p_holm"].notna()])[0]
    shown = results.pair_row(row, ENGLISH)
    assert len(shown) == len(results.PAIRS)
    assert shown[0].text == f"{row['model_a']}, {row['model_b']}"
    assert shown[1].text.startswith(f"{row['difference']:+.3f} ({row['low']:+.3f}")
    assert [shown[place].value for place in (1, 3, 4, 5)] == [
        row[key] for key in ("difference", "p_value", "p_holm", "smallest_detectable")
    ]


def test_runs_that_could_not_be_read_are_listed_and_nothing_is_where_all_are_ranked(everything):
    whole = dataclasses.replace(everything, entries=tuple(entry for entry in everything.entries if entry.finished))
    assert results.unranked_blocks(whole, ENGLISH) == []
    damaged = dataclasses.replace(whole, damaged=("a record is damaged", "another"))
    (items,) = results.unranked_blocks(damaged, ENGLISH)
    assert [("a record is damaged" in items.texts[0]), len(items.texts)] == [True, 2]
