"""What searches leave behind is read as it was sealed, or named as damaged."""

import math

import pytest
from made_runs import make_run, rewrite

from retina.machine import sealed
from retina.runs import searches
from retina.runs.searches import RangeTest, Tuning

EXPERIMENT = {"backbone": "resnet18", "loss": "ce", "batch_size": 32, "fine_tune": "full", "image_size": 64}
RANGE = {
    "schema": 1,
    "kind": "lr-find",
    "experiment": EXPERIMENT,
    "data": {"fingerprint": "d" * 64},
    "weights": {"origin": "random"},
    "seeds": [{"suggestion": 4e-4}, {"suggestion": None}, {"suggestion": 1e-4}],
}
TUNING = {"schema": 1, "kind": "tune", "tried": 9, "pruned": 3, "failed": 1, "winner": "a run", "objective": 0.9}


def test_the_typical_rate_is_the_geometric_mean_of_the_seeds_that_suggest_one():
    test = RangeTest.of("a test", RANGE)
    assert test.known == [1e-4, 4e-4]
    assert test.typical == pytest.approx(2e-4)
    assert test.spread == pytest.approx(4)
    none = RangeTest("a test", (), (None, None))
    assert (none.known, none.typical, none.spread) == ([], None, None)


def test_a_tuning_has_its_counts_and_its_winner_or_none():
    assert Tuning.of("a search", TUNING) == Tuning("a search", "a run", 9, 3, 1, 0.9)
    assert Tuning.of("a search", TUNING | {"winner": None, "objective": None}).winner is None


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (RangeTest, TUNING, "has another schema"),
        (RangeTest, RANGE | {"schema": 2}, "has another schema"),
        (RangeTest, {"kind": "lr-find"}, "lacks 'schema'"),
        (RangeTest, RANGE | {"experiment": {"backbone": "resnet18"}}, "lacks 'fine_tune'"),
        (RangeTest, RANGE | {"seeds": None}, "lacks .*not iterable"),
        *(
            (RangeTest, RANGE | {"seeds": [{"suggestion": rate}]}, "no learning rate")
            for rate in ("0.1", 0.0, -1.0, math.inf, math.nan, True)
        ),
        (Tuning, RANGE, "has another schema"),
        (Tuning, {key: value for key, value in TUNING.items() if key != "pruned"}, "lacks 'pruned'"),
        *(
            (Tuning, TUNING | change, "other types")
            for change in ({"tried": -1}, {"tried": True}, {"winner": None}, {"objective": None}, {"winner": 3})
        ),
    ],
)
def test_another_or_a_damaged_record_says_what_is_wrong(kind, content, words):
    with pytest.raises(ValueError, match=words):
        kind.of("a search", content)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sealed.seal(content))
    return path


def test_searches_of_several_folders_are_read_by_name_and_drafts_left_out(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for results, name in ((second, "y"), (first, "x"), (first, ".draft")):
        write(searches.range_folder(results) / name / "record.json", RANGE)
        write(searches.tuning_folder(results) / f"{name}.json", TUNING)
    tests, damaged = searches.range_tests([second, first])
    assert ([test.name for test in tests], damaged) == (["x", "y"], [])
    tunings, damaged = searches.tunings([second, first])
    assert ([tuning.name for tuning in tunings], damaged) == (["x", "y"], [])
    assert searches.tunings([tmp_path / "nothing"]) == ([], [])


def test_a_damaged_file_is_one_line_and_the_others_are_read(tmp_path):
    write(searches.tuning_folder(tmp_path) / "a.json", TUNING)
    altered = write(searches.tuning_folder(tmp_path) / "b.json", TUNING)
    altered.write_text(altered.read_text().replace('"tried": 9', '"tried": 90'))
    tunings, (line,) = searches.tunings([tmp_path])
    assert [tuning.name for tuning in tunings] == ["a"]
    assert line.startswith("the record of a search is damaged | Found: b.json was altered")
    assert line.endswith("Next: delete it and search again")
    assert str(altered) in line


def test_the_test_of_a_runs_own_setting_with_the_most_seeds_applies(tmp_path):
    run = make_run(tmp_path)
    setting = searches.setting_of(run.record())
    assert setting == RangeTest.of("a test", RANGE).setting
    one, two = RangeTest("a", setting, (1e-3,)), RangeTest("b", setting, (1e-3, 2e-3))
    for change in ({"class_weight": "balanced"}, {"layer_decay": 0.5}, {"head_start": "prior"}, {"optimizer": "sgd"}):
        assert RangeTest.of("a test", RANGE | {"experiment": EXPERIMENT | change}).setting != setting
    head = RANGE | {"experiment": EXPERIMENT | {"fine_tune": "head"}}
    rates = RANGE | {"experiment": EXPERIMENT | {"fine_tune": "head", "layer_decay": 0.5}}
    assert RangeTest.of("a test", rates).setting == RangeTest.of("a test", head).setting
    other = RangeTest("c", ("vgg16", *setting[1:]), (1e-3,) * 3)
    unsure = RangeTest("d", setting, (None,) * 4)
    assert searches.nearest([two, one, other, unsure], run.record()) == two
    assert searches.nearest([other, unsure], run.record()) is None
    content = run.record().to_dict()["experiment"]
    rewrite(run, experiment=content | {"freeze_epochs": 2})
    assert searches.nearest([one, two], run.record()) is None
    rewrite(run, experiment=content)
    rewrite(run, data={"fingerprint": "e" * 64})
    assert searches.nearest([one, two], run.record()) is None
