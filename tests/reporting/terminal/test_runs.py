"""Runs as text for a terminal: one with its table and remarks, all of them a line each."""

import json
from dataclasses import replace

from exact_runs import make_exact_run

from retina.analysis.comparing.summary import summarize
from retina.reporting.terminal import runs as terminal
from retina.runs.session import Timings


def test_the_remarks_follow_the_numbers(tmp_path):
    run = make_exact_run(tmp_path, weights={"notice": "random weights", "origin": "random"}, data={"notice": "drawn."})
    lines = terminal.render(summarize(run)).splitlines()
    assert lines[-4:] == ["", "random weights.", "drawn.", f"Run folder: {run.folder}"]


def test_a_summary_as_json_ends_with_its_remarks(tmp_path):
    summary = summarize(make_exact_run(tmp_path, data={"notice": "drawn"}))
    values = json.loads(json.dumps(terminal.to_dict(summary)))
    assert list(values)[-3:] == ["folder", "results", "remarks"]
    assert values.pop("remarks") == ["drawn."]
    assert values == summary.to_dict()


def test_an_unfinished_run_is_listed_without_results(tmp_path):
    run = make_exact_run(tmp_path, status="interrupted")
    line = terminal.render_all([summarize(run)]).splitlines()[1]
    assert "interrupted" in line
    assert "." not in line


def test_the_table_of_runs_says_what_each_started_from_and_repeats_the_notices_once(tmp_path):
    run = make_exact_run(tmp_path, weights={"notice": "not ImageNet", "origin": "random"})
    table = terminal.render_all([summarize(run)] * 2)
    assert table.count("random") == 2
    assert table.count("not ImageNet.") == 1


def test_the_table_holds_both_baselines_under_each_split(tmp_path):
    lines = terminal.render(summarize(make_exact_run(tmp_path))).splitlines()
    for split in ("validation", "test"):
        place = next(number for number, line in enumerate(lines) if line.startswith(split))
        assert lines[place + 1].split()[-1] == "0.8000"
        assert lines[place + 2].split()[-2:] == ["0.6100", "0.7000"]


def test_the_speed_of_a_run_is_one_line_and_left_out_where_it_was_not_recorded():
    timings = Timings(started="", images_per_second=12.34, waiting_share=0.0156, peak_memory_mib=2048)
    line = "12.3 images/s, 1.6% of the time waiting for data"
    assert terminal.speed(timings) == [f"{line}, peak memory 2.0 GiB"]
    assert terminal.speed(replace(timings, peak_memory_mib=None)) == [line]
    kept = "12.3 images/s on kept features (1 min 1 s before the first epoch), 1.6% of the time waiting for data"
    assert terminal.speed(replace(timings, peak_memory_mib=None, feature_seconds=61.2)) == [kept]
    assert terminal.speed(Timings(started="", training_seconds=61.0)) == []
    assert terminal.speed(replace(timings, images_per_second=None)) == []
