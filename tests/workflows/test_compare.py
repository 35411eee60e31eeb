"""A comparison from Python."""

import pytest
from made_runs import make_run

from retina.errors import RunError
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
