"""The target: a column that holds 0 and 1, declared in one place."""

import ast
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina import PACKAGE
from retina.errors import ExperimentError
from retina.experiments import target
from retina.experiments.target import DEFAULT, Target, binary

HOME = PACKAGE / "experiments" / "target.py"
DATA = ("*.toml", "*.j2", "*.js", "*.css")


def names_the_default(path: Path) -> bool:
    """Whether a text of a module, docstrings among them, or a file of sentences names the default target's column."""
    if path.suffix == ".py":
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    else:
        texts = [path.read_text(encoding="utf-8")]
    return any(DEFAULT.column.lower() in text.lower() for text in texts)


def test_the_name_of_the_default_target_is_written_in_one_module_alone():
    files = [path for pattern in ("*.py", *DATA) for path in PACKAGE.rglob(pattern)]
    assert len(files) > 200
    assert [path for path in files if names_the_default(path)] == [HOME]


@pytest.mark.parametrize("text", ['"""The disease_risk."""\n', 'F = f"{1} Disease_Risk"\n', 'A = ("Disease_Risk",)\n'])
def test_a_module_that_names_it_is_seen(tmp_path, text):
    (tmp_path / "module.py").write_text(text)
    assert names_the_default(tmp_path / "module.py")


def test_the_default_is_any_disease_of_rfmid():
    assert (DEFAULT.column, DEFAULT.kind, DEFAULT.metric) == ("Disease_Risk", "binary", "auroc")
    assert DEFAULT.classes == ("healthy", "diseased")
    assert DEFAULT.positive == "diseased"


def test_another_column_says_nothing_of_the_health_of_an_eye():
    """A negative of one disease may have another."""
    assert binary("DR").classes == ("negative", "positive")
    assert binary("DR").positive == "positive"


@given(st.text().filter(target.is_column))
def test_a_target_comes_back_from_the_json_of_a_record(column):
    made = binary(column)
    assert Target.of(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize("column", ["", " ", " DR", "DR\n", "D\tR", "\x00", "x" * 101])
def test_what_can_be_no_column_of_a_table_is_refused(column):
    assert not target.is_column(column)
    with pytest.raises(ExperimentError, match=r"not a column name \| Expected: .*1 to 100 printable"):
        binary(column)


@pytest.mark.parametrize("column", ["DR", "diabetic retinopathy (any)", "糖尿病視網膜病變", "x" * 100])
def test_any_name_on_one_line_can_be_a_column(column):
    assert binary(column).column == column


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "ordinal"},
        {"columns": ("DR", "MH")},
        {"classes": ("none", "mild", "severe")},
        {"positive": "severe"},
    ],
)
def test_a_target_that_is_not_binary_is_refused(change):
    """A later version may know it; this one would train and score something else."""
    with pytest.raises(ExperimentError, match=r"unknown kind \| Expected: a binary target"):
        dataclasses.replace(binary("DR"), **change)


@pytest.mark.parametrize("key", ["name", "columns", "kind", "classes", "positive", "metric"])
def test_a_record_that_lacks_an_entry_or_has_another_type_is_no_target(key):
    content = binary("DR").to_dict()
    with pytest.raises(KeyError):
        Target.of({name: value for name, value in content.items() if name != key})
    with pytest.raises(TypeError):
        Target.of(content | {key: 3 if isinstance(content[key], str) else [3]})


@pytest.mark.parametrize(("key", "text"), [("columns", "D"), ("classes", "np")])
def test_a_text_is_no_list_of_columns_or_classes(key, text):
    content = binary("D").to_dict() | {"classes": ["n", "p"], "positive": "p"}
    assert Target.of(content).columns == ("D",)
    with pytest.raises(TypeError, match="are lists"):
        Target.of(content | {key: text})
