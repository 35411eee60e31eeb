"""A comparison from Python."""

import itertools

import pytest
from made_runs import make_run, make_study

from retina.errors import RunError
from retina.machine import processes
from retina.reporting import pictures
from retina.workflows import compare as workflow


def test_a_comparison_is_one_call_that_prints_nothing_and_says_where_its_report_is(tmp_path, capsys):
    first, second = make_run(tmp_path, digest="00000001"), make_run(tmp_path, "vgg16", digest="00000002")
    result = workflow.compare(results=tmp_path, quiet=True)
    assert capsys.readouterr() == ("", "")
    assert result.folder == tmp_path / "comparison"
    assert (result.folder / "report.md").is_file()
    assert {entry.name for entry in result.comparison.entries} == {first.folder.name, second.folder.name}
    assert result.to_dict()["out"] == str(result.folder)


def test_runs_folder_and_language_can_be_named(tmp_path):
    first, _ = make_run(tmp_path, digest="00000001"), make_run(tmp_path, "vgg16", digest="00000002")
    result = workflow.compare(
        [first.folder.name], results=tmp_path, out=tmp_path / "here", language="zh-TW", quiet=True
    )
    assert [entry.name for entry in result.comparison.entries] == [first.folder.name]
    assert (tmp_path / "here" / "report.html").is_file()
    assert not (tmp_path / "comparison").exists()


def test_no_run_at_all_is_an_error(tmp_path):
    with pytest.raises(RunError):
        workflow.compare(results=tmp_path)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_processes_that_draw_give_the_same_bytes_as_one(tmp_path, monkeypatch):
    small = {"train": (6, 3), "validation": (8, 4), "test": (8, 4)}
    make_study(tmp_path, counts=small, epochs=3)
    monkeypatch.setattr(processes, "cores", lambda: 2)
    workflow.compare(results=tmp_path, quiet=True, out=tmp_path / "several")
    monkeypatch.setattr(processes, "cores", lambda: 1)
    monkeypatch.setattr(processes, "workers", None)
    workflow.compare(results=tmp_path, quiet=True, out=tmp_path / "one")
    assert contents(tmp_path / "several") == contents(tmp_path / "one")


def test_a_comparison_that_fails_while_others_draw_leaves_nothing(tmp_path, monkeypatch):
    make_study(tmp_path, counts={"train": (6, 3), "validation": (8, 4), "test": (8, 4)}, epochs=3)
    monkeypatch.setattr(processes, "cores", lambda: 2)
    drawings = pictures.pictures

    def fail_in_the_middle(*arguments):
        yield from itertools.islice(drawings(*arguments), 6)
        raise ValueError("in the middle")

    monkeypatch.setattr(pictures, "pictures", fail_in_the_middle)
    with pytest.raises(ValueError, match="in the middle"):
        workflow.compare(results=tmp_path, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
