"""A search as text: every trial, the best first, and what its figure is worth."""

from pathlib import Path

from retina.reporting.terminal.tuning import render


def trial(number, objective, state="finished"):
    run = f"resnet18-p1-ce-{number}"
    values = {"number": number, "learning_rate": 3e-4, "batch_size": 16, "epochs": 5, "run": run, "varied": {}}
    return values | {"state": state, "objective": objective}


def record(*trials, winner=None, notice=None):
    states = [item["state"] for item in trials]
    counts = {"tried": len(trials)} | {name: states.count(name) for name in ("finished", "pruned", "failed")}
    said = {"objective_is": "validation AUROC", "winner": winner, "data": {"notice": notice}}
    return counts | said | {"trials": list(trials)}


def test_the_best_trial_comes_first_the_earliest_of_equal_ones_and_those_without_objective_last():
    text = render(record(trial(1, None, "failed"), trial(2, 0.8), trial(3, 0.9), trial(4, 0.9), winner="w"), Path("f"))
    assert [line.split()[0] for line in text.splitlines()[1:5]] == ["3", "4", "2", "1"]
    assert text.splitlines()[1].split() == ["3", "0.0003", "16", "5", "0.9000", "finished", "resnet18-p1-ce-3"]
    assert "Trials: 4 tried, 3 finished, 0 pruned, 1 failed. Judged by validation AUROC." in text
    assert "Best: learning rate 0.0003, batch 16: w." in text
    assert "As the best of 4 trials its validation AUROC is optimistic" in text


def test_what_else_was_tried_is_in_the_line_of_each_trial():
    trials = [trial(number, 0.8) | {"varied": {"schedule": name}} for number, name in ((1, "constant"), (2, "cosine"))]
    text = render(record(*trials, winner="w"), Path("f"))
    assert [line.split()[-2:] for line in text.splitlines()[1:3]] == [["schedule", "constant"], ["schedule", "cosine"]]
    assert "Best: learning rate 0.0003, batch 16, schedule constant: w." in text


def test_without_a_winner_none_is_named_and_a_notice_on_the_data_is_shown():
    text = render(record(trial(1, None, "pruned"), notice="The images are drawn"), Path("somewhere"))
    assert "Best:" not in text
    assert text.splitlines()[-2:] == ["The images are drawn.", "Written: somewhere"]
