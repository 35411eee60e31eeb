"""A planned run: what is resolved, once, and how it is named."""

import dataclasses

import pytest
from small_runs import SMALL, planned

from retina.errors import DataError
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.models.backbones import registry
from retina.runs import reading
from retina.runs.session import Environment
from retina.training import plan as planning
from retina.training.plan import Planner
from retina.training.weights import StartingWeights


def test_the_backbone_is_resolved_and_the_name_has_no_colon(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path, "keras:MobileNetV3Small")
    assert plan.backbone.facts is registry.get("keras:MobileNetV3Small").facts
    assert plan.name == f"keras.MobileNetV3Small-p1-ce-seed0-{plan.digest[:8]}"
    assert plan.run.folder == tmp_path / "runs" / plan.name
    assert plan.record().environment.packages.keys() >= {"keras", "torch"}


def test_a_planner_chooses_the_data_folder_and_reads_each_data_set_and_weights_once(tiny_set, tmp_path, monkeypatch):
    calls = []
    for module, name in ((planning.dataset, "choose"), (planning.dataset, "load"), (planning.weights, "resolve")):
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *words, _of=original, _name=name, **named: calls.append(_name) or _of(*words, **named)
        )
    planner = Planner(Place(tmp_path, tiny_set, quiet=True))
    for change in ({}, {"seed": 1}, {"loss": "focal"}, {"image_size": 72}):
        planner.plan(*parameters.load("resnet18", "p1", **(SMALL | change)))
    assert sorted(calls) == ["choose", "load", "load", "resolve"]


@pytest.mark.parametrize(("origin", "values"), [("random", ("random", 1.0)), ("imagenet", ("prior", 0.5))])
def test_what_pretrained_weights_need_holds_where_training_starts_from_them(
    tiny_set, tmp_path, monkeypatch, origin, values
):
    start = StartingWeights("imagenet", origin, notice="could not be had" if origin == "random" else None)
    monkeypatch.setattr(planning.weights, "resolve", lambda *_, **named: start)
    asked = SMALL | {"weights": "imagenet", "warmup_epochs": 1.0}
    plan = planning.plan(parameters.load("resnet18", "p1", **asked), Place(tmp_path, tiny_set, quiet=True))
    item = plan.record().experiment
    assert (item.head_start, item.layer_decay) == values
    assert (item.weights, item.warmup_epochs, item.precision) == ("imagenet", 1.0, "float32")
    assert ("warmup_epochs" in plan.overrides) == (origin == "random")


def test_the_data_folder_is_that_of_the_place_then_of_the_environment(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setenv("RETINA_DATA", str(tiny_set))
    assert Planner(Place(tmp_path)).folder == tiny_set
    with pytest.raises(DataError, match="no such data folder"):
        _ = Planner(Place(tmp_path, tmp_path / "nowhere")).folder


def test_a_place_changes_neither_the_run_nor_its_name(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path)
    elsewhere = planned(tiny_set, tmp_path / "elsewhere")
    loud = dataclasses.replace(plan, place=dataclasses.replace(plan.place, quiet=False))
    assert plan.name == elsewhere.name == loud.name
    assert plan.digest == elsewhere.digest


def test_the_record_says_which_kernels_were_asked_for_where_that_is_not_the_default(tiny_set, tmp_path, monkeypatch):
    plan = planned(tiny_set, tmp_path)
    assert "kernels" not in plan.record().to_dict()["environment"]
    monkeypatch.setenv("RETINA_KERNELS", "torch")
    written = plan.record()
    assert written.to_dict()["environment"]["kernels"] == "torch"
    assert reading.read(Environment, written.to_dict()["environment"]).kernels == "torch"
