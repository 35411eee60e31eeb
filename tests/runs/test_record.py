"""A record is read as written, or refused in one line that names the key."""

import json
from dataclasses import replace

import pytest
from made_runs import make_run, rewrite, write_content

from retina.errors import RunError
from retina.experiments.experiment import SETTINGS, Experiment
from retina.experiments.target import DEFAULT, binary
from retina.machine import files
from retina.runs.folder import create
from retina.runs.record import SCHEMA, Record

NEEDED = [
    *("name", "digest", "status", "error", "experiment", "overrides", "target", "data", "baselines", "environment"),
    *("weights", "model", "timings", "attempt", "sessions", "early_stopping", "best_epoch", "epochs_run", "files"),
    *("experiment.backbone", "experiment.params", "experiment.loss", "experiment.seed", "experiment.batch_size"),
    *("experiment.learning_rate", "experiment.epochs", "experiment.early_stopping", "experiment.patience"),
    *("experiment.precision", "experiment.fine_tune", "experiment.image_size"),
    *("target.name", "target.columns", "target.kind", "target.classes", "target.positive", "target.metric"),
    *("data.source", "data.notice", "data.fingerprint", "data.excluded", "data.warnings", "data.splits"),
    *(f"data.splits.{split}" for split in ("train", "validation", "test")),
    *(f"data.splits.{split}.{count}" for split in ("train", "test") for count in ("images", "positives")),
    *("data.excluded.0.split", "data.excluded.0.id", "data.excluded.0.reason"),
    *(f"baselines.majority.{split}.accuracy" for split in ("validation", "test")),
    *(f"baselines.colour_histogram.{split}" for split in ("validation", "test")),
    *("environment.packages", "environment.git", "weights.origin", "weights.notice", "timings.started"),
    *("early_stopping.used", "early_stopping.patience", "early_stopping.stop_epoch", "model.parameters"),
]
"""What the record of a run made by hand must hold, whichever version wrote it."""


def read_back(run, content):
    """The record that this content is read as, under its right seal."""
    return write_content(run, content).record()


def content_of(run):
    return json.loads(run.record_path.read_text())


def place_of(content, key):
    """The object that holds a dotted key, and the last word of the key."""
    *outer, last = (int(word) if word.isdecimal() else word for word in key.split("."))
    for word in outer:
        content = content[word]
    return content, last


def test_a_record_is_read_as_written(tmp_path):
    run = make_run(tmp_path)
    other = {"experiment": replace(run.record().experiment, target="DR"), "target": binary("DR")}
    for record in (run.record(), replace(run.record(), error="Größe, 眼底", pruned_epoch=3, **other)):
        run.write_record(record)
        assert run.record() == record
        assert content_of(run) == record.to_dict() | {"seal": files.json_sha256(record.to_dict())}


def test_a_key_that_is_not_known_yet_is_written_as_null_or_left_out(tmp_path):
    written = content_of(make_run(tmp_path))
    assert written["schema"] == SCHEMA
    assert written["timings"]["finished"] is None
    assert written["diverged_step"] is None
    assert {"selection", "pruned_epoch"}.isdisjoint(written)
    assert "feature_seconds" not in written["timings"]


@pytest.mark.parametrize("key", NEEDED)
def test_a_record_that_lacks_what_is_read_is_named(tmp_path, key):
    run = make_run(tmp_path)
    whole = run.record_path.read_text()
    for wrong in ("absent", "of another type"):
        content = json.loads(whole)
        inner, last = place_of(content, key)
        if wrong == "absent":
            del inner[last]
        else:
            inner[last] = 7 if inner[last] is None or isinstance(inner[last], str | list) else "text"
            if key in ("best_epoch", "early_stopping.stop_epoch"):
                inner[last] = "text"
        with pytest.raises(RunError, match=r"the record of a run is damaged \| Expected: ") as caught:
            read_back(run, content)
        named = key.rpartition(".")[0] if key.startswith("target.") and wrong != "absent" else key
        assert f"Expected: {named}" in str(caught.value)
        assert str(run.record_path) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "asleep"),
        ("experiment.learning_rate", 0),
        ("experiment.batch_size", 0),
        ("experiment.epochs", -1),
        ("experiment.patience", 0),
        ("experiment.seed", True),
        ("experiment.focal_alpha", "none"),
        ("data.splits.train.images", 0),
        ("data.splits.test.positives", -1),
        ("data.splits.test.images", 3.5),
        ("data.warnings", [1]),
        ("data.excluded.0.split", "zzz"),
        ("baselines.majority.test.accuracy", 79.1),
        ("environment.packages", {"keras": 3}),
        ("environment.cores", "two"),
        ("weights.recipe", 5),
        ("model", "x"),
        ("timings.training_seconds", "x"),
        ("timings.feature_seconds", "x"),
        ("sessions", [{"attempt": 1}]),
        ("early_stopping.used", 1),
        ("diverged_step", "x"),
        ("pruned_epoch", "x"),
        ("selection", {"by": "tune"}),
        ("epochs_run", -1),
        ("files", {"history.csv": 7}),
        ("target", {"name": ""} | {key: value for key, value in DEFAULT.to_dict().items() if key != "name"}),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_named_not_met_later(tmp_path, key, value):
    run = make_run(tmp_path)
    content = content_of(run)
    inner, last = place_of(content, key)
    inner[last] = value
    with pytest.raises(RunError, match=r"the record of a run is damaged") as caught:
        read_back(run, content)
    assert f"Expected: {key}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changed", ["target", "experiment"])
def test_a_target_that_is_not_the_experiment_s_is_refused_in_one_line(tmp_path, changed):
    """Its seal is right: a hand, or a fault, made a record that says two things."""
    run = make_run(tmp_path)
    content = content_of(run)
    other = {"target": binary("DR").to_dict(), "experiment": content["experiment"] | {"target": "DR"}}
    with pytest.raises(
        RunError, match=r"damaged \| Expected: target.columns: \['\w+'\], which is experiment"
    ) as caught:
        read_back(run, content | {changed: other[changed]})
    assert "\n" not in str(caught.value)
    assert read_back(run, content | other).target == binary("DR")


def test_what_was_expected_is_told_in_the_words_of_json(tmp_path):
    run = make_run(tmp_path)
    content = content_of(run)
    with pytest.raises(RunError, match=r"Expected: weights.recipe: str or null \| Found: int"):
        read_back(run, content | {"weights": content["weights"] | {"recipe": 5}})
    with pytest.raises(RunError, match=r"Expected: data.splits: dict \| Found: list"):
        read_back(run, content | {"data": content["data"] | {"splits": []}})
    with pytest.raises(RunError, match=r"Expected: timings.finished: str or null \| Found: bool"):
        read_back(run, content | {"timings": content["timings"] | {"finished": False}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "another schema"),
        ("[" * 100_000, "cannot be read"),
        ('{"schema": 99}', "another schema"),
        ('{"schema": true}', "another schema"),
        ('{"schema": 3.0}', "another schema"),
        ('{"schema": 3}', "name: str"),
        ("\ud800", "cannot be read"),
    ],
)
def test_a_file_that_is_no_record_is_named(tmp_path, text, words):
    run = create(tmp_path, "a")
    run.record_path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(RunError, match=words) as caught:
        run.record()
    assert str(run.record_path) in str(caught.value)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        Record.read(tmp_path / "record.json")


@pytest.mark.parametrize("seal", [None, "0" * 64, 7])
def test_a_record_under_another_seal_is_damaged(tmp_path, seal):
    run = make_run(tmp_path)
    run.record_path.write_text(json.dumps(content_of(run) | {"seal": seal}))
    with pytest.raises(RunError, match="what was written, under its own SHA-256"):
        run.record()


def test_a_record_may_not_hold_what_json_does_not_know(tmp_path):
    run = make_run(tmp_path)
    before = run.record_path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        rewrite(run, timings={"training_seconds": float("nan")})
    assert run.record_path.read_bytes() == before


def test_a_setting_that_an_earlier_version_did_not_know_has_its_default(tmp_path):
    run = make_run(tmp_path, fine_tune="head", feature_variants=7)
    content = content_of(run)
    newer = ["deterministic", "feature_variants", "brightness"]
    for key in newer:
        del content["experiment"][key]
    experiment = read_back(run, content).experiment
    defaults = Experiment(backbone="vgg16", params="p1", batch_size=1, learning_rate=1e-3, epochs=1)
    assert [getattr(experiment, key) for key in newer] == [getattr(defaults, key) for key in newer]
    assert experiment.fine_tune == "head"


def test_a_record_stays_readable_where_a_limit_was_narrowed_since(tmp_path):
    run = make_run(tmp_path)
    written = {"image_size": 9_999, "rotation": 400.0, "loss": "hinge", "backbone": "alexnet", "params": "a b"}
    assert all(not SETTINGS[key].accepts(value) for key, value in written.items())
    content = content_of(run)
    content["experiment"] |= written
    experiment = read_back(run, content).experiment
    assert {key: getattr(experiment, key) for key in written} == written
    assert isinstance(experiment, Experiment)


def test_keys_of_a_later_version_are_passed_over(tmp_path):
    run = make_run(tmp_path)
    record, content = run.record(), content_of(run)
    content["colour"] = content["data"]["colour"] = content["experiment"]["colour"] = "red"
    assert read_back(run, content) == record


def test_a_record_of_schema_2_has_the_default_target(tmp_path):
    run = make_run(tmp_path)
    record, content = run.record(), content_of(run)
    del content["target"]
    assert read_back(run, content | {"schema": 2}) == record
    assert record.target == DEFAULT
