"""Runs that retina wrote before its record had a type and a target (schema 2) are read, compared and gone on with.

`schema-2/README.md` beside the helpers says how they were made.
"""

import csv
import hashlib
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from small_runs import planned, small_network

from retina.analysis.comparing import comparison, summary
from retina.experiments.experiment import Experiment
from retina.experiments.target import DEFAULT
from retina.reporting.language import Language
from retina.reporting.publish import TABLES, findings, table
from retina.runs import status
from retina.runs.folder import Run, list_runs
from retina.training import execution
from retina.training.saving import checkpoint

HOME = Path(__file__).parent / "support" / "schema-2"
ROUNDING = "7e05b9ee9945c7681ee720984246880c78e415508d34d12e3e51d1dd0072795e"
"""How the processor that made the tables rounds; others may differ in the last digits."""


@pytest.fixture(scope="module")
def compared():
    return comparison.compare(comparison.select(HOME, []))


def rounding():
    """Digits that depend on how this processor's vector instructions round."""
    x = np.linspace(-20, 20, 4001)
    values = np.concatenate([np.exp(x), np.log1p(np.exp(-np.abs(x))), expit(x), [x @ x, np.exp(x).sum()]])
    return hashlib.sha256(values.tobytes()).hexdigest()


def is_same(new, old):
    """Whether two texts are the same; numbers, on a processor that rounds otherwise, to nine digits."""
    if new == old or rounding() == ROUNDING:
        return new == old
    try:
        return ("." in new) == ("." in old) and math.isclose(float(new), float(old), rel_tol=1e-9, abs_tol=1e-12)
    except ValueError:
        return False


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_column_of_a_table_is_as_it_was(compared, name):
    old = list(csv.DictReader((HOME / "comparison" / name).read_text().splitlines()))
    new = list(csv.DictReader(table(TABLES[name](compared)).splitlines()))
    assert len(new) == len(old) > 0
    assert [column for column in new[0] if column in old[0]] == list(old[0])
    for row, before in zip(new, old, strict=True):
        assert {column: row[column] for column in before if not is_same(row[column], before[column])} == {}


def leaves(value, trail=""):
    """Every value in nested JSON as text, below its dotted key."""
    if isinstance(value, dict):
        return {key: leaf for name, item in value.items() for key, leaf in leaves(item, f"{trail}.{name}").items()}
    if isinstance(value, list):
        return {key: leaf for place, item in enumerate(value) for key, leaf in leaves(item, f"{trail}.{place}").items()}
    return {trail: json.dumps(value)}


def test_the_findings_are_as_they_were(compared):
    text = (HOME / "comparison" / "findings.json").read_text()
    again = json.dumps(findings(compared, Language("en")), indent=2) + "\n"
    if rounding() == ROUNDING:
        assert again == text
    new, old = leaves(json.loads(again)), leaves(json.loads(text))
    assert list(new) == list(old)
    assert {key: new[key] for key in old if not is_same(new[key], old[key])} == {}
    assert {verdict.kind for verdict in compared.verdicts} == {"loss", "params"}


def test_a_record_of_schema_2_has_the_default_target_and_all_that_was_written():
    for run in list_runs(HOME):
        record = run.record()
        assert record.target == DEFAULT
        written = json.loads(run.record_path.read_text())
        del written["seal"]
        again = record.to_dict()
        newer = {key: value for key, value in again["experiment"].items() if key not in written["experiment"]}
        assert newer == {key: getattr(Experiment, key) for key in newer}, "settings of later versions at their defaults"
        written["experiment"] |= newer
        assert again == written | {"schema": 3, "target": DEFAULT.to_dict()}
        assert list(run.predictions().columns) == ["split", "id", "label", "logit"]
        assert summary.summarize(run).results["test"].images == record.data.splits["test"].images


def test_a_run_that_was_interrupted_goes_on_and_its_record_is_of_todays_schema(tmp_path):
    shutil.copytree(HOME / "interrupted", tmp_path, dirs_exist_ok=True)
    (run,) = list_runs(tmp_path)
    before, rows = status.record(run), run.history_path.read_text()
    assert (before.status, before.epochs_run, before.sessions) == ("interrupted", 2, ())
    prepared = planned(tmp_path / "eyes", tmp_path, precision="float32", epochs=4)
    assert prepared.name == run.folder.name, "the same experiment has the digest that it had"
    assert execution.epochs_reached(prepared) == 2
    resumed, reused = execution.execute(prepared, build=small_network)
    assert (resumed.folder, reused) == (run.folder, False)
    record = resumed.record()
    assert json.loads(resumed.record_path.read_text())["schema"] == 3
    assert (record.finished, record.epochs_run, record.attempt) == (True, 4, before.attempt + 1)
    (session,) = record.sessions
    assert (session.started, session.epochs_run) == (before.timings.started, 2)
    assert session.environment == before.environment
    assert resumed.history_path.read_text().startswith(rows)
    assert not checkpoint.path(resumed).exists()
    assert comparison.compare([Run(resumed.folder)]).damaged == ()
