"""The tables of discrimination: what is ranked, what is not, and what is cut."""

import dataclasses
import math

import pytest
from composed_reports import compose, everything_said, tables
from made_runs import make_run

from retina.analysis.comparing import comparison
from retina.reporting import cells
from retina.reporting.document import Cell, Heading
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
    assert rows["auroc_seed_mean"].nunique() == 1
    assert rows["auroc_seed_mean"].iloc[0] == pytest.approx(rows["auroc"].mean())
    assert rows["auroc_seed_sd"].iloc[0] == pytest.approx(rows["auroc"].std(ddof=1))


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
