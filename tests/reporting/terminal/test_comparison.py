"""A comparison as text: a table of each group in columns, its sentences, and the runs that are not ranked."""

import pytest
from made_runs import make_run, make_study

from retina.analysis.comparing import comparison
from retina.reporting.language import LANGUAGES, Language
from retina.reporting.terminal.comparison import MOST, render


@pytest.mark.parametrize("name", LANGUAGES)
def test_models_are_in_columns_the_best_on_validation_first(tmp_path, name):
    compared = comparison.compare(make_study(tmp_path))
    models = [item.label for item in compared.groups[0].candidates]
    rows = render(compared, Language(name)).splitlines()[3:10]
    assert [row[: len(model)] for row, model in zip(rows, models, strict=True)] == models
    validation = [float(row[len(model) :].split()[0]) for row, model in zip(rows, models, strict=True)]
    assert validation == sorted(validation, reverse=True)


def test_more_models_than_fit_are_counted(tmp_path):
    runs = [make_run(tmp_path, seed=seed) for seed in range(MOST + 3)]
    assert "\n... 3\n" in render(comparison.compare(runs), Language("en"))


def test_without_a_finished_run_the_others_are_listed_with_their_state(tmp_path):
    text = render(comparison.compare([make_run(tmp_path, status="interrupted", epochs=2)]), Language("en"))
    assert text.startswith(Language("en").say("report.summary.nothing"))
    assert text.splitlines()[-1].startswith("resnet18 p1 ce: ")
