"""The diagnosis in the report: verdicts, times, and every run with its curves."""

import dataclasses
import math

import pytest
from composed_reports import compose
from made_runs import make_run, rewrite

from retina.analysis.comparing import comparison
from retina.analysis.diagnosis import Finding
from retina.reporting import wording
from retina.reporting.document import Paragraph
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.sections import curves


@pytest.mark.parametrize("name", LANGUAGES)
def test_time_outside_of_epochs_is_named_beside_the_epochs(tmp_path, name):
    runs = [make_run(tmp_path), make_run(tmp_path, seed=1)]
    rewrite(runs[0], timings={"feature_seconds": 12.5})
    said = [block.text for block in compose(comparison.compare(runs, []), name).blocks if isinstance(block, Paragraph)]
    assert len([text for text in said if " 12.5 " in text]) == 1


ENGLISH = Language("en")


def test_values_that_are_not_finite_are_left_open():
    assert curves.finite([0.5, math.nan, math.inf, 0.25]) == (0.5, None, None, 0.25)


def test_runs_come_in_the_order_of_the_tables_and_the_unranked_last(everything):
    names = [entry.name for entry in everything.ordered]
    ranked = [candidate.entry.name for group in everything.groups for candidate in group.candidates if candidate.entry]
    assert names == [*ranked, *(entry.name for entry in everything.unfinished)]
    assert sorted(names) == sorted(entry.name for entry in everything.entries)


def test_a_run_without_an_epoch_has_no_curve_and_says_so(everything):
    bare = next(entry for entry in everything.unfinished if not len(entry.history))
    heading, paragraph = curves.run_blocks(bare, (), 4, ENGLISH, drawn=True)
    assert (heading.text, heading.anchor) == (bare.label, "run-4")
    assert paragraph.text == curves.say(ENGLISH, "no_curve")


def test_a_chart_holds_the_history_and_the_epochs_that_are_marked(everything):
    entry = everything.groups[0].entries[0]
    chart = curves.chart(entry, everything.findings[entry.name], ENGLISH)
    assert chart.epochs == tuple(range(1, 11))
    assert next(iter(chart.series.values())) == tuple(entry.history["val_loss"])
    assert (len(chart.series), chart.losses) == (5, 2)
    assert entry.record.best_epoch in chart.marks.values()


@pytest.mark.parametrize("name", LANGUAGES)
def test_findings_keep_their_order_and_severity(name):
    language = Language(name)
    findings = [
        Finding.make("warning", "unfinished.running", (), epochs_run=2, budget=10),
        Finding.make("info", "too_short.said", (), epochs_run=2, needed=4),
    ]
    remarks = curves.remarks(findings, language).remarks
    assert [remark.severity for remark in remarks] == ["warning", "info"]
    assert [remark.label for remark in remarks] == [language.say(f"report.severity.{s}") for s in ("warning", "info")]
    assert [remark.text for remark in remarks] == [wording.sentence(finding, language) for finding in findings]


@pytest.mark.parametrize("kind", ["params", "loss"])
def test_a_kind_of_pair_that_is_missing_is_named(everything, kind):
    alone = dataclasses.replace(everything, verdicts=tuple(item for item in everything.verdicts if item.kind != kind))
    heading, paragraph = curves.verdicts(alone, kind, ENGLISH)
    word = {"params": "params_word", "loss": "loss_word"}[kind]
    assert paragraph.text == curves.say(ENGLISH, "pair_missing", what=curves.say(ENGLISH, word))
    assert heading.level == 3
