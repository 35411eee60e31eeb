"""Tables and findings as text that other programs read."""

import csv
import io
import json

import pandas as pd
import pytest

from retina.errors import RunError
from retina.reporting import publish
from retina.reporting.language import Language


def test_a_table_keeps_full_precision_and_leaves_what_is_missing_empty():
    frame = pd.DataFrame({"auroc": [0.1 + 0.2, None], "best_epoch": [3, None]})
    assert publish.table(frame) == "auroc,best_epoch\n0.30000000000000004,3\n,\n"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_text_that_a_spreadsheet_would_calculate_is_marked_as_text(name):
    (row,) = csv.DictReader(io.StringIO(publish.table(pd.DataFrame({"model": [name], "auroc": [-0.5]})), newline=""))
    assert row == {"model": f"'{name}", "auroc": "-0.5"}


def test_findings_are_plain_json_of_every_run_and_pair(everything):
    values = json.loads(json.dumps(publish.findings(everything, Language("en"))))
    assert list(values["runs"]) == [entry.name for entry in everything.entries]
    assert len(values["pairs"]) == len(everything.verdicts)
    assert set(values["imbalance"]) == {group.name for group in everything.groups}
    assert values["damaged"] == list(everything.damaged)


@pytest.mark.parametrize("name", publish.WRITTEN)
def test_a_folder_with_such_a_file_and_no_comparison_is_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match="a folder of its own"):
        publish.refuse_foreign(tmp_path)


def test_an_empty_folder_a_missing_one_and_an_earlier_comparison_are_not_refused(tmp_path, everything):
    publish.refuse_foreign(tmp_path)
    publish.refuse_foreign(tmp_path / "missing")
    (tmp_path / "findings.json").write_text(json.dumps(publish.findings(everything, Language("en"))))
    (tmp_path / "report.md").write_text("of an earlier comparison")
    publish.refuse_foreign(tmp_path)
