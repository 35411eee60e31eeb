"""The name of a search: without a colon, and the former one where a search is there under it."""

import dataclasses

from small_runs import planned

from retina.experiments import search_space
from retina.experiments.place import Place
from retina.runs import searches
from retina.training.searches import naming, tuning


def test_a_search_is_named_like_its_runs(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path, "keras:MobileNetV3Small")
    assert naming.name(plan, "seed0-abcd", tmp_path) == "keras.MobileNetV3Small-p1-ce-seed0-abcd"


def test_a_search_of_an_earlier_version_keeps_its_name(tiny_set, tmp_path):
    plan = planned(tiny_set, tmp_path, "keras:MobileNetV3Small")
    space = search_space.Space()
    name = tuning.name(plan, space)
    assert name.startswith("keras.MobileNetV3Small-p1-ce-seed0-")
    former = name.replace("keras.", "keras:")
    searches.tuning_folder(tmp_path).mkdir()
    (searches.tuning_folder(tmp_path) / f"{former}.json").write_text("")
    assert tuning.name(plan, space) == former
    assert tuning.name(plan, search_space.Space(sampler_seed=1)).startswith("keras.")
    elsewhere = dataclasses.replace(plan, place=Place(tmp_path / "elsewhere"))
    assert tuning.name(elsewhere, space) == name
