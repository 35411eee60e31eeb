"""The starting weights of training: those of an earlier run, of a file, of ImageNet, or none."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from made_runs import make_run
from small_runs import planned_by_eights as prepare

from retina.errors import RunError, WeightsError
from retina.experiments.place import Place
from retina.models.backbones import registry
from retina.runs.record import Start
from retina.training import weights


def test_a_damaged_model_of_an_earlier_run_is_named_and_not_used(finished, tiny_set, tmp_path):
    copy = tmp_path / "runs" / "copy"
    copy.mkdir(parents=True)
    for path in finished.folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content = bytearray((copy / "model.keras").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.keras").write_bytes(content)
    with pytest.raises(RunError, match=r"model.keras of a finished run is not as it was written"):
        prepare(tiny_set, tmp_path, weights="copy")


def test_another_backbones_run_and_an_unknown_one_are_refused(finished, tiny_set):
    results = finished.folder.parent.parent
    with pytest.raises(WeightsError, match="another backbone"):
        prepare(tiny_set, results, backbone="resnet50", weights=finished.folder.name)
    with pytest.raises(WeightsError, match="no such file or run"):
        prepare(tiny_set, results, weights="nothing")


def test_imagenet_weights_that_cannot_be_had_are_an_error_on_real_data(tiny_set, tmp_path):
    with pytest.raises(WeightsError, match="--weights random"):
        prepare(tiny_set, tmp_path, weights="imagenet")


RESNET18 = registry.get("resnet18")


def test_random_weights_are_known_by_no_digest_and_others_by_theirs():
    assert weights.StartingWeights("random", "random").identity == "random"
    start = weights.StartingWeights("w.pth", "file", Path("/w.pth"), "ab" * 32, recipe="theirs")
    assert start.identity == "sha256:" + "ab" * 32
    kept_by_a_library = weights.StartingWeights("imagenet", "imagenet", sha256="cd" * 32)
    assert kept_by_a_library.identity == "sha256:" + "cd" * 32
    assert start.record() == Start(
        requested="w.pth", origin="file", sha256="ab" * 32, notice=None, recipe="theirs", file="/w.pth"
    )


def test_random_weights_are_preprocessed_in_the_words_of_the_backbone(tmp_path):
    start = weights.resolve("random", RESNET18, Place(tmp_path), builtin=False)
    assert (start.origin, start.path, start.recipe) == ("random", None, None)
    assert start.preprocessing == RESNET18.facts.preprocessing.words


def test_imagenet_weights_carry_their_recipe_and_where_they_cannot_be_had_the_built_in_set_gets_random_ones(tmp_path):
    there = SimpleNamespace(facts=RESNET18.facts, pretrained=lambda *, quiet: (tmp_path / "net.pth", "cd" * 32))
    start = weights.resolve("imagenet", there, Place(tmp_path), builtin=False)
    assert (start.origin, start.sha256) == ("imagenet", "cd" * 32)
    assert (start.recipe, start.source) == (RESNET18.facts.recipe, RESNET18.facts.source)

    def refuse(*, quiet):
        raise WeightsError("cannot be fetched", found="no network")

    absent = SimpleNamespace(facts=RESNET18.facts, pretrained=refuse)
    drawn = weights.resolve("imagenet", absent, Place(tmp_path), builtin=True)
    assert (drawn.requested, drawn.origin, drawn.recipe) == ("imagenet", "random", None)
    assert drawn.notice == "ImageNet weights could not be had (no network): training starts from RANDOM weights"
    with pytest.raises(WeightsError, match="cannot be fetched"):
        weights.resolve("imagenet", absent, Place(tmp_path), builtin=False)


def test_a_run_that_is_not_finished_lends_no_weights(tmp_path):
    run = make_run(tmp_path, status="interrupted", epochs=2)
    with pytest.raises(WeightsError, match=r"is not finished \| Found: interrupted"):
        weights.resolve(run.folder.name, RESNET18, Place(tmp_path), builtin=False)
