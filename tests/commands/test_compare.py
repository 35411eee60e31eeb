"""`python cli.py compare` as a user meets it."""

import csv
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from made_runs import make_run, make_study, write_content

from retina import PACKAGE
from retina.cli import main
from retina.reporting.publish import WRITTEN

ROOT = PACKAGE.parent
BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "keras", "tensorflow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
from retina.cli import main
main()
"""


def call(*words):
    return CliRunner().invoke(main, ["compare", *(str(word) for word in words)])


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A results folder with two runs, and the comparison of them."""
    results = tmp_path_factory.mktemp("study")
    make_run(results)
    make_run(results, params="p2", digest="1" * 8)
    done = call("--results", results)
    assert done.exit_code == 0, done.output
    return results, done


def test_one_command_writes_tables_findings_figures_and_both_reports(study):
    results, done = study
    out = results / "comparison"
    assert sorted(path.name for path in out.iterdir()) == sorted(WRITTEN)
    assert (out / "figures" / "forest-0.png").read_bytes().startswith(b"\x89PNG")
    assert str(out / "report.md") in done.stdout
    assert "cannot be told apart" in done.stdout or "can be told apart" in done.stdout
    assert done.stderr == ""


def test_the_same_runs_give_the_same_bytes(study, tmp_path):
    results, _ = study
    assert call("--results", results, "--out", tmp_path / "again").exit_code == 0
    assert files_of(tmp_path / "again") == files_of(results / "comparison")


def test_tables_are_tidy_and_every_column_is_explained(study):
    explained = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    for name in ("comparison.csv", "operating_points.csv", "pairwise.csv", "mistakes.csv"):
        with (study[0] / "comparison" / name).open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert rows
        for column in rows[0]:
            assert f"`{column}`" in explained, f"{name}: {column}"


def test_a_second_comparison_takes_the_place_of_the_first_and_leaves_other_files_alone(tmp_path):
    make_run(tmp_path)
    extra = make_run(tmp_path, params="p2", digest="1" * 8)
    assert call("--results", tmp_path).exit_code == 0
    out = tmp_path / "comparison"
    (out / "notes.txt").write_text("mine")
    (out / "figures" / "stale.png").write_text("old")
    for path in extra.folder.iterdir():
        path.unlink()
    extra.folder.rmdir()
    assert call("--results", tmp_path).exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert not list((out / "figures").glob("*p2*"))
    assert not (out / "figures" / "stale.png").exists()
    assert "p2" not in (out / "report.md").read_text()


def test_runs_may_be_named_by_name_or_folder(tmp_path):
    names = [run.folder.name for run in make_study(tmp_path)]
    done = call(names[0], tmp_path / "runs" / names[1], "--results", tmp_path, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    assert sorted(json.loads(done.stdout)["runs"]) == sorted(names[:2])


def test_the_report_can_be_had_in_traditional_chinese(study, tmp_path):
    done = call("--results", study[0], "--out", tmp_path, "--lang", "zh-TW")
    assert done.exit_code == 0
    assert "驗證集" in done.stdout
    assert "各次訓練的診斷" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert '<html lang="zh-TW"' in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is no run to compare"),
        (("absent",), "no run 'absent'"),
        (("--against", "absent.csv"), "published scores cannot be read"),
    ],
)
def test_nothing_to_compare_is_one_line(tmp_path, words, said):
    done = call("--results", tmp_path, *words)
    assert done.exit_code == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_is_named_the_rest_is_compared_and_the_exit_code_is_1(tmp_path):
    make_run(tmp_path)
    bad = make_run(tmp_path, params="p2", digest="1" * 8)
    bad.record_path.write_text("{")
    older = make_run(tmp_path, params="p2", digest="2" * 8)
    older.record_path.write_text(older.record_path.read_text().replace('"schema": 3', '"schema": 0'))
    done = call("--results", tmp_path)
    assert done.exit_code == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert str(bad.record_path) in lines[0]
    assert "another schema" in lines[1]
    text = (tmp_path / "comparison" / "report.md").read_text()
    assert "resnet18 p1 ce" in text
    assert "Damaged, and left out" in text


def test_unfinished_and_diverged_runs_are_shown_with_the_reason(tmp_path):
    make_run(tmp_path)
    make_run(tmp_path, seed=1, status="diverged", epochs=2)
    done = call("--results", tmp_path)
    assert done.exit_code == 0
    assert "diverged, 2 of at most 10 epochs finished" in done.stdout


def test_a_file_in_place_of_the_folder_is_one_line_and_stays(study, tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    done = call("--results", study[0], "--out", path)
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["report.md", "figures/thesis.png", "comparison.csv"])
def test_a_folder_with_files_of_those_names_and_no_comparison_is_left_alone(study, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    done = call("--results", study[0], "--out", tmp_path)
    assert done.exit_code == 1
    assert "a folder of its own" in done.stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("text", ["3", "null", '["schema"]', '{"schema": 1}', "{"])
def test_a_file_of_findings_that_is_none_is_left_alone(study, tmp_path, text):
    (tmp_path / "findings.json").write_text(text)
    done = call("--results", study[0], "--out", tmp_path)
    assert done.exit_code == 1
    assert "a folder of its own" in done.stderr
    assert files_of(tmp_path) == {"findings.json": text.encode()}


def test_nothing_is_left_in_a_new_place_where_a_comparison_failed(study, tmp_path, monkeypatch):
    from retina.errors import RetinaError
    from retina.reporting.writers import html

    def fail(*_):
        raise RetinaError("the disk is full")

    monkeypatch.setattr(html, "render", fail)
    assert call("--results", study[0], "--out", tmp_path / "new").exit_code == 1
    assert not (tmp_path / "new").exists()


def test_hidden_files_of_the_user_stay(study, tmp_path):
    (tmp_path / ".draft").mkdir()
    (tmp_path / ".draft" / "mine").write_text("mine")
    assert call("--results", study[0], "--out", tmp_path).exit_code == 0
    assert (tmp_path / ".draft" / "mine").read_text() == "mine"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_of_one_class_makes_a_whole_comparison(tmp_path, split):
    counts = {"train": (8, 4), "validation": (6, 3), "test": (8, 4)} | {split: (5, 5)}
    for params in ("p1", "p2"):
        make_run(tmp_path, params=params, counts=counts)
    done = call("--results", tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "comparison" / "report.html").is_file()


def test_published_validation_scores_alone_make_a_whole_comparison_and_the_command_again(tmp_path):
    (tmp_path / "s.csv").write_text("id,label,K\n1,0,0.2\n2,1,0.7\n3,1,0.4\n4,0,0.5\n")
    done = call("--results", tmp_path, "--out", tmp_path / "out", "--against", f"validation={tmp_path / 's.csv'}")
    assert done.exit_code == 0, done.output
    assert "python cli.py compare --against validation=s.csv" in (tmp_path / "out" / "report.md").read_text()


def test_runs_that_were_named_stand_in_the_command_that_compares_again(study, tmp_path):
    name = next((study[0] / "runs").iterdir()).name
    assert call(name, "--results", study[0], "--out", tmp_path / "out").exit_code == 0
    assert f"python cli.py compare {name}" in (tmp_path / "out" / "report.md").read_text()


def test_a_folder_of_runs_is_no_place_for_a_comparison(study):
    for folder in (study[0] / "runs", next((study[0] / "runs").iterdir())):
        before = files_of(folder)
        done = call("--results", study[0], "--out", folder)
        assert done.exit_code == 1
        assert "a folder of runs" in done.stderr
        assert files_of(folder) == before


def test_names_cannot_command_a_terminal_or_a_spreadsheet(tmp_path):
    run = make_run(tmp_path, skill=0.3)
    content = run.record().to_dict()
    content["experiment"] |= {"params": "p1\x1b[2J", "backbone": "=cmd|calc"}
    write_content(run, content)
    done = call("--results", tmp_path)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.stdout
    with (tmp_path / "comparison" / "comparison.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    assert row["backbone"] == "'=cmd|calc"
    assert row["model"].startswith("'=")


def test_a_comparison_that_fails_leaves_the_one_before(study, monkeypatch):
    from retina.errors import RetinaError
    from retina.reporting.writers import html

    def fail(*_):
        raise RetinaError("the disk is full")

    before = files_of(study[0] / "comparison")
    monkeypatch.setattr(html, "render", fail)
    done = call("--results", study[0])
    assert done.exit_code == 1
    assert "the disk is full" in done.stderr
    assert files_of(study[0] / "comparison") == before


def test_compare_works_with_torch_and_keras_uninstalled(study, tmp_path):
    words = [sys.executable, "-c", BLOCKED, "compare", "--results", str(study[0]), "--out", str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "out") == files_of(study[0] / "comparison")
    trained = subprocess.run(
        [sys.executable, "-c", BLOCKED, "run", "resnet18"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert trained.returncode == 1
    (line,) = trained.stderr.splitlines()
    assert line.startswith("Error: the package ")
    assert line.endswith("Next: pip install --editable '.'")


def test_published_scores_stand_in_the_same_tables(shared, tmp_path):
    published = shared / "data" / "rfmid_published"
    words = [word for name in ("scores_test.csv", "scores_validation.csv") for word in ("--against", published / name)]
    done = call("--results", tmp_path, "--out", tmp_path / "out", *words[:2])
    assert done.exit_code == 0, done.output
    with (published / "delong_published.csv").open(newline="") as stream:
        theirs = {(row["Model1"], row["Model2"]): row for row in csv.DictReader(stream)}
    with (tmp_path / "out" / "pairwise.csv").open(newline="") as stream:
        ours = list(csv.DictReader(stream))
    assert len(ours) == len(theirs) == 15
    for row in ours:
        names = tuple(row[key].removesuffix(" (published)") for key in ("model_a", "model_b"))
        expected = theirs[names]
        assert float(row["auroc_a"]) == pytest.approx(float(expected["AUC1"]), abs=1e-9)
        assert float(row["difference"]) == pytest.approx(float(expected["AUC_Diff"]), abs=1e-9)
        assert float(row["standard_error"]) == pytest.approx(float(expected["SE_Diff"]), abs=1e-9)
        assert float(row["p_value"]) == pytest.approx(float(expected["P_Value"]), rel=1e-6)
