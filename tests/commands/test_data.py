"""`data audit`, `data synth` and `data fetch` as a user types them."""

import json
import sys

from command_line import call, fails

from retina.data.drawing import synthetic


def test_an_audit_prints_tables_and_exits_with_1_where_a_result_would_be_corrupted(make_set):
    data = make_set()
    good = call("data", "audit", data)
    assert good.exit_code == 0, good.output
    assert "train" in good.stdout
    (data / "Training_Set" / "Training" / "3.png").unlink()
    bad = call("data", "audit", data, "--json")
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["splits"]["train"]["missing"] == 1


def test_drawing_a_set_refuses_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "note").write_text("mine")
    fails(call("data", "synth", tmp_path, "--quiet"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_fetching_without_its_extra_says_how_to_get_the_data_by_hand(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    result = fails(call("data", "fetch", tmp_path / "rfmid"), "pip install --editable '.[fetch]'")
    for words in ("CC BY 4.0", "10.3390/data6020014", "IEEE DataPort", "Kaggle", "grand-challenge"):
        assert words.lower() in result.stderr.lower()


def test_an_audit_of_a_drawn_set_says_that_it_means_nothing(tmp_path):
    folder = synthetic.synthesize(tmp_path / "set", counts={"train": 12, "validation": 8, "test": 8}, quiet=True)
    assert synthetic.NOTICE in call("data", "audit", folder).stderr
