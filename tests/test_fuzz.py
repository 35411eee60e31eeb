"""What a stranger can hand over: a clear error of one line or a correct result; never a traceback, a hang or a flood.

`make test-disasters` runs 10,464 cases in all, always the same, and `make test` the first tenth of each; `-m fuzz` runs
twenty times as many of each, new ones every time.
"""

import json
import os
import resource
import tomllib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_runs import make_run, sealed
from pictures_on_disk import WHOLE
from sets_on_disk import write_official

from retina.analysis.comparing import summary
from retina.analysis.gathering import collection
from retina.data.preparing import fundus
from retina.data.sources import labels
from retina.errors import ExperimentError, ImageError, LabelError, RunError
from retina.experiments import experiment, parameters
from retina.machine import files
from retina.runs import status

CASES = {"labels": 2_400, "images": 3_000, "experiments": 3_000, "records": 2_000}
GROWTH = 1_500
"""MiB that a fuzzer may add to the peak of this process's memory: the largest picture, 300, a few times over."""

HOSTILE = [
    *("=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "@SUM(1)", "-1", "\t=1"),
    *("../../x", "/etc/passwd", "C:\\x", "\\\\host\\x", "..", ".", "a/b", "a\\b", "nul\0", "\ufeff1", "\u202e1"),
    *("<script>alert(1)</script>", "|", "`x`", "[a](javascript:1)", "&lt;", "\x1b[31m", "%s%n", "{0}", "${x}"),
    *(
        "",
        " ",
        '"',
        "'",
        "1e309",
        "NaN",
        "inf",
        "0x1",
        "1_0",
        "٣",
        "Ⅷ",
        "\uff11",
        "true",
        "None",
        "9" * 400,
        "x" * 5_000,
    ),
]


pytestmark = pytest.mark.fuzz


def fuzz(name):
    """The number of cases; one that takes twenty seconds hangs."""
    times = float(os.environ.get("RETINA_FUZZ", "0.1"))
    return settings(
        max_examples=int(CASES[name] * times),
        derandomize=times <= 1,
        deadline=20_000,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def bounded_memory():
    """Every fuzzer is held to a bound on the memory it adds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < GROWTH


def is_one_line(error):
    """Whether an error is one that a user can be shown."""
    text = str(error)
    return bool(text.strip()) and len(text.splitlines()) == 1 and len(text) < 20_000


def attempt(work, refusal):
    """What some work gives, or how it was refused."""
    try:
        return work(), None
    except refusal as error:
        return None, error


# Labels


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """A whole data set, of which the fuzzer writes one table anew."""
    return write_official(tmp_path_factory.mktemp("hostile") / "set")


cells = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8), st.integers(-3, 12).map(str), st.sampled_from("01"))
rows_of_cells = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=6)
headers = st.sampled_from(
    [
        ["ID", "Disease_Risk"],
        ["id", "disease_risk", "path"],
        ["ID", "Disease_Risk", "filename"],
        ["ID"],
        ["ID", "ID"],
        [],
    ]
)


@st.composite
def tables(draw):
    """A label table as bytes: rows of hostile cells, in a hostile encoding, or bytes that are no table."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    quote = draw(st.sampled_from(['"', "'", ""]))
    lines = [separator.join(f"{quote}{cell}{quote}" for cell in row) for row in [draw(headers), *draw(rows_of_cells)]]
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])), "replace")


@given(tables())
@fuzz("labels")
def test_any_label_table_is_read_or_refused(data_folder, content):
    table = data_folder / "Training_Set" / "RFMiD_Training_Labels.csv"
    table.write_bytes(content)
    found, error = attempt(lambda: labels.read(data_folder), LabelError)
    if error is not None:
        assert is_one_line(error)
        return
    frame = found.frame
    assert str(frame["label"].dtype) == "Int64"
    for name in frame["id"]:
        assert name not in ("", ".", "..")
        assert not set(name) & set("/\\\0")
    for path in frame["path"].dropna():
        assert path.startswith(str(data_folder) + "/")
        assert ".." not in path


@given(st.sampled_from(HOSTILE), st.sampled_from("01"))
@fuzz("labels")
def test_a_hostile_id_is_kept_as_text_or_refused(data_folder, name, label):
    """What is read is what was written, to the letter."""
    table = data_folder / "Training_Set" / "RFMiD_Training_Labels.csv"
    quoted = name.replace('"', '""')
    table.write_text(f'ID,Disease_Risk\n"{quoted}",{label}\n', encoding="utf-8", newline="")
    found, error = attempt(lambda: labels.read(data_folder), LabelError)
    if error is not None:
        assert is_one_line(error)
        return
    frame = found.frame
    row = frame[frame["split"] == "train"].iloc[0]
    assert (row["id"], row["label"]) == (name.strip(), int(label))


# Images


@given(
    kind=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    share=st.floats(0, 1),
    inserted=st.binary(max_size=60),
    how=st.integers(0, 3),
)
@fuzz("images")
def test_any_image_is_decoded_or_refused(tmp_path_factory, *, kind, changes, share, inserted, how):
    """Changed bytes, cut ends, foreign bytes in the middle, a header before foreign bytes."""
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[int(place * (min(len(data), 100) if how % 2 else len(data)))] = value
    cut = int(share * len(data))
    content = {
        0: bytes(data),
        1: bytes(data),
        2: bytes(data[:cut]) + inserted,
        3: bytes(data[:cut]) + inserted + data[cut:],
    }
    path = tmp_path_factory.getbasetemp() / "hostile.png"
    path.write_bytes(content[how])
    found, error = attempt(lambda: fundus.prepare(path, 16), ImageError)
    if error is not None:
        assert is_one_line(error)
        assert error.where == path
        return
    assert (found.shape, found.dtype) == ((16, 16, 3), np.uint8)


# Experiments

keys = st.one_of(st.sampled_from([*experiment.SETTINGS, "epoch", "__class__", "", "a.b"]), st.text(max_size=6))
toml_values = st.one_of(
    st.sampled_from(["true", "1", "0", "-1", "1e-4", "inf", "nan", "1e400", "9" * 50, '""', "[]", "{}", "1979-05-27"]),
    st.sampled_from(['"imagenet"', '"random"', '"head"', '"../../x"', "'''a\nb'''", "[" * 3_000, '"\\u0000"']),
    st.text(max_size=6),
)
lines_of_toml = st.lists(st.tuples(keys, toml_values), max_size=8).map(
    lambda pairs: "\n".join(f"{key} = {value}" for key, value in pairs)
)
BASE = "batch_size = 8\nlearning_rate = 1e-4\nepochs = 1\n"


@given(st.one_of(lines_of_toml, lines_of_toml.map(BASE.__add__), st.text(max_size=60)), st.booleans())
@fuzz("experiments")
def test_any_parameter_file_is_read_or_refused(tmp_path_factory, text, damaged):
    path = tmp_path_factory.getbasetemp() / "hostile.toml"
    path.write_bytes(text.encode("utf-16" if damaged else "utf-8", "replace"))
    found, error = attempt(lambda: parameters.load("resnet18", str(path)), ExperimentError)
    if error is not None:
        assert is_one_line(error)
        return
    chosen = found.experiment
    said = tomllib.loads(text)
    for key, value in chosen.to_dict().items():
        if key in said:
            assert value == said[key]


@pytest.mark.parametrize("name", ["=cmd", "<b>", "a b", "a\nb", "-x", "..", "a|b", "x" * 101, "a\u202eb", "`a`"])
def test_a_parameter_file_whose_name_could_be_taken_for_something_else_is_refused(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text(BASE)
    with pytest.raises(ExperimentError, match="a name of letters"):
        parameters.load("resnet18", str(path))


@pytest.mark.parametrize("name", ["p3", "P-3.fine_2", "參數", "größe"])
def test_a_parameter_file_may_be_named_in_any_script(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text(BASE, encoding="utf-8")
    assert parameters.load("resnet18", str(path))[0].params == name


# Records

plain = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.sampled_from(HOSTILE)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)),
    max_leaves=4,
)


def places(value, trail=()):
    """Every place in a nested mapping."""
    found = [trail] if trail else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*trail, key))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs"), epochs=4)
    return run, run.record_path.read_bytes()


def read_every_way(run):
    """Read a run as `runs`, `runs --verify` and `compare` read it; whatever is wrong must be a RunError."""
    for read in (status.record, summary.summarize, collection.read, lambda run: status.check(run, run.record())):
        _, error = attempt(lambda read=read: read(run), RunError)
        assert error is None or is_one_line(error)


@given(st.data())
@fuzz("records")
def test_any_record_is_read_or_refused(made, data):
    """A hostile one carries the right seal; a damaged one has a changed byte."""
    run, content = made
    if data.draw(st.booleans()):
        record = json.loads(content)
        del record["seal"]
        for _ in range(data.draw(st.integers(1, 3))):
            *trail, last = data.draw(st.sampled_from(places(record)))
            inner = record
            for key in trail:
                inner = inner[key]
            if data.draw(st.integers(0, 4)) == 0:
                del inner[last]
            else:
                inner[last] = data.draw(plain)
        text = json.dumps(record | {"seal": files.json_sha256(record)})
        run.record_path.write_text(text)
        read_every_way(run)
    else:
        changed = bytearray(content)
        place = data.draw(st.integers(0, len(content) - 1))
        changed[place] ^= data.draw(st.integers(1, 255))
        run.record_path.write_bytes(changed)
        found, error = attempt(run.record, RunError)
        whole = {key: value for key, value in json.loads(content).items() if key != "seal"}
        assert found.to_dict() == whole if error is None else is_one_line(error)


def test_every_flipped_byte_of_a_finished_runs_tables_is_named(tmp_path):
    run = make_run(tmp_path, epochs=2)
    for path in (run.history_path, run.predictions_path):
        whole = path.read_bytes()
        for place in range(0, len(whole), 29):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            for read in (collection.read, summary.summarize):
                with pytest.raises(RunError):
                    read(run)
        path.write_bytes(whole)
    assert collection.read(sealed(run)).finished
