"""What a study has to do, before the first run is trained."""

import dataclasses

import pytest
from small_runs import SMALL
from small_studies import members

from retina.errors import RetinaError, RunError
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.machine import device
from retina.runs import folder as runs
from retina.training import weights
from retina.training.studies import agenda, engines
from retina.training.studies.pace import Pace


def test_what_is_wrong_with_any_run_is_reported_before_the_first_is_trained(tiny_set, tmp_path):
    wrong = parameters.load("vgg16", "p1", **(SMALL | {"weights": "none-such"}))
    with pytest.raises(RetinaError, match="none-such"):
        agenda.plans([*members("resnet18"), wrong], Place(tmp_path, tiny_set, quiet=True))
    assert runs.list_runs(tmp_path) == []


def test_two_names_for_one_run_are_refused(tiny_set, tmp_path):
    auto = parameters.load("resnet18", "p1", **(SMALL | {"precision": "auto"}))
    named = parameters.load("resnet18", "p1", **(SMALL | {"precision": device.resolve_precision("auto")}))
    with pytest.raises(RunError, match=r"two runs of the study are the same run, .* Next: remove one of the two"):
        agenda.plans([auto, named], Place(tmp_path, tiny_set, quiet=True))


def test_runs_that_are_the_same_for_want_of_weights_are_told_so(tiny_set, tmp_path, monkeypatch):
    """As in the study of pretraining on the built-in set, without a network."""
    original = weights.resolve

    def without_network(requested, *words, **named):
        start = original("random", *words, **named)
        notice = "ImageNet weights could not be had" if requested == "imagenet" else None
        return dataclasses.replace(start, requested=requested, notice=notice)

    monkeypatch.setattr(weights, "resolve", without_network)
    both = [parameters.load("resnet18", "p1", **(SMALL | {"weights": name})) for name in ("random", "imagenet")]
    with pytest.raises(RunError, match=r"ImageNet weights could not be had \| Next: name pretrained weights"):
        agenda.plans(both, Place(tmp_path, tiny_set, quiet=True))


@pytest.mark.usefixtures("network")
def test_a_finished_run_and_a_damaged_one_are_told_from_those_to_train(planned, tmp_path):
    plans = planned()
    assert engines.run(plans[:1], engines.here(), lambda _: None)[0].finished
    plans[1].run.folder.mkdir()
    plans[1].run.record_path.write_text("{")
    steps = agenda.agenda(plans, Pace(tmp_path))
    assert [(step.finished, step.epochs_reached, step.epochs_left) for step in steps] == [(True, 0, 0), (False, 0, 1)]
    assert steps[0].words == "finished before"
    assert steps[1].words.endswith(" s, scaled from another run")
    assert steps[1].to_dict()["measured"] is False
    assert agenda.total(steps, Pace(tmp_path)).total == 1
