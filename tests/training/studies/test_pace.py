"""How long the runs of a study take: measured on this machine, or scaled from what was."""

import dataclasses

import pytest
from made_runs import make_run, rewrite, write_content

from retina.experiments import parameters
from retina.machine import provenance
from retina.runs import reading
from retina.runs.session import Environment
from retina.training.studies import pace


def test_the_time_is_measured_where_a_run_of_its_kind_was_trained_and_scaled_elsewhere(tmp_path):
    here = provenance.describe()
    for backbone, seconds, place in (("resnet18", 100.0, here), ("vgg16", 999.0, here | {"device_name": "another"})):
        run = make_run(tmp_path, backbone)
        rewrite(run, environment=reading.read(Environment, place), timings={"training_seconds": seconds})
    known = pace.Pace(tmp_path)
    chosen = parameters.load("resnet18", "p1", image_size=64, precision="float32").experiment
    measured = known.estimate([(chosen, 120, 5)])
    assert (measured.measured, measured.total) == (1, 1)
    assert measured.seconds == pytest.approx(100.0 / (10 * 60) * 120 * 5)
    larger = dataclasses.replace(chosen, image_size=128)
    scaled = known.estimate([(larger, 120, 5)])
    assert (scaled.measured, scaled.seconds) == (0, pytest.approx(4 * measured.seconds))
    vgg = known.estimate([(dataclasses.replace(chosen, backbone="vgg16"), 120, 5)])
    assert vgg.seconds == pytest.approx(measured.seconds * 15_346_630_656 / 1_813_561_344)
    assert known.estimate([(dataclasses.replace(chosen, fine_tune="head"), 120, 5)]).seconds is None
    assert "scaled" in known.estimate([(chosen, 1, 1), (larger, 1, 1)]).sentence
    assert pace.Pace(tmp_path / "none").estimate([(chosen, 1, 1)]).sentence.startswith("How long it takes is not known")
    assert known.estimate([]).sentence == "Nothing is left to train."


CHANGES = [
    *({"data": {}}, {"experiment": {}}, {"timings": {"training_seconds": "long"}}),
    {"timings": {"started": "", "training_seconds": 10**400}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_of_another_version_teaches_nothing_and_raises_nothing(tmp_path, change):
    run = make_run(tmp_path)
    write_content(run, run.record().to_dict() | {"environment": provenance.describe()})
    assert len(pace.Pace(tmp_path).seconds) == 1
    write_content(run, run.record().to_dict() | change)
    assert pace.Pace(tmp_path).seconds == {}
